"""Laws of requests with a completion routine: after stage 2 the IRP itself is the user APC of its thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.laws.activity import Activity
from tests.laws.events import Event, What
from tests.laws.law import before, law
from tests.laws.queue_order import overtaken
from tests.laws.requests import OF_A_HANDLE, Request, Story
from tracer.events.irp import MajorFunction

_APC = "ReactOS, iomgr/irp.c IopCompleteRequest and ke/apc.c KiDeliverApc"


@law("User APCs of one thread are delivered in the order in which they were queued.", _APC)
def user_apcs_are_first_in_first_out(story: Story) -> Iterator[str]:
    """IRPs that are freed long after stage 2; those still held at the end were queued after all of them."""
    held = {id(request) for _, request in story.held("user-apc")}
    by_thread: dict[int, list[Request]] = defaultdict(list)
    for request in _delivered(story):
        by_thread[request.thread].append(request)
    for request in story.requests:
        if id(request) in held:
            by_thread[request.thread].append(request)
    for requests in by_thread.values():
        for first, later in overtaken(requests, lambda request: request.freed):
            yield f"{first.said()} was completed before {later.said()}, whose APC is delivered first"


@law("A user APC is delivered, or run down at exit, on its own thread.", f"{_APC}; ps/kill.c PspExitThread")
def user_apcs_run_on_their_thread(story: Story) -> Iterator[str]:
    for request in _delivered(story):
        if request.freed is not None and request.freed.thread != request.thread:
            yield f"{request.said()}: its IRP is freed at {request.freed.said}"


def _delivered(story: Story) -> Iterator[Request]:
    """IRPs freed after their thread has gone on since stage 2, and that were in no port."""
    activity = story.activity
    closed: dict[int, list[Event]] = defaultdict(list)
    for event in story.logged.events:
        if event.what is What.CALL and event["major"] == MajorFunction.CLOSE:
            closed[event["file_object"]].append(event)
    for request in story.requests:
        ours = request.outer and request.completions and request.major not in OF_A_HANDLE
        late = _went_on(request, activity.get(request.thread, [])) or _file_gone(request, closed[request.file])
        if ours and request.inserted is None and late:
            yield request


def _went_on(request: Request, activity: list[Activity]) -> bool:
    gone = request.buffer.freed if request.buffer is not None else None
    freed = request.freed
    return (
        gone is not None and freed is not None and any(gone.order < each.event.order < freed.order for each in activity)
    )


def _file_gone(request: Request, closes: list[Event]) -> bool:
    freed = request.freed
    return freed is not None and any(request.issued.order < each.order < freed.order for each in closes)


@law("While its user APC is pending, a request has no buffer, no file and no place in a port.", _APC)
def a_pending_user_apc_is_a_bare_irp(story: Story) -> Iterator[str]:
    """Needs the truth. The file goes with its last reference, so requests under way on it keep it."""
    state = _files(story)
    for _, request in story.held("user-apc"):
        if not request.completions:
            yield f"{request.said()} is said to be a user APC and was not completed"
        if request.buffer is not None and request.buffer.freed is None:
            yield f"{request.said()} is a user APC, and its system buffer is still there"
        if request.inserted is not None:
            yield f"{request.said()} is a user APC, and entered a port at {request.inserted.said}"
        if request.over is not None:
            yield f"{request.said()} is said to be pending, and is over at {request.over.said}"
        if state.get(request.file) == "cleaned up" and not _others(story, request):
            yield f"{request.said()} is a user APC; the last handle of its file is closed, and the file is still there"


def _files(story: Story) -> dict[int, str]:
    words = {MajorFunction.CREATE: "open", MajorFunction.CLEANUP: "cleaned up", MajorFunction.CLOSE: "closed"}
    return {
        event["file_object"]: words[MajorFunction(event["major"])]
        for event in story.logged.events
        if event.what is What.CALL and event["major"] in words
    }


def _others(story: Story, request: Request) -> bool:
    """Whether something else may refer to the file: a request on it that the truth or the events do not show over."""
    pending = {id(each) for _, each in story.held("user-apc")}
    return any(
        each.file == request.file and each.over is None and id(each) not in pending and each.major not in OF_A_HANDLE
        for each in story.requests
    )


@law(
    "Exit runs down all user APCs of a thread before it leaves its CPU for the last time.",
    "ReactOS, ps/kill.c PspExitThread calls KeRundownApcQueues",
)
def exit_runs_user_apcs_down(story: Story) -> Iterator[str]:
    """Needs the truth."""
    gone = story.terminated
    for _, request in story.held("user-apc"):
        if before(request.issued, gone.get(request.thread)) and request.thread in gone:
            yield f"{request.said()} is a user APC of a thread that is gone since {gone[request.thread].said}"
