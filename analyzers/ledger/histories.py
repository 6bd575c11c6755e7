"""The history of every site: what was made and what ended in each step of time, and how long freed ones lived.

All sites share one time axis of :data:`~analyzers.trends.history.STEPS` steps. Where the trace outgrows it, steps are
merged in pairs, so that the result depends on the events alone and not on how they were cut into batches.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.ledger.rows import STEP, History
from analyzers.trends.bins import BINS, bin_of
from analyzers.trends.history import STEPS, SiteHistory
from tracer.arrays import I32, I64, Structured
from tracer.data_classes import dataclass
from tracer.jit import Int, inlined, kernel

FIRST_SHIFT: Final = 20
"""Steps begin with 2^20 ns, about a millisecond: finer than what a leak needs to be seen."""


@inlined
def step_of(time: Int, shift: Int) -> Int:
    """The step that a time falls into; times outside the axis count to its ends."""
    return min(max(np.int64(time) >> np.int64(shift), np.int64(0)), np.int64(STEPS - 1))


@inlined
def note_made(history: History, step: Int, site: Int, size: Int, times: Int) -> None:
    """An allocation was made at a site; ``times`` is -1 to take that back."""
    cell = history.steps[step, site]
    cell["allocations"] += times
    cell["bytes"] += size * times


@inlined
def note_ended(history: History, step: Int, site: Int, size: Int, times: Int) -> None:
    """An allocation of a site was freed or replaced; ``times`` is -1 to take that back."""
    cell = history.steps[step, site]
    cell["frees"] += times
    cell["bytes"] -= size * times


@inlined
def note_lifetime(history: History, site: Int, duration: Int, times: Int) -> None:
    """An allocation of a site was freed after so many nanoseconds; ``times`` is -1 to take that back."""
    history.lifetimes[site, bin_of(duration)] += times


@kernel
def _merge_pairs(steps: Structured, sites: int) -> None:
    """Each two steps become one; the second half of the axis is empty then."""
    for step in range(STEPS):
        for site in range(sites):
            here = steps[step, site]
            if step < STEPS // 2:
                first = steps[2 * step, site]
                second = steps[2 * step + 1, site]
                here["allocations"] = first["allocations"] + second["allocations"]
                here["frees"] = first["frees"] + second["frees"]
                here["bytes"] = first["bytes"] + second["bytes"]
            else:
                here["allocations"] = 0
                here["frees"] = 0
                here["bytes"] = 0


@dataclass(frozen=True, slots=True, eq=False)
class SiteRows:
    """Which row each site of the ledger has in a snapshot.

    ``used``: int64, sites in use; ``rows``: int64, the row of each of these; ``row_of_site``: int32, the same by site,
    0 for sites that are not in use. ``count``: rows there are.
    """

    used: I64
    rows: I64
    row_of_site: I32
    count: int


class _Sums(NamedTuple):
    """Columns of :class:`~analyzers.trends.history.SiteHistory`."""

    allocations: I32
    frees: I32
    bytes: I64
    survivors: I32
    survivor_bytes: I64
    lifetimes: I32


@kernel
def _sum_up(
    history: History, used: I64, rows: I64, slots: Structured, row_of_site: I32, shift: int, sums: _Sums
) -> None:
    """Add the histories of sites in use to the rows that they belong to, and the live allocations of ``slots``."""
    for i in range(used.shape[0]):
        site, row = used[i], rows[i]
        for step in range(STEPS):
            cell = history.steps[step, site]
            sums.allocations[row, step] += cell["allocations"]
            sums.frees[row, step] += cell["frees"]
            sums.bytes[row, step] += cell["bytes"]
        for place in range(BINS):
            sums.lifetimes[row, place] += history.lifetimes[site, place]
    for i in range(slots.shape[0]):
        allocation = slots[i]
        if allocation["live"]:
            its_row = row_of_site[allocation["site"]]
            birth = step_of(allocation["time"], shift)
            sums.survivors[its_row, birth] += 1
            sums.survivor_bytes[its_row, birth] += np.int64(allocation["size"])


class Histories:
    """The :class:`~analyzers.ledger.rows.History` of all sites, in ``arrays``, and the width of its steps."""

    def __init__(self, rows: int) -> None:
        """``rows``: how many sites, and how many tags, there is room for at first."""
        self.shift = FIRST_SHIFT
        self.arrays = History(
            np.zeros((STEPS, rows), STEP), np.zeros((rows, BINS), np.int32), np.zeros((STEPS, rows), np.int32)
        )

    def reserve(self, sites: int) -> None:
        """Make room for more sites."""
        steps, lifetimes = np.zeros((STEPS, sites), STEP), np.zeros((sites, BINS), np.int32)
        steps[:, : self.arrays.steps.shape[1]] = self.arrays.steps
        lifetimes[: len(self.arrays.lifetimes)] = self.arrays.lifetimes
        self.arrays = self.arrays._replace(steps=steps, lifetimes=lifetimes)

    def reserve_tags(self, tags: int) -> None:
        """Make room for more tags."""
        unmatched = np.zeros((STEPS, tags), np.int32)
        unmatched[:, : self.arrays.unmatched.shape[1]] = self.arrays.unmatched
        self.arrays = self.arrays._replace(unmatched=unmatched)

    def reach(self, time_ns: int, sites: int) -> None:
        """Let the axis reach to a time; ``sites`` are in use."""
        while time_ns >> self.shift >= STEPS:
            unmatched = self.arrays.unmatched
            _merge_pairs(self.arrays.steps, sites)
            unmatched[: STEPS // 2] = unmatched[::2] + unmatched[1::2]
            unmatched[STEPS // 2 :] = 0
            self.shift += 1

    def summed(self, sites: SiteRows, slots: Structured, until_ns: int) -> SiteHistory:
        """The histories by row, with the live allocations among ``slots``."""
        counts, sizes = (np.zeros((3, sites.count, STEPS), dtype) for dtype in (np.int32, np.int64))
        sums = _Sums(counts[0], counts[1], sizes[0], counts[2], sizes[1], np.zeros((sites.count, BINS), np.int32))
        _sum_up(self.arrays, sites.used, sites.rows, slots, sites.row_of_site, self.shift, sums)
        return SiteHistory(
            *sums,
            step_ns=1 << self.shift,
            used=min(max(until_ns >> self.shift, 0) + 1, STEPS),
            unmatched=self.arrays.unmatched.T.copy(),
        )
