"""The history of every site: what was made and what ended in each step of time, and how long freed ones lived.

All sites share one time axis of :data:`~analyzers.trends.history.STEPS` steps. Where the trace outgrows it, steps are
merged in pairs, so that the result depends on the events alone and not on how they were cut into batches.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.ledger.rows import STEP, History, LedgerTables
from analyzers.trends.bins import BINS, bin_of
from analyzers.trends.history import STEPS, SiteHistory
from tracer.arrays import I32, I64, Structured
from tracer.data_classes import dataclass
from tracer.jit import Int, inlined, kernel, routine

FIRST_SHIFT: Final = 20
"""Steps begin with 2^20 ns, about a millisecond: finer than what a leak needs to be seen."""


@inlined
def step_of(time: Int, shift: Int) -> Int:
    """The step that a time falls into; times outside the axis count to its ends."""
    return min(max(np.int64(time) >> np.int64(shift), np.int64(0)), np.int64(STEPS - 1))


@routine
def end_steps(history: History, ledger: LedgerTables, step: Int) -> None:
    """Note what the counters of all sites stand at, as of the end of each step before ``step``."""
    counts = ledger.counts[0]
    for ended in range(counts["step"], step):
        for row in range(counts["sites"]):
            site, cell = ledger.sites[row], history.steps[ended, row]
            cell["allocations"] = site["allocations"]
            cell["frees"] = site["allocations"] - site["count"]
            cell["bytes"] = site["bytes"]
    counts["step"] = step


@routine
def note_past(history: History, begin: Int, end: Int, site: Int, allocations: Int, frees: Int, size: Int) -> None:
    """Add to what a site's counters stood at in the steps from ``begin`` on; those from ``end`` on come later."""
    for step in range(begin, end):
        cell = history.steps[step, site]
        cell["allocations"] += allocations
        cell["frees"] += frees
        cell["bytes"] += size


@inlined
def note_lifetime(history: History, site: Int, duration: Int, times: Int) -> None:
    """An allocation of a site was freed after so many nanoseconds; ``times`` is -1 to take that back."""
    history.lifetimes[site, bin_of(duration)] += times


@kernel
def _merge_pairs(steps: Structured, sites: int) -> None:
    """Each two steps become one, which ends as the second of them did."""
    for step in range(STEPS // 2):
        for site in range(sites):
            here, second = steps[step, site], steps[2 * step + 1, site]
            here["allocations"] = second["allocations"]
            here["frees"] = second["frees"]
            here["bytes"] = second["bytes"]


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
def _sum_up(history: History, ledger: LedgerTables, used: I64, rows: I64, row_of_site: I32, sums: _Sums) -> None:
    """Add the histories of sites in use to the rows that they belong to, and the live allocations."""
    counts = ledger.counts[0]
    for i in range(used.shape[0]):
        site, row = used[i], rows[i]
        for step in range(counts["step"]):  # what changed in a step: it counts to the next one less
            cell = history.steps[step, site]
            for sign, place in ((1, step), (-1, step + 1)):
                sums.allocations[row, place] += sign * cell["allocations"]
                sums.frees[row, place] += sign * cell["frees"]
                sums.bytes[row, place] += sign * cell["bytes"]
        total = ledger.sites[site]
        sums.allocations[row, counts["step"]] += total["allocations"]
        sums.frees[row, counts["step"]] += total["allocations"] - total["count"]
        sums.bytes[row, counts["step"]] += total["bytes"]
        for place in range(BINS):
            sums.lifetimes[row, place] += history.lifetimes[site, place]
    for i in range(counts["slots"]):
        allocation = ledger.slots[i]
        if allocation["live"]:
            its_row = row_of_site[allocation["site"]]
            birth = step_of(allocation["time"], counts["step_shift"])
            sums.survivors[its_row, birth] += 1
            sums.survivor_bytes[its_row, birth] += np.int64(allocation["size"])


class Histories:
    """The :class:`~analyzers.ledger.rows.History` of all sites, in ``arrays``."""

    def __init__(self, rows: int) -> None:
        """``rows``: how many sites, and how many tags, there is room for at first."""
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

    def reach(self, time_ns: int, counts: np.void) -> None:
        """Let the axis reach to a time; ``counts`` are the ledger's."""
        while time_ns >> int(counts["step_shift"]) >= STEPS:
            unmatched = self.arrays.unmatched
            _merge_pairs(self.arrays.steps, int(counts["sites"]))
            unmatched[: STEPS // 2] = unmatched[::2] + unmatched[1::2]
            unmatched[STEPS // 2 :] = 0
            counts["step_shift"] += 1
            counts["step"] //= 2

    def summed(self, sites: SiteRows, ledger: LedgerTables, until_ns: int) -> SiteHistory:
        """The histories by row, with the live allocations."""
        counts, sizes = (np.zeros((3, sites.count, STEPS), dtype) for dtype in (np.int32, np.int64))
        sums = _Sums(counts[0], counts[1], sizes[0], counts[2], sizes[1], np.zeros((sites.count, BINS), np.int32))
        _sum_up(self.arrays, ledger, sites.used, sites.rows, sites.row_of_site, sums)
        shift = int(ledger.counts[0]["step_shift"])
        return SiteHistory(
            *sums,
            step_ns=1 << shift,
            used=min(max(until_ns >> shift, 0) + 1, STEPS),
            unmatched=self.arrays.unmatched.T.copy(),
        )
