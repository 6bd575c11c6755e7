"""The call stacks of a snapshot's sites as paths of a tree, whole arrays at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from analyzers.factorize import coded, sums
from analyzers.pool_tables import Frame
from analyzers.snapshot import Snapshot
from tracer.arrays import I32, I64, U64, Mask, Numbers
from tui.safe_text import safe


class Direction(Enum):
    """From which end a stack is read."""

    CALLEES = "callees first"
    CALLERS = "callers first"


@dataclass(frozen=True, eq=False)
class CallPaths:
    """One row per stack of the sites: ``stack`` int32 ids, int64 sums over the sites of each.

    ``address``: uint64, the frames of one row after another, innermost first; those of row ``i`` lie from ``bounds[i]``
    to ``bounds[i + 1]``. ``of_site``: row by site.
    """

    snapshot: Snapshot
    direction: Direction
    stack: I32
    address: U64
    bounds: I64
    of_site: Numbers
    count: I64
    bytes: I64
    allocations: I64
    frees: I64

    @classmethod
    def of(cls, snapshot: Snapshot, direction: Direction) -> CallPaths:
        """The stacks of a snapshot."""
        sites = snapshot.pool.sites
        distinct, row = coded(sites.stack)
        stack = distinct.astype(np.int32)
        address, bounds = snapshot.names.addresses(stack)
        columns = (sites.outstanding_count, sites.outstanding_bytes, sites.allocations, sites.frees)
        count, held, allocations, frees = (sums(row, column, len(stack)) for column in columns)
        return cls(snapshot, direction, stack, address, bounds, row, count, held, allocations, frees)

    def at(self, rows: I64, depth: int) -> U64:
        """The frames of some rows at a depth that all of them reach."""
        is_inward = self.direction is Direction.CALLERS
        return self.address[self.bounds[rows + 1] - 1 - depth if is_inward else self.bounds[rows] + depth]

    def ended(self, rows: I64, depth: int) -> Mask:
        """Which of the rows have no frame at a depth."""
        return np.asarray(self.bounds[rows + 1] - self.bounds[rows] <= depth)

    def common(self, rows: I64, depth: int) -> int:
        """The depth from which on some rows, alike before, are not alike any more; at most that of the shortest."""
        shortest = int((self.bounds[rows + 1] - self.bounds[rows]).min())
        while depth < shortest:
            frames = self.at(rows, depth)
            if (frames != frames[0]).any():
                break
            depth += 1
        return depth

    def split(self, rows: I64, depth: int) -> tuple[I64, I64]:
        """Rows by their frame at a depth, and where each group begins; those that end before are one group each."""
        ended = self.ended(rows, depth)
        alone, going = rows[ended], rows[~ended]
        if not len(going):
            return alone, np.arange(len(alone))
        frames = self.at(going, depth)
        order = np.argsort(frames, kind="stable")
        cuts = np.flatnonzero(np.diff(frames[order])) + 1
        return np.concatenate((alone, going[order])), np.concatenate((np.arange(len(alone) + 1), len(alone) + cuts))

    def frames(self, row: int) -> Sequence[Frame]:
        """The frames of a row as they are read."""
        frames = self.snapshot.names.frames(int(self.stack[row]))
        return frames if self.direction is Direction.CALLEES else frames[::-1]

    def holding(self, needle: str) -> Mask:
        """By row: whether the name of a frame holds the case-folded text."""
        names, codes = self._names
        found = np.array([needle in name for name in names], np.bool_)
        hits = np.concatenate(([0], np.cumsum(found[codes]))) if len(found) else np.zeros(1, np.int64)
        return np.asarray(hits[self.bounds[1:]] > hits[self.bounds[:-1]])

    @cached_property
    def _names(self) -> tuple[list[str], I64]:
        """Case-folded names of the distinct frames, and which one each of :attr:`address` has."""
        _, first, codes = np.unique(self.address, return_index=True, return_inverse=True)
        rows = np.searchsorted(self.bounds, first, side="right") - 1
        stacks: dict[int, Sequence[Frame]] = {}
        names = []
        for at, row in zip(first.tolist(), rows.tolist(), strict=True):
            if row not in stacks:
                stacks[row] = self.snapshot.names.frames(int(self.stack[row]))
            names.append(safe(str(stacks[row][at - int(self.bounds[row])])).casefold())
        return names, codes.astype(np.int64)
