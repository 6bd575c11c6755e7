"""Laws of threads: one CPU at a time, nothing after the end, and no waking without being made ready."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.laws.events import KERNEL_PROCESSES, Event, What
from tests.laws.law import law
from tests.laws.requests import Story
from tracer.columns import UNKNOWN_ID
from tracer.events.irp import MajorFunction
from tracer.events.thread import ThreadState

_AT_EXIT: Final = frozenset({MajorFunction.CLEANUP, MajorFunction.CLOSE})
_BY_WHO_RUNS: Final = frozenset(
    {What.ALLOCATE, What.FREE, What.CALL, What.RETURN, What.COMPLETE, What.ROUTINE, What.COMPLETED, What.INSERT,
     What.REMOVE, What.SOCKET}
)  # fmt: skip
_SWITCHES = "Microsoft, CSwitch class"
_LEAVING_NS: Final = 20_000
"""A wait begins before the switch that it leads to is logged; in between another CPU may end it."""
DISOWNED_NS: Final = 300_000_000_000
"""How long the exit of a thread waits for drivers (IopIrpCompletionTimeoutInSeconds, seen in published analyses;
ReactOS, iomgr/irp.c IoCancelThreadIo waits in steps too)."""


@law("The thread that a CPU leaves is the one that it went to before.", _SWITCHES)
def switches_fit(story: Story) -> Iterator[str]:
    running: dict[int, Event] = {}
    for event in story.logged.events:
        if event.what is What.SWITCH:
            last = running.get(event.cpu)
            if last is not None and last.object != event["old_thread"]:
                yield f"CPU {event.cpu} leaves {event['old_thread']} ({event.said}); it went to {last.object} before"
            running[event.cpu] = event


@law("A thread runs on one CPU at a time.", _SWITCHES)
def a_thread_runs_on_one_cpu(story: Story) -> Iterator[str]:
    """0 is the idle thread of every CPU."""
    running: dict[int, int] = {}
    for event in story.logged.events:
        if event.what is What.SWITCH:
            elsewhere = [cpu for cpu, thread in running.items() if thread == event.object and cpu != event.cpu]
            if event.object and elsewhere:
                yield f"thread {event.object} comes at {event.said}, and is on CPU {elsewhere[0]}"
            running[event.cpu] = event.object


@law("What a thread does, it does on the CPU that it has.", _SWITCHES)
def events_happen_where_their_thread_runs(story: Story) -> Iterator[str]:
    running: dict[int, int] = {}
    for event in story.logged.events:
        if event.what is What.SWITCH:
            running[event.cpu] = event.object
        elif event.what in _BY_WHO_RUNS and event.thread not in {UNKNOWN_ID, running.get(event.cpu, event.thread)}:
            yield f"{event.what.name} at {event.said}, where thread {running[event.cpu]} runs"


@law("A thread that waits is made ready before it runs again.", "Microsoft, ReadyThread class")
def waiting_threads_are_made_ready(story: Story) -> Iterator[str]:
    if not any(event.what is What.READY for event in story.logged.events):
        return
    waits: dict[int, Event] = {}
    ready: dict[int, int] = {}
    for event in story.logged.events:
        if event.what is What.READY:
            waits.pop(event.object, None)
            ready[event.object] = event.at_ns
        elif event.what is What.SWITCH:
            left = waits.pop(event.object, None)
            if left is not None and event.object:
                yield f"thread {event.object} waits since {left.said} and runs at {event.said} without being made ready"
            early = event.at_ns - ready.get(event["old_thread"], -_LEAVING_NS - 1) <= _LEAVING_NS
            if event["old_state"] == ThreadState.WAITING and not early:
                waits[event["old_thread"]] = event


@law(
    "A thread that has a CPU is not made ready: it leaves the CPU first.",
    "Microsoft, ReadyThread class; ReactOS, ke/thrdschd.c KiReadyThread",
)
def running_threads_are_not_made_ready(story: Story) -> Iterator[str]:
    """But for one that is about to leave: its wait has begun, and the switch is logged a moment later."""
    running: dict[int, int] = {}
    early: dict[int, Event] = {}
    for event in story.logged.events:
        if event.what is What.SWITCH:
            running[event.cpu] = event.object
            ready = early.pop(event["old_thread"], None)
            if ready is not None and event.at_ns - ready.at_ns > _LEAVING_NS:
                yield f"thread {ready.object} is made ready at {ready.said}, and leaves its CPU at {event.said}"
        elif event.what is What.READY and event.object in running.values():
            early[event.object] = event
    for ready in early.values():
        yield f"thread {ready.object} is made ready at {ready.said}, and has a CPU up to the end"


@law("A thread whose last switch said that it is terminated does nothing more.", "ReactOS, ps/kill.c PspExitThread")
def the_dead_do_nothing(story: Story) -> Iterator[str]:
    """Ids are used again by new threads, which are started first."""
    gone: dict[int, Event] = {}
    for event in story.logged.events:
        if event.what is What.SWITCH:
            if event.object in gone and event.object:
                yield f"thread {event.object} runs at {event.said} and was terminated at {gone[event.object].said}"
            if event["old_state"] == ThreadState.TERMINATED:
                gone[event["old_thread"]] = event
        elif event.what is What.START:
            gone.pop(event["thread"], None)
        elif event.what in _BY_WHO_RUNS and event.thread in gone and event.thread:
            yield f"{event.what.name} at {event.said}, and its thread was terminated at {gone[event.thread].said}"


@law(
    "A thread ends before it is terminated, and between the two begins no requests but those that close handles.",
    "ReactOS, ps/kill.c PspExitThread",
)
def exiting_threads_only_close(story: Story) -> Iterator[str]:
    exiting: dict[int, Event] = {}
    for event in story.logged.events:
        if event.what is What.END:
            exiting[event["thread"]] = event
        elif event.what is What.START:
            exiting.pop(event["thread"], None)
        elif event.what is What.SWITCH:
            terminated = event["old_state"] == ThreadState.TERMINATED
            if terminated and event["old_thread"] not in exiting:
                yield f"thread {event['old_thread']} is terminated at {event.said} and had not ended"
    ended = story.ended
    for request in story.requests:
        end = ended.get(request.thread)
        user = story.logged.processes.get(request.thread, 0) not in KERNEL_PROCESSES
        if end is not None and request.issued.order > end.order and user and request.major not in _AT_EXIT:
            yield f"{request.said()}, and its thread ended at {end.said}"


@law(
    "A thread is not terminated while a driver keeps its thread-bound request, for 300 seconds.",
    "ReactOS, iomgr/irp.c IoCancelThreadIo; Microsoft, 'Cancel logic': a thread cannot end with pending requests",
)
def exit_waits_for_drivers(story: Story) -> Iterator[str]:
    """Needs the truth. Requests on files with a port are not bound to a thread: none where a process uses ports."""
    users = {event.process for event in story.logged.events if event.what is What.INSERT or event.what is What.REMOVE}
    gone, ended = story.terminated, story.ended
    for _, request in story.held("driver-kept"):
        last, end = gone.get(request.thread), ended.get(request.thread)
        bound = request.outer and request.issued.process not in users
        if bound and last is not None and end is not None and last.at_ns - end.at_ns < DISOWNED_NS:
            yield f"{request.said()} is not completed, and its thread is terminated at {last.said}"
