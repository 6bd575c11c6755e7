"""Completion ports as a script: entries are put in and taken out, or stay until the port is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.accuracy.scripted.machine import Thread
from benchmarks.accuracy.scripted.names import tag_of
from benchmarks.accuracy.scripted.requests import STEP_NS, Ending, Request, Requests
from benchmarks.accuracy.scripted.scribe import Scribe
from benchmarks.accuracy.scripted.script import Action, Block
from tracer.events.thread import QUEUE_INSERT, QUEUE_REMOVE

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.stage import Stage

_LIST_ENTRY: Final = {8: 0xA8, 4: 0x58}
"""From an IRP to the list entry by which a port holds it."""
MINI_TAG: Final = tag_of("Icp ")
_MINI_BYTES: Final = {8: 0x38, 4: 0x20}


@dataclass(slots=True, eq=False)
class Mini:
    """A mini completion packet: an entry without a request."""

    block: Block


Entry = Request | Mini


class Ports:
    """Ports of a script. No event names the port: only what goes in and comes out is told."""

    def __init__(self, stage: Stage, requests: Requests) -> None:
        self._stage = stage
        self._script = stage.script
        self._requests = requests

    def put(self, at: float, request: Request, thread: Thread, *, waker: Thread | None = None) -> float:
        """A request goes in on a thread: on the completer's (agnostic), or in stage 2 on its own."""
        self._script.add(at, thread, self.putting(request, waker))
        return at + STEP_NS / 3

    def putting(self, request: Request, waker: Thread | None = None) -> Action:
        """The same, for a deferred procedure call that completes it."""
        return partial(_enqueue, entry=request, waker=waker)

    def post(self, at: float, thread: Thread, *, waker: Thread | None = None) -> tuple[Mini, float]:
        """PostQueuedCompletionStatus; gives the IRP and when the call has returned."""
        user = self._stage.machine.user_call(thread.process, "post")
        mini = Mini(Block(MINI_TAG, _MINI_BYTES[self._stage.conditions.pointer_size], user=user))
        made = self._requests.stack("ExAllocatePool2", "IopAllocateMiniCompletionPacket", "NtSetIoCompletion")
        self._script.allocate(at, thread, mini.block, made)
        self._script.add(at + STEP_NS / 2, thread, partial(_enqueue, entry=mini, waker=waker))
        return mini, at + STEP_NS

    def take(self, at: float, entries: Sequence[Entry], taker: Thread) -> float:
        """Some come out; for agnostic requests stage 2 runs now, on the taker. Gives when each is freed."""
        self._script.add(at, taker, partial(_dequeue, entries=tuple(entries), taker=taker))
        below = ("IoRemoveIoCompletion", "NtRemoveIoCompletionEx")
        for entry in entries:
            at = self._gone(at + STEP_NS / 2, entry, taker, below)
        return at

    def close(self, at: float, entries: Sequence[Entry], thread: Thread) -> float:
        """The last handle is closed: all that is in it goes, on one thread, in one burst. Gives when it is over."""
        for entry in entries:
            at = self._gone(at, entry, thread, ("IopCloseIoCompletion", "ObCloseHandle", "NtClose"))
        return at

    def _gone(self, at: float, entry: Entry, by: Thread, below: tuple[str, ...]) -> float:
        if isinstance(entry, Mini):
            self._script.free(at, by, entry.block, self._requests.stack("ExFreePoolWithTag", *below))
            return at + STEP_NS / 3
        if entry.ending is Ending.AGNOSTIC:
            finished = self._requests.stack("ExFreePoolWithTag", "IopCompleteRequest", *below)
            at = self._requests.free_buffers(at, entry, by, finished)
        return self._requests.release(at, entry, by, below)


def _entry(scribe: Scribe, entry: Entry) -> int:
    if isinstance(entry, Mini):
        return entry.block.address + scribe.conditions.pool_offset
    return entry.pointer + _LIST_ENTRY[scribe.conditions.pointer_size]


def _enqueue(scribe: Scribe, entry: Entry, waker: Thread | None) -> None:
    named = waker.id if waker is not None and scribe.conditions.waker_named else 0
    scribe.kernel(QUEUE_INSERT, {"entry": _entry(scribe, entry), "thread": named})


def _dequeue(scribe: Scribe, entries: tuple[Entry, ...], taker: Thread) -> None:
    places = tuple(_entry(scribe, entry) for entry in entries)
    scribe.kernel(QUEUE_REMOVE, {"thread": taker.id, "count": len(places), "entries": places})
