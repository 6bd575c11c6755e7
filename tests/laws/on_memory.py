"""Laws of pool blocks: IRPs, their buffers, and what may rest on a lookaside list."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from tests.laws.events import Event, What
from tests.laws.law import before, law
from tests.laws.requests import ENTRY_OFFSET, FIXED_BYTES, IRP, LOCATION_BYTES, Block, Request, Story

LIST_DEPTH: Final = 256
"""The greatest depth of a system lookaside list (ExInitializeNPagedLookasideList's own upper bound)."""
_LIST_SIZES: Final = 3
_TOUCHES: Final = frozenset({What.CALL, What.COMPLETE, What.ROUTINE, What.INSERT})


@law("A block is freed once, and its memory is not allocated again before that.", "Microsoft, ExFreePoolWithTag")
def memory_has_one_owner(story: Story) -> Iterator[str]:
    """Blocks from before the trace are freed once too."""
    known: dict[tuple[int, int], Event] = {}
    for event in story.logged.events:
        if event.what is What.ALLOCATE or event.what is What.FREE:
            where = event["session"], event.object
            last = known.get(where)
            if event.object and last is not None and last.what is event.what:
                word = "freed" if event.what is What.FREE else "allocated"
                yield f"{event.object:#x} is {word} at {event.said}, and was at {last.said}, with nothing between"
            known[where] = event


@law(
    "An IRP that was freed to the pool goes to no driver, is not completed and enters no port.",
    "Microsoft, IoFreeIrp",
)
def freed_irps_are_not_used(story: Story) -> Iterator[str]:
    """Only the returns of calls come later."""
    freed: dict[int, Event] = {}
    entry = ENTRY_OFFSET[story.logged.pointer_size]
    for event in story.logged.events:
        if event.what is What.FREE and event["tag"] & 0x7FFFFFFF == IRP:
            freed[event.object] = event
        elif event.what is What.ALLOCATE:
            freed.pop(event.object, None)
        elif event.what in _TOUCHES:
            irp = event.object - entry if event.what is What.INSERT else event.object
            if irp in freed:
                yield f"IRP {irp:#x} was freed at {freed[irp].said}; {event.what.name} at {event.said}"


@law("An IRP has a fixed part and a whole number of stack locations.", "ReactOS, IoSizeOfIrp; public structure layouts")
def irps_have_stack_locations(story: Story) -> Iterator[str]:
    """0xD0 and 0x48 bytes on a 64-bit system, 0x70 and 0x24 on a 32-bit one."""
    fixed, each = FIXED_BYTES[story.logged.pointer_size], LOCATION_BYTES[story.logged.pointer_size]
    for event in story.logged.events:
        if event.what is What.ALLOCATE and event["tag"] & 0x7FFFFFFF == IRP:
            locations, rest = divmod(event["bytes"] - fixed, each)
            if rest or locations < 1:
                yield f"an IRP of {event['bytes']:#x} bytes at {event.said}"


@law("The system buffer of a request is freed before its IRP is.", "ReactOS, iomgr/irp.c IopCompleteRequest")
def buffer_goes_before_irp(story: Story) -> Iterator[str]:
    """Also before the IRP is used again, where it went back to a list."""
    for request in story.requests:
        if request.buffer is not None and request.over is not None and not before(request.buffer.freed, request.over):
            yield f"{request.said()} is over at {request.over.said}, and its system buffer was still there"


@law("An IRP that went to a driver is completed before it is freed.", "Microsoft, IoFreeIrp and IoCompleteRequest")
def freed_irps_were_completed(story: Story) -> Iterator[str]:
    for request in story.requests:
        if request.freed is not None and not request.completions:
            yield f"{request.said()} is freed at {request.freed.said} without having been completed"


@law(
    "While a request is under way its IRP does not carry another one.",
    "Microsoft, IoCallDriver: the IRP belongs to the driver until it is completed",
)
def an_irp_carries_one_request(story: Story) -> Iterator[str]:
    """An IRP that drivers pass on keeps its file object."""
    now: dict[int, Request] = {}
    first = {id(request.issued): request for request in story.requests}
    for event in story.logged.events:
        if event.what is What.CALL:
            request = now[event.object] = first.get(id(event)) or now[event.object]
            if event["file_object"] != request.file:
                yield f"{request.said()} is not complete, and goes out for file {event['file_object']:#x} {event.said}"
        elif event.what is What.FREE:
            now.pop(event.object, None)


@law(
    "Of IRPs that nothing holds, no more stay allocated than lookaside lists can keep.",
    "ReactOS, iomgr/irp.c IoFreeIrp: a list for each CPU and one for all; Microsoft, lookaside lists: their depth",
)
def lists_are_bounded(story: Story) -> Iterator[str]:
    """Three sizes have lists, and an IRP rests on that of the CPU on which it was taken: where it was issued."""
    resting: dict[tuple[int, int], list[Request]] = defaultdict(list)
    for request in _at_rest(story):
        resting[_size(request.block), request.issued.cpu].append(request)
    for (size, cpu), requests in resting.items():
        if len(requests) > 2 * LIST_DEPTH:
            yield f"{len(requests)} IRPs of {size:#x} bytes of CPU {cpu} are held by nothing and not freed"
    sizes = Counter({size: len(found) for (size, _), found in resting.items()})
    if len(sizes) > _LIST_SIZES:
        yield f"IRPs of {len(sizes)} sizes are held by nothing and not freed: {sizes}"


def _at_rest(story: Story) -> Iterator[Request]:
    held = {(each.irp, each.issued_ns) for each in story.logged.held}
    for request in story.requests:
        done = request.completions and (request.inserted is None or request.removed is not None)
        if done and request.over is None and request.block is not None and _key(request) not in held:
            yield request


def _key(request: Request) -> tuple[int, int]:
    return request.irp, request.issued.at_ns


def _size(block: Block | None) -> int:
    return block.allocated["bytes"] if block is not None else 0
