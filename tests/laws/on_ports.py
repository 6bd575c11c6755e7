"""Laws of completion ports: how an entry gets in, how it gets out, and what stays meanwhile."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from tests.laws.events import Event, What, is_started
from tests.laws.law import before, law
from tests.laws.requests import ENTRY_OFFSET, IRP, LARGEST_IRP, Request, Story, smallest_irp, tag
from tracer.events import afd
from tracer.events.irp import MajorFunction

_PORT = "ReactOS, iomgr/iocomp.c; Microsoft, 'I/O completion ports'"
_ENDPOINT: Final = tag("AfdE")
_BURST_NS: Final = 5_000_000
"""A port that is closed frees its entries one after the other: no two of them lie farther apart than this."""


@law(
    "The entry of a request lies at one place in its IRP: +0xA8 on a 64-bit system, +0x58 on a 32-bit one.",
    "public structure layouts (IRP, Tail.Overlay.ListEntry)",
)
def entries_lie_at_one_place(story: Story) -> Iterator[str]:
    wanted = ENTRY_OFFSET[story.logged.pointer_size]
    smallest = smallest_irp(story.logged.pointer_size)
    sizes: dict[int, int] = {}
    starts: set[int] = set()
    for event in story.logged.events:
        if event.what is What.CALL:
            starts.add(event.object)
        elif event.what is What.ALLOCATE and event["tag"] & 0x7FFFFFFF == IRP:
            sizes[event.object] = event["bytes"]
            starts.add(event.object)
        elif event.what is What.FREE or event.what is What.ALLOCATE:
            starts.discard(event.object)
        elif event.what is What.INSERT:
            around = _around(event.object, starts, sizes, smallest)
            if around and event.object - wanted not in starts:
                yield f"entry {event.object:#x} at {event.said} lies at +{event.object - around:#x} of IRP {around:#x}"


def _around(entry: int, starts: set[int], sizes: dict[int, int], smallest: int) -> int:
    for inside in range(0, LARGEST_IRP, 4):
        start = entry - inside
        if start in starts:
            return start if inside < sizes.get(start, smallest) else 0
    return 0


@law("A request enters a port once, after its completion has begun.", f"{_PORT}; iomgr/irp.c IofCompleteRequest")
def requests_enter_when_completed(story: Story) -> Iterator[str]:
    offset = ENTRY_OFFSET[story.logged.pointer_size]
    completed: dict[int, bool] = {}
    for event in story.logged.events:
        if event.what is What.CALL and not (event.object in completed and completed[event.object] is False):
            completed[event.object] = False
        elif event.what is What.COMPLETE:
            completed[event.object] = True
        elif event.what is What.INSERT and completed.get(event.object - offset) is False:
            yield f"IRP {event.object - offset:#x} enters a port at {event.said} and is not completed"


@law("An entry is taken out of a port once for each time that it was put in.", _PORT)
def entries_alternate(story: Story) -> Iterator[str]:
    """Entries from before the trace are taken out once. Freed memory, and an IRP's next use, may hold another one.

    An IRP without a request may come back from a list after its port was closed, which no event tells.
    """
    offset = ENTRY_OFFSET[story.logged.pointer_size]
    of_requests = {event.object + offset for event in story.logged.events if event.what is What.CALL}
    last: dict[int, Event] = {}
    for event in story.logged.events:
        if event.what is What.FREE:
            for entry in [each for each in last if event.object <= each < event.object + max(event["bytes"], 1)]:
                del last[entry]
        elif event.what is What.CALL:
            last.pop(event.object + offset, None)
        elif event.what is What.INSERT or event.what is What.REMOVE:
            before_it = last.get(event.object)
            known = event.what is What.REMOVE or event.object in of_requests
            if known and before_it is not None and before_it.what is event.what:
                word = "put in" if event.what is What.INSERT else "taken out"
                yield f"entry {event.object:#x} is {word} at {event.said}, and was at {before_it.said}"
            last[event.object] = event


@law(
    "An IRP leaves a port when it is taken out, or with all others when the port is closed; exit of a thread that "
    "leaves others in its process frees none.",
    _PORT,
)
def packets_leave_ports_by_their_doors(story: Story) -> Iterator[str]:
    """What goes to a lookaside list with a closed port shows in its next use; all requests of a file have one port."""
    left: dict[tuple[int, int, int], list[Request]] = defaultdict(list)
    by_file: dict[tuple[int, int], list[Request]] = defaultdict(list)
    lives: Counter[int] = Counter()
    for request in story.requests:
        lives[request.file] += request.major in {MajorFunction.CREATE, MajorFunction.CLOSE}
        file = request.file, lives[request.file]
        if request.inserted is not None:
            by_file[file].append(request)
        if _left_without_removal(request) and request.freed is not None:
            left[*file, request.freed.thread].append(request)
    for requests in by_file.values():
        yield from _taken_out_of_a_closed_port(requests)
    for (*_, thread), requests in left.items():
        yield from _no_burst(story, thread, requests)


def _left_without_removal(request: Request) -> bool:
    entered, over = request.inserted, request.over
    if entered is None or over is None or over.order < entered.order:
        return False
    return request.removed is None or over.order < request.removed.order


def _taken_out_of_a_closed_port(requests: list[Request]) -> Iterator[str]:
    for gone in filter(_left_without_removal, requests):
        for other in requests:
            entered, taken = other.inserted, other.removed
            if gone.over is None or entered is None or taken is None:
                continue
            if entered.order < gone.over.order < taken.order and gone.issued.process == other.issued.process:
                yield (
                    f"{gone.said()} has left its port by {gone.over.said} and was not taken out; {other.said()}, in "
                    f"that port since {entered.said}, is taken out at {taken.said}"
                )
                return


def _no_burst(story: Story, thread: int, requests: list[Request]) -> Iterator[str]:
    """One thread frees them one after the other, and does nothing else meanwhile."""
    frees = sorted((request.freed for request in requests if request.freed is not None), key=lambda each: each.order)
    if frees[-1].at_ns - frees[0].at_ns > _BURST_NS * len(frees):
        yield f"thread {thread} frees {len(frees)} waiting packets of ports from {frees[0].said} to {frees[-1].said}"
    begins = (
        event
        for event in story.logged.events
        if event.thread == thread and is_started(event) and event.event not in {afd.CLOSE, afd.CLEANUP}
    )
    more = next((event for event in begins if frees[0].order < event.order < frees[-1].order), None)
    if more is not None:
        yield f"thread {thread} frees waiting packets of a port before and after {more.said}, and begins more there"
    end = story.ended.get(thread)
    if end is not None and end.order < frees[0].order and _lives_on(story, thread, frees[0]):
        yield f"exit of thread {thread} at {end.said} frees IRPs that wait in a port, at {frees[0].said}"


def _lives_on(story: Story, thread: int, when: Event) -> bool:
    process = story.logged.processes.get(thread)
    ended = {each["thread"] for each in story.logged.events if each.what is What.END and each.order < when.order}
    return any(other != thread and of == process and other not in ended for other, of in story.logged.processes.items())


@law(
    "Who takes a request out of a port frees its IRP.",
    "ReactOS, iomgr/iocomp.c NtRemoveIoCompletion calls IoFreeIrp",
)
def the_taker_frees(story: Story) -> Iterator[str]:
    for request in story.requests:
        taken, freed = request.removed, request.freed
        if taken is not None and freed is not None and before(taken, freed) and freed.thread != taken.thread:
            yield f"{request.said()} is taken out at {taken.said} and freed at {freed.said}"


@law(
    "A thread-agnostic request that waits in a port keeps its file and its endpoint.",
    "ReactOS, iomgr/irp.c IopCompleteRequest dereferences the file last; Microsoft, 'I/O completion ports'",
)
def agnostic_requests_keep_their_file(story: Story) -> Iterator[str]:
    """The requests are those that another thread than their issuer put into the port, or whose buffer stays."""
    closes: dict[int, list[Event]] = defaultdict(list)
    for event in story.logged.events:
        if event.what is What.CALL and event["major"] == MajorFunction.CLOSE:
            closes[event["file_object"]].append(event)
    for request, entered in _agnostic(story):
        close = _end_of_use(request, closes[request.file])
        if close is not None:
            yield f"{request.said()} is in a port since {entered.said}; its file is closed at {close.said}"


def _agnostic(story: Story) -> Iterator[tuple[Request, Event]]:
    """Requests that are in a port for certain: they are taken out later, or the truth says so.

    Where a port is closed its IRPs may go to a list, and their files with them.
    """
    held = {id(request) for _, request in story.held("port")}
    for request in story.requests:
        there = request.removed is not None or id(request) in held
        if request.inserted is not None and there and (request.is_agnostic or _keeps_buffer(request)):
            yield request, request.inserted


def _end_of_use(request: Request, ends: list[Event]) -> Event | None:
    since = request.inserted
    until = request.removed or request.over
    return next((each for each in ends if since is not None and since.order < each.order and before(each, until)), None)


def _keeps_buffer(request: Request) -> bool:
    return request.buffer is not None and not before(request.buffer.freed, request.removed or request.over)


@law(
    "The endpoint of a socket is not cleaned up while a thread-agnostic request of it waits in a port.",
    "the endpoint lies in the file's context: Microsoft, FILE_OBJECT FsContext; IRP_MJ_CLOSE",
)
def agnostic_requests_keep_their_endpoint(story: Story) -> Iterator[str]:
    """Which endpoint a file has, the socket operations inside its driver calls tell."""
    endpoints, gone = _endpoints(story)
    for request, entered in _agnostic(story):
        end = _end_of_use(request, gone[endpoints.get(id(request.issued), 0)])
        if end is not None:
            yield f"{request.said()} is in a port since {entered.said}; its endpoint goes at {end.said}"


def _endpoints(story: Story) -> tuple[dict[int, int], dict[int, list[Event]]]:
    """The endpoint of driver calls, by identity, and when endpoints are cleaned up or freed."""
    calls: dict[int, list[Event]] = defaultdict(list)
    endpoints: dict[int, int] = {}
    gone: dict[int, list[Event]] = defaultdict(list)
    for event in story.logged.events:
        if event.what is What.CALL:
            calls[event.thread].append(event)
        elif event.what is What.RETURN:
            calls[event.thread] = [each for each in calls[event.thread] if each["id"] != event["id"]]
        elif is_started(event) and calls[event.thread]:
            endpoints[id(calls[event.thread][-1])] = event.object
        ends = event.what is What.SOCKET and event.event == afd.CLEANUP
        if ends or (event.what is What.FREE and event["tag"] & 0x7FFFFFFF == _ENDPOINT):
            gone[event.object].append(event)
    return endpoints, gone


@law(
    "A request with an event, once in a port, has no buffer; a thread-agnostic one has what it had.",
    "ReactOS, iomgr/irp.c IopCompleteRequest; seen in published analyses of IopfCompleteRequest",
)
def what_waits_in_a_port_is_whole_or_bare(story: Story) -> Iterator[str]:
    for request in story.requests:
        entered = request.inserted
        if entered is None or request.buffer is None:
            continue
        gone = request.buffer.freed
        if request.is_agnostic and gone is not None and gone.order < (request.removed or request.over or gone).order:
            yield f"{request.said()} is thread-agnostic in a port since {entered.said}; its buffer goes at {gone.said}"
        if not request.inside_own_completion and not before(gone, entered):
            yield f"{request.said()} enters a port in stage 2, at {entered.said}, before its buffer is freed"


@law("What is held by a port has entered one and was not taken out.", _PORT)
def held_by_a_port_is_in_it(story: Story) -> Iterator[str]:
    """Needs the truth, and a trace that has the events of ports."""
    if not any(event.what is What.INSERT for event in story.logged.events):
        return
    for _, request in story.held("port"):
        if request.inserted is None or request.removed is not None or request.over is not None:
            yield f"{request.said()} is said to be held by a port, and is not in one"
