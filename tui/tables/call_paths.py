"""The call stacks of a snapshot's sites as paths of a tree, whole arrays at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from analyzers.factorize import coded, sums
from analyzers.folded_stacks import folded
from analyzers.pool_tables import Frame, Names
from analyzers.snapshot import Snapshot
from tracer.arrays import I32, I64, U64, Mask, Numbers


@dataclass(frozen=True, eq=False)
class AllFrames:
    """The frames of several stacks: ``address`` and ``bounds`` as in :class:`CallPaths`."""

    names: Names
    stack: I32
    address: U64
    bounds: I64

    def of(self, row: int) -> tuple[Frame, ...]:
        """Those of one stack, innermost first."""
        return self.names.frames(int(self.stack[row]))

    def shown(self) -> tuple[U64, I64]:
        """``address`` and ``bounds`` of those that are not folded."""
        kept = np.concatenate(([0], np.cumsum(~self.folded)))
        return self.address[~self.folded], kept[self.bounds]

    def holding(self, fits: Callable[[Frame], bool]) -> Mask:
        """By stack: whether a frame fits."""
        frames, which = self._distinct
        found = np.array([fits(frame) for frame in frames], np.bool_)
        hits = np.concatenate(([0], np.cumsum(found[which]))) if len(found) else np.zeros(1, np.int64)
        return np.asarray(hits[self.bounds[1:]] > hits[self.bounds[:-1]])

    @cached_property
    def folded(self) -> Mask:
        """By frame."""
        frames, which = self._distinct
        return folded(frames, which, self.bounds)

    @cached_property
    def _distinct(self) -> tuple[list[Frame], I64]:
        """The distinct frames, and which one each of ``address`` is."""
        _, first, which = np.unique(self.address, return_index=True, return_inverse=True)
        rows = np.searchsorted(self.bounds, first, side="right") - 1
        stacks: dict[int, tuple[Frame, ...]] = {}
        frames = []
        for at, row in zip(first.tolist(), rows.tolist(), strict=True):
            if row not in stacks:
                stacks[row] = self.of(row)
            frames.append(stacks[row][at - int(self.bounds[row])])
        return frames, which.astype(np.int64)


class Direction(Enum):
    """From which end a stack is read."""

    CALLEES = "callees first"
    CALLERS = "callers first"


@dataclass(frozen=True, eq=False)
class CallPaths:
    """One row per stack of the sites: ``stack`` int32 ids, int64 sums over the sites of each.

    ``address``: uint64, the frames of one row after another, innermost first; those of row ``i`` lie from ``bounds[i]``
    to ``bounds[i + 1]``. ``of_site``: row by site. ``all_frames``: those that are folded, too.
    """

    snapshot: Snapshot
    direction: Direction
    stack: I32
    address: U64
    bounds: I64
    all_frames: AllFrames
    of_site: Numbers
    count: I64
    bytes: I64
    allocations: I64
    frees: I64

    @classmethod
    def of(cls, snapshot: Snapshot, direction: Direction, *, unfolded: bool = False) -> CallPaths:
        """The stacks of a snapshot; ``unfolded``: with the frames of the allocator and the like."""
        sites = snapshot.pool.sites
        distinct, row = coded(sites.stack)
        stack = distinct.astype(np.int32)
        whole = AllFrames(snapshot.names, stack, *snapshot.names.addresses(stack))
        address, bounds = (whole.address, whole.bounds) if unfolded else whole.shown()
        columns = (sites.outstanding_count, sites.outstanding_bytes, sites.allocations, sites.frees)
        count, held, allocations, frees = (sums(row, column, len(stack)) for column in columns)
        return cls(snapshot, direction, stack, address, bounds, whole, row, count, held, allocations, frees)

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
        """The frames of a row as they are read, without those that are folded."""
        frames = self.all_frames.of(row)
        shown = [frames[at] for at in self._shown_at(row)]
        return shown if self.direction is Direction.CALLEES else shown[::-1]

    def whole(self, row: int, begin: int, end: int | None) -> Sequence[Frame]:
        """The same from ``begin`` to ``end``, with what is folded before, between and behind them."""
        frames, shown = self.all_frames.of(row), self._shown_at(row)
        if self.direction is Direction.CALLERS:
            frames, shown = frames[::-1], [len(frames) - 1 - at for at in reversed(shown)]
        first = shown[begin] if 0 < begin < len(shown) else 0 if not begin else len(frames)
        return frames[first : shown[end] if end is not None and end < len(shown) else len(frames)]

    def _shown_at(self, row: int) -> list[int]:
        """Which frames of a row, innermost first, are not folded."""
        begin, end = self.all_frames.bounds[row : row + 2].tolist()
        if end - begin == self.bounds[row + 1] - self.bounds[row]:
            return list(range(end - begin))
        return np.flatnonzero(~self.all_frames.folded[begin:end]).tolist()

    def holding(self, fits: Callable[[Frame], bool]) -> Mask:
        """By row: whether a frame fits, one that is folded too."""
        return self.all_frames.holding(fits)
