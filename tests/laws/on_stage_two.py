"""Laws of stage 2 of completion: in whose context it runs, in which order, and what cannot happen before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from tests.laws.activity import Activity
from tests.laws.events import Event, What
from tests.laws.law import before, law
from tests.laws.queue_order import overtaken
from tests.laws.requests import OF_A_HANDLE, Request, Story
from tracer.events import afd
from tracer.events.irp import MajorFunction

_INTERRUPT_NS: Final = 20_000
"""An APC interrupt from another CPU arrives within this."""
_NOT_BY_APC: Final = frozenset({"port", "driver-kept", "completion-stopped"})
_DATA_CALLS: Final = frozenset({afd.SEND, afd.RECEIVE, afd.CONNECT, afd.CONNECT_WITH_ADDRESS})
MOST_SPECIAL: Final = 512
"""Requests that special APCs hold on one thread: what one system call can have had under way at once. No document
gives a number; what grows beyond this needs many system calls."""


@law(
    "A thread runs no user code between the completion of its thread-bound request and stage 2 of that.",
    "Microsoft, bug check 0x1 APC_INDEX_MISMATCH and 'Types of APCs': the way back to user mode delivers special APCs",
)
def no_user_mode_before_stage_two(story: Story) -> Iterator[str]:
    """Of requests whose stage 2 is seen, and those whose system buffer shows that it never came."""
    activity = story.activity
    for request in story.requests:
        begin, end, until = _waits_for_stage_two(story, request)
        if begin is not None:
            yield from _between(request, activity.get(request.thread, []), begin, end, until)


def _waits_for_stage_two(story: Story, request: Request) -> tuple[Event | None, Event | None, Event | None]:
    stage_two = request.stage_two
    if request.major in OF_A_HANDLE or _by_port_or_driver(story, request):
        return None, None, None
    if stage_two is None and request.buffer is None:
        return None, None, None
    begin, end = request.completed_before(stage_two.order if stage_two is not None else float("inf"))
    return begin, end, stage_two


def _by_port_or_driver(story: Story, request: Request) -> bool:
    if request.inserted is not None or (request.routine is not None and request.stage_two is None):
        return True
    key = request.irp, request.issued.at_ns
    return any((each.irp, each.issued_ns) == key and each.why in _NOT_BY_APC for each in story.logged.held)


def _between(
    request: Request, activity: list[Activity], begin: Event, end: Event | None, until: Event | None
) -> Iterator[str]:
    queued = end if end is not None else begin
    for each in activity:
        late = each.event.at_ns > queued.at_ns + _INTERRUPT_NS and each.event.order > queued.order
        if late and (until is None or each.event.order < until.order):
            then = f"stage 2 comes at {until.said}" if until is not None else "stage 2 never comes"
            yield f"{request.said()} is completed at {begin.said}; {each.says} at {each.event.said}; {then}"
            return


@law(
    "A thread whose requests special APCs hold is inside one kernel call, or ready: it begins nothing from user mode.",
    "Microsoft, 'Types of APCs', 'Critical regions and guarded regions', bug check 0x1",
)
def special_apcs_hold_bounded_numbers(story: Story) -> Iterator[str]:
    """Needs the truth; also checks that there are few, and that the thread lives."""
    activity = story.activity
    ended = story.terminated
    number: dict[int, int] = defaultdict(int)
    for held, request in story.held("special-apc"):
        number[held.thread] += 1
        begin, end = request.completed_before(float("inf"))
        if begin is None:
            yield f"{request.said()} is said to wait for a special APC and was not completed"
        else:
            yield from _between(request, activity.get(request.thread, []), begin, end, None)
        if held.thread in ended:
            yield f"{request.said()} waits for a special APC of a thread that is gone since {ended[held.thread].said}"
    for thread, count in number.items():
        if count > MOST_SPECIAL:
            yield f"special APCs hold {count} requests on thread {thread}"


@law(
    "Stage 2 runs in the issuing thread; for a request in a port, in the thread that takes it out.",
    "ReactOS, iomgr/irp.c IofCompleteRequest (the APC goes to Tail.Overlay.Thread); Microsoft, 'I/O completion ports'",
)
def stage_two_runs_in_the_issuer(story: Story) -> Iterator[str]:
    """Requests of threads that are gone are dropped by whoever completes them."""
    ended = story.terminated
    for request in story.requests:
        freed = request.buffer.freed if request.buffer is not None else None
        if freed is None or request.major in OF_A_HANDLE or before(ended.get(request.thread), freed):
            continue
        if request.inserted is not None and before(request.inserted, freed):
            if request.removed is not None and freed.thread != request.removed.thread:
                yield f"{request.said()} leaves its port at {request.removed.said}; its buffer is freed at {freed.said}"
        elif freed.thread != request.thread:
            yield f"{request.said()}: its system buffer is freed at {freed.said}"


@law(
    "Special APCs of one thread run in the order in which they were queued.",
    "ReactOS, ke/apc.c KiInsertQueueApc and KiDeliverApc",
)
def stage_two_is_first_in_first_out(story: Story) -> Iterator[str]:
    """Two completions that overlap in time may be queued in either order."""
    by_thread: dict[int, list[Request]] = defaultdict(list)
    for request in story.requests:
        if request.buffer is not None and request.completions and not _by_port_or_driver(story, request):
            by_thread[request.thread].append(request)
    for requests in by_thread.values():
        for first, later in overtaken(requests, _buffer_freed):
            yield f"{first.said()} was completed before {later.said()}, whose stage 2 comes first"


def _buffer_freed(request: Request) -> Event | None:
    return request.buffer.freed if request.buffer is not None else None


@law(
    "Sends, receives and connects of sockets have no system buffer: their control codes are METHOD_NEITHER.",
    "System Informer, phnt/include/ntafd.h; Microsoft, 'Using neither buffered nor direct I/O'",
)
def socket_data_has_no_system_buffer(story: Story) -> Iterator[str]:
    """Which request a socket operation is, its driver call around the operation's beginning tells."""
    buffered = {id(request.issued): request for request in story.requests if request.buffer is not None}
    calls: dict[int, list[Event]] = defaultdict(list)
    for event in story.logged.events:
        if event.what is What.CALL:
            calls[event.thread].append(event)
        elif event.what is What.RETURN:
            calls[event.thread] = [each for each in calls[event.thread] if each["id"] != event["id"]]
        elif event.what is What.SOCKET and event.event in _DATA_CALLS and not event["enter_exit"]:
            around = calls[event.thread][-1:]
            if around and id(around[0]) in buffered and around[0]["major"] == MajorFunction.DEVICE_CONTROL:
                yield f"{buffered[id(around[0])].said()} is socket operation {event.event} and has a system buffer"
