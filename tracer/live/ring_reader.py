"""Takes records out of rings into the arena that the walk reads: a segment for each CPU, as if of a buffer."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import U32
from tracer.data_classes import dataclass
from tracer.errors import Damage, DamageCode
from tracer.etl import walk
from tracer.etl.buffers import BUFFER
from tracer.etl.headers import HEADER_BYTES, MAX_PROCESSORS
from tracer.etl.loading import LOAD_BYTES, Loader
from tracer.etl.rows import SEGMENT
from tracer.live import size_pass
from tracer.live.demux import deal
from tracer.live.entries import class_tables
from tracer.live.native import fence
from tracer.live.ring import LARGEST_ENTRY, Ring
from tracer.words import words_of

_BEHIND: Final = 8
"""Bytes that the walk may read behind a segment."""


@dataclass(slots=True)
class Taken:
    """What one look into a ring has given. ``first`` … ``greatest``: raw times, of no meaning without ``records``.

    ``first``: the least near the moment at which the capture began; the least of all where none is near (a replay).
    """

    records: int
    first: int
    greatest: int
    losses: list[tuple[int, int, int]]


class Taker(Loader):
    """A loader whose buffers come out of rings.

    ``tags``: pool tags that are wanted, as u32 without the protected bit; none for all. ``late``: records that came
    after their time had gone out; ``filtered``: pool events of other tags, left out.
    """

    def __init__(self, tags: U32) -> None:
        super().__init__(lambda _offset, _view: 0, np.zeros(0, BUFFER), 0, None)
        filtered = np.full(MAX_PROCESSORS, size_pass.NO_TIME, np.int64)
        self._wanted = size_pass.Wanted(*class_tables(), tags, filtered)
        self._measured = size_pass.Measured(
            entry_hook=np.zeros(size_pass.MOST_ENTRIES, np.int32),
            entry_bytes=np.zeros(size_pass.MOST_ENTRIES, np.int64),
            cpu_bytes=np.zeros(MAX_PROCESSORS, np.int64),
            losses=np.zeros((size_pass.MOST_LOSSES, 3), np.int64),
            counts=np.zeros(1, size_pass.COUNTED),
        )
        self._backward = 0
        self.late = 0
        self.filtered = 0

    def take(self, ring: Ring, handed_on: int, near: tuple[int, int]) -> Taken:
        """Take the next of a ring's records, as many as :data:`~tracer.etl.loading.LOAD_BYTES` hold or a few more.

        Events before ``handed_on`` have gone out; ``near``: raw times near the capture's beginning.
        """
        words, measured = words_of(ring.data), self._measured
        tail, counts = ring.tail, measured.counts[0]
        measured.cpu_bytes[:] = 0
        head = ring.head
        fence()  # what was written up to here is read after it was seen to be
        size_pass.measure(words, tail, head, LOAD_BYTES, handed_on, near, self._wanted, measured)
        self._lay_out()
        deal(words, tail, measured, self._cpu_at, self.arena.words)
        fence()  # and before it may be written over
        ring.release(int(counts["end"]))
        self.late += int(counts["late"])
        self.filtered += int(counts["filtered"])
        records = int(np.count_nonzero(measured.entry_bytes[: counts["entries"]]))
        losses = [(int(a), int(b), int(c)) for a, b, c in measured.losses[: counts["losses"]]]
        near_least = int(counts["near"])
        first = near_least if near_least != size_pass.NO_NEAR else int(counts["least"])
        return Taken(records, first, int(counts["greatest"]), losses)

    def _lay_out(self) -> None:
        """A segment for each CPU that has records."""
        cpus = np.flatnonzero(self._measured.cpu_bytes)
        lengths = self._measured.cpu_bytes[cpus]
        begins = np.cumsum(lengths + _BEHIND) - lengths - _BEHIND
        self.arena.reserve(int(lengths.sum()) + _BEHIND * (len(cpus) + 1))
        self._cpu_at = np.zeros(MAX_PROCESSORS, np.int64)
        self._cpu_at[cpus] = begins
        segments = np.zeros(len(cpus), SEGMENT)
        segments["position"] = segments["begin"] = begins
        segments["end"] = begins + lengths
        segments["offset"] = self.bytes_read + np.cumsum(lengths) - lengths
        segments["last_time"] = size_pass.NO_TIME
        segments["present"] = segments["valid"] = lengths + HEADER_BYTES
        segments["first"] = -1
        segments["cpu"] = cpus
        segments["state"] = walk.RUNNING
        self.segments = segments
        self.bytes_read += int(lengths.sum())

    def settle(self, notable: int) -> None:
        """Count the records that a session gave in another order than that of their times."""
        if notable:
            self._backward += int(self.segments["backward"].sum())

    @property
    def disorder(self) -> list[Damage]:
        """What is out of order, if anything is."""
        found = []
        if self._backward:
            text = f"{self._backward:,} records were logged at an earlier time than the record before them"
            found.append(Damage(0, DamageCode.TIME_BACKWARD, text, 0))
        if self.late:
            text = f"{self.late:,} records came so late that events after them had gone out already"
            found.append(Damage(0, DamageCode.TIME_BACKWARD, text, 0))
        return found


def rehearse() -> None:
    """Compile what takes records out of a ring, over an empty one: the events of a capture do not wait for it."""
    Taker(np.zeros(0, np.uint32)).take(Ring(2 * LARGEST_ENTRY), 0, (0, 0))
