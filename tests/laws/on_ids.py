"""Laws of the ids in driver events, and of the order in which calls begin and end."""

from __future__ import annotations

from collections.abc import Iterator

from tests.laws.events import Event, What
from tests.laws.law import law
from tests.laws.requests import Story

_SOURCE = "seen in published analyses of the kernel: one counter, one number for each call (IopPerfCallDriver)"


@law("A driver call and its return share an id that no other call or completion has.", _SOURCE)
def ids_are_one_per_call(story: Story) -> Iterator[str]:
    """Calls and completions count with one counter."""
    begun: dict[int, Event] = {}
    for event in story.logged.events:
        if event.what is What.CALL or event.what is What.COMPLETE:
            first = begun.setdefault(event["id"], event)
            if first is not event:
                yield f"id {event['id']:#x}: {first.what.name} at {first.said} and {event.what.name} at {event.said}"


@law("A call returns for the IRP and on the thread of its beginning, and once.", _SOURCE)
def calls_return_where_they_began(story: Story) -> Iterator[str]:
    yield from _ends(story, What.CALL, What.RETURN)


@law("A completion ends for the IRP and on the thread of its beginning, and once.", _SOURCE)
def completions_end_where_they_began(story: Story) -> Iterator[str]:
    yield from _ends(story, What.COMPLETE, What.COMPLETED)


@law(
    "Completion routines run between beginning and end of their completion.", "ReactOS, iomgr/irp.c IofCompleteRequest"
)
def routines_run_inside_a_completion(story: Story) -> Iterator[str]:
    """A routine has the id of the completion that calls it."""
    ours: dict[int, Event] = {}
    seen: set[int] = set()
    for event in story.logged.events:
        if event.what is What.COMPLETE:
            ours[event["id"]] = event
            seen.add(event["id"])
        elif event.what is What.COMPLETED:
            ours.pop(event["id"], None)
        elif event.what is What.ROUTINE:
            begun = ours.get(event["id"])
            if begun is None or begun.object != event.object:
                yield f"the routine of IRP {event.object:#x} at {event.said} is in no completion of id {event['id']:#x}"


@law("Calls and completions of one thread end in the reverse order of their beginning.", "any two nested C calls do")
def calls_are_nested(story: Story) -> Iterator[str]:
    """Deferred procedure calls run on top of the thread that they interrupt, and end before it goes on."""
    open_calls: dict[int, list[Event]] = {}
    ends = {What.RETURN, What.COMPLETED}
    for event in story.logged.events:
        if event.what is What.CALL or event.what is What.COMPLETE:
            open_calls.setdefault(_stack_of(event), []).append(event)
        elif event.what in ends:
            mine = open_calls.get(_stack_of(event), [])
            if any(each["id"] == event["id"] for each in mine):
                if mine[-1]["id"] != event["id"] and _returns(story):
                    yield f"{event.what.name} of id {event['id']:#x} at {event.said} before that of {mine[-1].said}"
                mine[:] = [each for each in mine if each["id"] != event["id"]]


def _returns(story: Story) -> bool:
    return any(event.what is What.RETURN for event in story.logged.events)


def _stack_of(event: Event) -> int:
    """The idle threads have one id for all CPUs."""
    return event.thread or -1 - event.cpu


def _ends(story: Story, begin: What, end: What) -> Iterator[str]:
    begun: dict[int, Event] = {}
    ended: set[int] = set()
    for event in story.logged.events:
        if event.what is begin:
            begun[event["id"]] = event
        elif event.what is end:
            first = begun.get(event["id"])
            if event["id"] in ended:
                yield f"{end.name} of id {event['id']:#x} comes again at {event.said}"
            elif first is not None and (first.object, first.thread) != (event.object, event.thread):
                began = f"{begin.name} of IRP {first.object:#x} at {first.said}"
                yield f"{began}; {end.name} of IRP {event.object:#x} at {event.said}"
            elif first is None and begun and event["id"] > max(begun):
                yield f"{end.name} of id {event['id']:#x} at {event.said} without a {begin.name}"
            ended.add(event["id"])
