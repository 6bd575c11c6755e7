"""How the outstanding memory of each site came to be: changes over time, and the lifetimes of what was freed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tracer.arrays import I32, I64
from tracer.data_classes import dataclass

STEPS: Final = 64
"""Steps of time in a history. Their width is a power of two nanoseconds and doubles when the trace outgrows them."""


@dataclass(frozen=True, slots=True, eq=False)
class SiteHistory:
    """One row per row of the :class:`~analyzers.pool_tables.SiteTable`.

    ``allocations``, ``frees``: int32 (sites, STEPS), allocations made in each step, and those of the site's allocations
    that were freed or replaced in it. ``bytes``: int64 (sites, STEPS), change of outstanding bytes in each step.
    ``survivors``: int32 and ``survivor_bytes``: int64 (sites, STEPS), those made in each step that are outstanding at
    the snapshot. ``lifetimes``: int32 (sites, BINS), how long freed allocations lived (:mod:`analyzers.trends.bins`).
    ``step_ns``: width of a step; step 0 begins at the trace's start. ``used``: steps up to the snapshot's time.
    ``unmatched``: int32 (tags, STEPS), frees without allocation in each step, by row of the
    :class:`~analyzers.pool_tables.TagTable`; no rows where nobody has counted them.
    """

    allocations: I32
    frees: I32
    bytes: I64
    survivors: I32
    survivor_bytes: I64
    lifetimes: I32
    step_ns: int
    used: int
    unmatched: I32 = field(default_factory=lambda: np.zeros((0, STEPS), np.int32))

    def folded(self, first: npt.NDArray[np.integer]) -> SiteHistory:
        """With one row for several that lie side by side: ``first`` is where each of the stretches begins."""
        if len(first) == len(self.allocations):
            return self
        return replace(
            self,
            allocations=_folded(self.allocations, first),
            frees=_folded(self.frees, first),
            bytes=_folded(self.bytes, first),
            survivors=_folded(self.survivors, first),
            survivor_bytes=_folded(self.survivor_bytes, first),
            lifetimes=_folded(self.lifetimes, first),
        )

    def rows(self, rows: npt.NDArray[np.integer]) -> GroupHistory:
        """The sum over some sites."""
        return GroupHistory(
            self.allocations[rows].sum(axis=0, dtype=np.int64)[: self.used],
            self.frees[rows].sum(axis=0, dtype=np.int64)[: self.used],
            self.bytes[rows].sum(axis=0)[: self.used],
            self.survivors[rows].sum(axis=0, dtype=np.int64)[: self.used],
            self.survivor_bytes[rows].sum(axis=0)[: self.used],
            self.lifetimes[rows].sum(axis=0, dtype=np.int64),
            self.step_ns,
        )

    def by_group(
        self,
        rows: npt.NDArray[np.integer],
        first: npt.NDArray[np.integer],
        since_ns: int = 0,
        until_ns: int | None = None,
    ) -> list[GroupHistory]:
        """The sums over groups of sites: ``rows`` one group after another, ``first`` where each of them begins.

        They say what happened from the first step on that begins at ``since_ns`` or later, the last step at least; but
        lifetimes stay those of all: what was freed when is not known of each. ``until_ns``: their last step is the one
        that ends nearest to it.
        """
        skipped = min(max(-(-since_ns // self.step_ns), 0), self.used - 1)
        used = self.used if until_ns is None else round(until_ns / self.step_ns)
        used = min(max(used, skipped + 1), self.used)
        steps = (self.allocations, self.frees, self.bytes, self.survivors, self.survivor_bytes)
        made, freed, change, stays, stay = (
            np.add.reduceat(each[rows, skipped:used], first, dtype=np.int64) for each in steps
        )
        after = slice(used, self.used)
        ended = (self.frees[:, after] - self.allocations[:, after] + self.survivors[:, after])[rows].sum(axis=1)
        drained = np.add.reduceat(ended, first, dtype=np.int64).tolist()
        lifetimes = np.add.reduceat(self.lifetimes[rows], first, dtype=np.int64)
        start_ns = skipped * self.step_ns
        return [
            GroupHistory(
                made[at], freed[at], change[at], stays[at], stay[at], lifetimes[at], self.step_ns, start_ns,
                after=self.used - used, drained=drained[at],
            )
            for at in range(len(first))
        ]  # fmt: skip


def _folded(table: npt.NDArray[Any], first: npt.NDArray[np.integer]) -> npt.NDArray[Any]:
    return np.asarray(np.add.reduceat(table, first, axis=0, dtype=table.dtype))


@dataclass(frozen=True, slots=True, eq=False)
class GroupHistory:
    """The history of a group of sites; arrays as in :class:`SiteHistory`, int64, one dimension, only the used steps.

    ``start_ns``: where step 0 begins. ``after``: steps of the trace behind the last one, which are left out, as
    allocations do not count then; ``drained``: allocations from before them that were freed in them.
    """

    allocations: I64
    frees: I64
    bytes: I64
    survivors: I64
    survivor_bytes: I64
    lifetimes: I64
    step_ns: int
    start_ns: int = 0
    after: int = 0
    drained: int = 0

    def step_at(self, time_ns: int) -> int:
        """The step that a time from ``start_ns`` on falls into, used or not."""
        return max(time_ns - self.start_ns, 0) // self.step_ns


@dataclass(frozen=True, slots=True, eq=False)
class GroupHistories:
    """Histories of several groups over the same steps: the arrays of :class:`GroupHistory`, with a row for each."""

    allocations: I64
    frees: I64
    survivors: I64
    survivor_bytes: I64
    lifetimes: I64
    step_ns: int
    start_ns: int
    after: int = 0

    @classmethod
    def of(cls, histories: Sequence[GroupHistory]) -> GroupHistories:
        """At least one, all over the same steps: ``ValueError`` where they are not."""
        first = histories[0]
        if any((each.step_ns, each.start_ns) != (first.step_ns, first.start_ns) for each in histories):
            raise ValueError("histories over different steps")
        return cls(
            _table([each.allocations for each in histories]),
            _table([each.frees for each in histories]),
            _table([each.survivors for each in histories]),
            _table([each.survivor_bytes for each in histories]),
            _table([each.lifetimes for each in histories]),
            first.step_ns,
            first.start_ns,
            first.after,
        )


def _table(rows: list[I64]) -> I64:
    """``np.stack`` of many short rows, in a tenth of the time."""
    return np.concatenate(rows).reshape(len(rows), -1)
