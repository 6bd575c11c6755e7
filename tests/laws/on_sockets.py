"""Laws of files and endpoints: what has ended does no more, and nothing ends while a request needs it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.laws.events import Event, is_started
from tests.laws.law import before, law
from tests.laws.requests import OF_A_HANDLE, Request, Story
from tracer.events import afd
from tracer.events.irp import MajorFunction

_LIFE = frozenset({afd.CREATE, afd.CLOSE, afd.CLEANUP})


@law(
    "An endpoint is closed before it is cleaned up, and nothing is begun on it after that.",
    "Microsoft, 'Winsock tracing events'",
)
def endpoints_end_once(story: Story) -> Iterator[str]:
    state: dict[int, Event] = {}
    for event in story.logged.events:
        if not is_started(event):
            continue
        last = state.get(event.object)
        if last is not None and last.event == afd.CLEANUP and event.event != afd.CREATE:
            yield f"operation {event.event} begins on endpoint {event.object:#x} at {event.said}; gone at {last.said}"
        if event.event == afd.CLEANUP and last is not None and last.event == afd.CREATE:
            yield f"endpoint {event.object:#x} is cleaned up at {event.said} and was not closed"
        if event.event in _LIFE:
            state[event.object] = event


@law(
    "A file object is cleaned up before it is closed, and takes no request after that.",
    "Microsoft, IRP_MJ_CLEANUP and IRP_MJ_CLOSE",
)
def files_end_once(story: Story) -> Iterator[str]:
    state: dict[int, Request] = {}
    for request in story.requests:
        last = state.get(request.file)
        if last is not None and last.major == MajorFunction.CLOSE and request.major != MajorFunction.CREATE:
            yield f"{request.said()} is for a file that was closed by {last.said()}"
        if request.major == MajorFunction.CLOSE and last is not None and last.major == MajorFunction.CREATE:
            yield f"{request.said()} is for a file that was not cleaned up"
        if request.major in OF_A_HANDLE:
            state[request.file] = request


@law(
    "A file object is not closed while a request of a program on it has not passed stage 2.",
    "ReactOS, iomgr/irp.c IopCompleteRequest dereferences the file last",
)
def files_outlive_their_requests(story: Story) -> Iterator[str]:
    """Of requests that began in no other driver call: those of drivers need not refer to the file."""
    by_file: dict[int, list[Request]] = defaultdict(list)
    for request in story.requests:
        by_file[request.file].append(request)
    for request in story.requests:
        if request.major == MajorFunction.CLOSE:
            for other in by_file[request.file]:
                unfinished = other.outer and other.major not in OF_A_HANDLE and _unfinished(other, request.issued)
                if unfinished:
                    yield f"{other.said()} {unfinished} at {request.issued.said}, when its file is closed"


def _unfinished(request: Request, when: Event) -> str:
    over = request.over is not None and before(request.over, when)
    if over or not before(request.issued, when):
        return ""
    if request.completed_before(when.order)[0] is None:
        return "is not completed"
    gone = request.buffer is None or (request.buffer.freed is not None and before(request.buffer.freed, when))
    return "" if gone else "still has its system buffer"
