"""The requests of a trace, put together from its events: one for every use of an IRP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from tests.laws.activity import Activity, in_user_mode
from tests.laws.events import Event, Held, LoggedTrace, What
from tracer.events.irp import MajorFunction
from tracer.events.thread import ThreadState

ENTRY_OFFSET: Final[Mapping[int, int]] = {8: 0xA8, 4: 0x58}
"""Tail.Overlay.ListEntry in an IRP, by pointer size (public structure layouts)."""
FIXED_BYTES: Final[Mapping[int, int]] = {8: 0xD0, 4: 0x70}
LOCATION_BYTES: Final[Mapping[int, int]] = {8: 0x48, 4: 0x24}
"""Sizes of an IRP without its stack locations, and of each of these, by pointer size (public structure layouts)."""
LARGEST_IRP: Final = 0x600
"""Bytes: more than an IRP of the largest list (14 stack locations) has."""
OF_A_HANDLE: Final = frozenset({MajorFunction.CREATE, MajorFunction.CLEANUP, MajorFunction.CLOSE})
"""Requests that begin or end a file object; whoever opens or closes frees their IRPs."""


def tag(text: str) -> int:
    """A tag as events carry it."""
    return int.from_bytes(text.encode("ascii"), "little")


def smallest_irp(pointer_size: int) -> int:
    """Bytes of an IRP with one stack location."""
    return FIXED_BYTES[pointer_size] + LOCATION_BYTES[pointer_size]


IRP: Final = tag("Irp ")
BUFFER: Final = tag("IoSB")


@dataclass(slots=True)
class Block:
    """A pool block from its allocation to its free."""

    allocated: Event
    freed: Event | None = None


@dataclass(slots=True)
class Request:
    """One use of an IRP.

    ``issued``: its first driver call; ``outer``: that one was made inside no other driver call of its thread.
    ``completions``: each call of IoCompleteRequest, with its end where there is one. ``buffer``: its system buffer, if
    it has one. ``block``: the IRP's block, ``None`` where its allocation was not seen. ``freed``: the IRP's free,
    ``again``: the first driver call of the IRP's next use. ``inserted``, ``removed``: of its entry in a port.
    ``routine``: the last call of a driver's completion routine, which may have stopped the completion.
    """

    issued: Event
    outer: bool
    buffer: Block | None = None
    block: Block | None = None
    completions: list[list[Event | None]] = field(default_factory=list)
    inserted: Event | None = None
    removed: Event | None = None
    routine: Event | None = None
    freed: Event | None = None
    again: Event | None = None

    @property
    def irp(self) -> int:
        """Address of its IRP."""
        return self.issued.object

    @property
    def thread(self) -> int:
        """Who issued it."""
        return self.issued.thread

    @property
    def major(self) -> int:
        """Its major function."""
        return self.issued["major"]

    @property
    def file(self) -> int:
        """Its file object."""
        return self.issued["file_object"]

    @property
    def over(self) -> Event | None:
        """The IRP's free or next use."""
        return self.freed or self.again

    def completed_before(self, order: float) -> list[Event | None]:
        """Beginning and end of its last completion before a moment."""
        before = [each for each in self.completions if each[0] is not None and each[0].order < order]
        return before[-1] if before else [None, None]

    @property
    def inside_own_completion(self) -> bool:
        """Whether its entry went into the port while it was being completed."""
        begin, end = self.completed_before(self.inserted.order) if self.inserted else (None, None)
        return begin is not None and (end is None or self.inserted is None or self.inserted.order < end.order)

    @property
    def is_agnostic(self) -> bool:
        """Certainly thread-agnostic: another thread than its issuer put it in the port, which is stage 1.

        In stage 2, which inserts the others, the issuer itself runs.
        """
        return self.inserted is not None and self.inside_own_completion and self.inserted.thread != self.thread

    @property
    def stage_two(self) -> Event | None:
        """What shows the moment of stage 2: its system buffer is freed, or its IRP below IopCompleteRequest."""
        if self.buffer is not None:
            return self.buffer.freed
        if self.freed is not None and "IopCompleteRequest" in self.freed.stack:
            return self.freed
        return None

    def said(self) -> str:
        """Which one, for a report."""
        return f"IRP {self.irp:#x} (major {self.major}, issued at {self.issued.said})"


