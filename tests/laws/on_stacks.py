"""Laws of the kernel stacks below which IRPs are freed: each path has its own time and thread."""

from __future__ import annotations

from collections.abc import Iterator

from tests.laws.events import Event
from tests.laws.law import before, law
from tests.laws.requests import Request, Story

_DIRECT = frozenset({"IopfCompleteRequest", "IofCompleteRequest"})
_USER_APC = frozenset({"IopUserRundown", "IopUserCompletion"})
_TAKEN_OUT = frozenset({"IoRemoveIoCompletion", "NtRemoveIoCompletion", "NtRemoveIoCompletionEx"})
_PORT_CLOSED = frozenset({"IopCloseIoCompletion", "IopDeleteIoCompletion", "IopDeleteIoCompletionInternal"})
_STAGES = "ReactOS, iomgr/irp.c IofCompleteRequest and IopCompleteRequest"


def _freed(story: Story) -> Iterator[tuple[Request, Event, frozenset[str]]]:
    """IRPs whose free has a stack with names."""
    for request in story.requests:
        if request.freed is not None and request.freed.stack:
            yield request, request.freed, frozenset(request.freed.stack)


def _calls(freed: Event, inner: str, outer: frozenset[str]) -> bool:
    """Whether one function is called by one of others directly."""
    pairs = zip(freed.stack, freed.stack[1:], strict=False)
    return any(first == inner and second in outer for first, second in pairs)


@law(
    "Stage 2 that the completion calls directly runs inside it, on the issuing thread.",
    "public crash stacks of Windows 7 and later show IopCompleteRequest directly below IopfCompleteRequest",
)
def direct_stage_two_is_inside_its_completion(story: Story) -> Iterator[str]:
    for request, freed, _ in _freed(story):
        if _calls(freed, "IopCompleteRequest", _DIRECT):
            begin, end = request.completed_before(freed.order)
            inside = begin is not None and (end is None or freed.order < end.order)
            if not inside or freed.thread != request.thread:
                yield f"{request.said()} is freed below its completion at {freed.said}"


@law("Stage 2 that an APC runs comes after its completion has begun, on the issuing thread.", _STAGES)
def stage_two_by_apc_is_on_its_thread(story: Story) -> Iterator[str]:
    for request, freed, frames in _freed(story):
        by_apc = frames >= {"IopCompleteRequest", "KiDeliverApc"} and not frames & _DIRECT
        early = request.completed_before(freed.order)[0] is None
        if by_apc and (early or freed.thread != request.thread):
            yield f"{request.said()} is freed below KiDeliverApc at {freed.said}"


@law(
    "A completion routine's IRP is freed on the issuing thread; by rundown only after the thread's end event.",
    "ReactOS, ke/apc.c KiDeliverApc, ps/kill.c PspExitThread",
)
def routine_irps_are_freed_by_delivery_or_rundown(story: Story) -> Iterator[str]:
    ended = story.ended
    for request, freed, frames in _freed(story):
        if frames & _USER_APC and freed.thread != request.thread:
            yield f"{request.said()} is freed below IopUserRundown at {freed.said}"
        if "KeRundownApcQueues" in frames:
            end = ended.get(freed.thread)
            if end is None or freed.order < end.order:
                yield f"{request.said()} is freed below KeRundownApcQueues at {freed.said}; its thread had not ended"


@law(
    "An IRP that is freed by who takes it out of a port was taken out by that thread; one that goes with its port "
    "was in it.",
    "ReactOS, iomgr/iocomp.c NtRemoveIoCompletion and IopDeleteIoCompletion",
)
def port_irps_are_freed_by_removal_or_close(story: Story) -> Iterator[str]:
    for request, freed, frames in _freed(story):
        taken = request.removed
        if frames & _TAKEN_OUT and not frames & {"KiDeliverApc"}:
            if taken is None or taken.thread != freed.thread:
                yield f"{request.said()} is freed below IoRemoveIoCompletion at {freed.said} and was not taken out"
        elif frames & _PORT_CLOSED and (request.inserted is None or before(taken, freed)):
            yield f"{request.said()} is freed with a port at {freed.said} and was in none"
