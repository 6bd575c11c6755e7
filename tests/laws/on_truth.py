"""Laws of what the truth says is held: the events must bear it out."""

from __future__ import annotations

from collections.abc import Iterator

from tests.laws.law import law
from tests.laws.requests import Story

_STAGES = "Microsoft, 'Completing IRPs'; ReactOS, iomgr/irp.c IofCompleteRequest"


@law("A request that a driver never completed has no completion.", _STAGES)
def kept_requests_are_not_completed(story: Story) -> Iterator[str]:
    for _, request in story.held("driver-kept"):
        begin, _ = request.completed_before(float("inf"))
        if begin is not None or request.over is not None:
            yield f"{request.said()} is said to be kept by its driver; completed: {begin and begin.said}"


@law("A completion that a driver stopped has begun, and has not gone on to stage 2 or a port.", _STAGES)
def stopped_completions_have_begun(story: Story) -> Iterator[str]:
    for _, request in story.held("completion-stopped"):
        if not request.completions:
            yield f"{request.said()} is said to be stopped in its completion, and was not completed"
        freed = request.buffer is not None and request.buffer.freed is not None
        if freed or request.inserted is not None or request.over is not None:
            yield f"{request.said()} is said to be stopped in its completion, and went on"


@law("A held IRP has been issued, and is neither freed nor used again.", _STAGES)
def held_irps_are_there(story: Story) -> Iterator[str]:
    by_issue = {(request.irp, request.issued.at_ns): request for request in story.requests}
    for held in story.logged.held:
        request = by_issue.get((held.irp, held.issued_ns))
        if request is None:
            yield f"IRP {held.irp:#x} is said to be held since {held.issued_ns / 1e6} ms, when nothing was issued"
        elif request.over is not None:
            yield f"{request.said()} is said to be held, and is over at {request.over.said}"
        elif held.thread != request.thread:
            yield f"{request.said()} is said to be of thread {held.thread}"