@dataclass(frozen=True)
class Story:
    """A trace with its requests by the time of their issue, and its blocks by that of their allocation."""

    logged: LoggedTrace
    requests: tuple[Request, ...]
    blocks: tuple[Block, ...]

    def held(self, *why: str) -> Iterator[tuple[Held, Request]]:
        """Requests that the truth says are held for one of these reasons, and what the events tell of each."""
        latest = {request.irp: request for request in self.requests}
        for each in self.logged.held:
            if each.why in why and each.irp in latest:
                yield each, latest[each.irp]

    @cached_property
    def activity(self) -> dict[int, list[Activity]]:
        """What shows that threads have been in user mode, by thread."""
        return in_user_mode(self.logged)

    @cached_property
    def terminated(self) -> dict[int, Event]:
        """The last switch of every thread that is gone at the end, by thread."""
        last: dict[int, Event] = {}
        for event in self.logged.events:
            if event.what is What.SWITCH and event["old_state"] == ThreadState.TERMINATED:
                last[event["old_thread"]] = event
            elif event.what is What.START:
                last.pop(event["thread"], None)
        return last

    @cached_property
    def ended(self) -> dict[int, Event]:
        """The end event of every thread id that was not used again."""
        last: dict[int, Event] = {}
        for event in self.logged.events:
            if event.what is What.END:
                last[event["thread"]] = event
            elif event.what is What.START:
                last.pop(event["thread"], None)
        return last


def followed(logged: LoggedTrace) -> Story:
    """The requests and blocks of a trace."""
    walk = _Walk(logged)
    for event in logged.events:
        walk.take(event)
    return Story(logged, tuple(walk.requests), tuple(walk.blocks))


class _Walk:
    """Follows IRPs, blocks and ports."""

    def __init__(self, logged: LoggedTrace) -> None:
        self.requests: list[Request] = []
        self.blocks: list[Block] = []
        self._offset = ENTRY_OFFSET[logged.pointer_size]
        self._now: dict[int, Request] = {}
        self._blocks: dict[tuple[int, int], Block] = {}
        self._buffers: dict[int, Block] = {}
        self._calls: dict[int, list[int]] = defaultdict(list)
        self._completing: dict[int, list[Event | None]] = {}
        self._returns = any(event.what is What.RETURN for event in logged.events)

    def take(self, event: Event) -> None:
        match event.what:
            case What.ALLOCATE:
                self._allocate(event)
            case What.FREE:
                self._free(event)
            case What.CALL:
                self._call(event)
            case What.RETURN:
                if event["id"] in self._calls[event.thread]:
                    self._calls[event.thread].remove(event["id"])
            case What.COMPLETE:
                self._complete(event)
            case What.COMPLETED:
                if event["id"] in self._completing:
                    self._completing.pop(event["id"])[1] = event
            case What.ROUTINE:
                if event.object in self._now:
                    self._now[event.object].routine = event
            case What.INSERT | What.REMOVE:
                self._queue(event)

    def _allocate(self, event: Event) -> None:
        block = Block(event)
        self._blocks[event["session"], event.object] = block
        self.blocks.append(block)
        if event["tag"] & 0x7FFFFFFF == BUFFER:
            self._buffers[event.thread] = block

    def _free(self, event: Event) -> None:
        block = self._blocks.pop((event["session"], event.object), None)
        if block is not None:
            block.freed = event
        request = self._now.pop(event.object, None)
        if request is not None:
            request.freed = event

    def _call(self, event: Event) -> None:
        before = self._now.get(event.object)
        outer = not self._calls[event.thread]
        if self._returns:
            self._calls[event.thread].append(event["id"])
        if before is None or before.completions:
            if before is not None:
                before.again = event
            buffer = self._buffers.pop(event.thread, None)
            buffer = buffer if buffer is not None and buffer.freed is None else None
            request = Request(event, outer, buffer, self._blocks.get((0, event.object)))
            self._now[event.object] = request
            self.requests.append(request)

    def _complete(self, event: Event) -> None:
        request = self._now.get(event.object)
        if request is not None:
            completion: list[Event | None] = [event, None]
            request.completions.append(completion)
            self._completing[event["id"]] = completion

    def _queue(self, event: Event) -> None:
        request = self._now.get(event.object - self._offset)
        if request is None:
            return
        if event.what is What.INSERT:
            request.inserted, request.removed = event, None
        elif request.removed is None:
            request.removed = event
