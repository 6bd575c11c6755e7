"""The script: what happens when, on whose behalf. Times in any order; sorted at the end."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.accuracy.scripted.machine import Stack, Thread

if TYPE_CHECKING:
    from benchmarks.accuracy.scripted.scribe import Scribe

NONPAGED: Final = 512
PAGED: Final = 1
SESSION_PAGED: Final = 33
"""POOL_TYPE values: NonPagedPoolNx, PagedPool, PagedPoolSession."""
BY_THREAD: Final = -1

Action = Callable[["Scribe"], object]


@dataclass(slots=True, eq=False)
class Block:
    """A pool block. ``address`` is 0 until its allocation is played, ``record`` its position among the records.

    ``session`` is -1 outside session pool. ``user``: the user-mode part of its allocation's stack, where it is not the
    thread's usual one.
    """

    tag: int
    size: int
    type: int = NONPAGED
    session: int = -1
    address: int = 0
    record: int = -1
    user: Stack = ()

    @property
    def paged(self) -> bool:
        """Whether it is in paged pool."""
        return bool(self.type & 1)


@dataclass(slots=True)
class Event:
    """``at``: nanoseconds. ``cpu``: given for what a deferred procedure call does, which interrupts who runs there."""

    at: int
    order: int
    thread: Thread | None
    action: Action
    cpu: int = BY_THREAD


@dataclass(slots=True)
class Script:
    """Events of one trace. What would lie outside the trace is not in it."""

    duration_ns: int
    rng: random.Random
    events: list[Event] = field(default_factory=list)
    _taken: dict[int, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def reserve(self, thread: Thread, at: float, length: float) -> float:
        """From when on a thread has time for a call of that length: at the moment, or when earlier plans leave room."""
        taken = self._taken[thread.id]
        place = bisect_left(taken, (at, 0.0))
        if place and taken[place - 1][1] > at:
            at = taken[place - 1][1]
        while place < len(taken) and taken[place][0] < at + length:
            at = max(at, taken[place][1])
            place += 1
        taken.insert(place, (at, at + length))
        return at

    def add(self, at: float, thread: Thread | None, action: Action, cpu: int = BY_THREAD) -> None:
        """Something that happens."""
        if 0 <= at < self.duration_ns:
            self.events.append(Event(int(at), len(self.events), thread, action, cpu))

    def allocate(self, at: float, thread: Thread, block: Block, stack: Stack) -> Block:
        """An allocation; before the trace where ``at`` is negative."""
        self.add(at, thread, partial(_allocate, block=block, stack=stack))
        return block

    def free(self, at: float, thread: Thread | None, block: Block, stack: Stack, cpu: int = BY_THREAD) -> None:
        """A free of that block."""
        self.add(at, thread, partial(_free, block=block, stack=stack), cpu)

    def in_order(self) -> list[Event]:
        """All events by time, those of one time in the order in which they were added."""
        return sorted(self.events, key=lambda event: (event.at, event.order))


def _allocate(scribe: Scribe, block: Block, stack: Stack) -> None:
    block.address = scribe.addresses.take(block.size, paged=block.paged)
    block.record = scribe.pool(block, stack, freed=False)


def _free(scribe: Scribe, block: Block, stack: Stack) -> None:
    if not block.address:  # it was there before the trace
        block.address = scribe.addresses.fresh(block.size, paged=block.paged)
    scribe.pool(block, stack, freed=True)
    scribe.addresses.give(block.address, block.size, paged=block.paged)
