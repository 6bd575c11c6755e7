"""The history of every site: what was made and what ended in each step of time, and how long freed ones lived.

All sites share one time axis of :data:`~analyzers.trends.history.STEPS` steps. Where the trace outgrows it, steps are
merged in pairs, so that the result depends on the events alone and not on how they were cut into batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.ledger.rows import STEP
from analyzers.trends.bins import BINS, bin_of
from analyzers.trends.history import STEPS, SiteHistory
from tracer.jit import Int, inlined, kernel

FIRST_SHIFT: Final = 20
"""Steps begin with 2^20 ns, about a millisecond: finer than what a leak needs to be seen."""


@inlined
def step_of(time: Int, shift: Int) -> Int:
    """The step that a time falls into; times outside the axis count to its ends."""
    return min(max(np.int64(time) >> np.int64(shift), np.int64(0)), np.int64(STEPS - 1))


@inlined
def note_made(steps: npt.NDArray[np.void], step: Int, site: Int, size: Int, times: Int) -> None:
    """An allocation was made at a site; ``times`` is -1 to take that back."""
    cell = steps[step, site]
    cell["allocations"] += times
    cell["bytes"] += size * times


@inlined
def note_ended(steps: npt.NDArray[np.void], step: Int, site: Int, size: Int, times: Int) -> None:
    """An allocation of a site was freed or replaced; ``times`` is -1 to take that back."""
    cell = steps[step, site]
    cell["frees"] += times
    cell["bytes"] -= size * times


@inlined
def note_lifetime(lifetimes: npt.NDArray[np.int32], site: Int, duration: Int, times: Int) -> None:
    """An allocation of a site was freed after so many nanoseconds; ``times`` is -1 to take that back."""
    lifetimes[site, bin_of(duration)] += times


@inlined
def note_stray(strays: npt.NDArray[np.int32], step: Int, tag: Int) -> None:
    """Something was freed under a tag that was not seen to be allocated."""
    strays[step, tag] += 1


@kernel
def _merge_pairs(steps: npt.NDArray[np.void], sites: int) -> None:
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


@kernel
def _sum_up(  # noqa: PLR0913, PLR0917 - an array for each column
    steps: npt.NDArray[np.void],
    site_lifetimes: npt.NDArray[np.int32],
    sites: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    slots: npt.NDArray[np.void],
    row_of_site: npt.NDArray[np.int32],
    shift: int,
    allocations: npt.NDArray[np.int32],
    frees: npt.NDArray[np.int32],
    size: npt.NDArray[np.int64],
    survivors: npt.NDArray[np.int32],
    survivor_bytes: npt.NDArray[np.int64],
    lifetimes: npt.NDArray[np.int32],
) -> None:
    """Add the histories of ``sites`` to the ``rows`` that they belong to, and the live allocations of ``slots``."""
    for i in range(sites.shape[0]):
        for step in range(STEPS):
            cell = steps[step, sites[i]]
            allocations[rows[i], step] += cell["allocations"]
            frees[rows[i], step] += cell["frees"]
            size[rows[i], step] += cell["bytes"]
        for place in range(BINS):
            lifetimes[rows[i], place] += site_lifetimes[sites[i], place]
    for i in range(slots.shape[0]):
        allocation = slots[i]
        if allocation["live"]:
            row = row_of_site[allocation["site"]]
            birth = step_of(allocation["time"], shift)
            survivors[row, birth] += 1
            survivor_bytes[row, birth] += np.int64(allocation["size"])


@dataclass(frozen=True, slots=True, eq=False)
class SiteRows:
    """Which row each site of the ledger has in a snapshot.

    ``used``: int64, sites in use; ``rows``: int64, the row of each of these; ``row_of_site``: int32, the same by site,
    0 for sites that are not in use. ``count``: rows there are.
    """

    used: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    row_of_site: npt.NDArray[np.int32]
    count: int


class Histories:
    """The arrays behind the histories, by site of the ledger.

    ``steps``: :data:`~analyzers.ledger.rows.STEP` (STEPS, sites), step by step so that what changes at one time lies
    together. ``lifetimes``: int32 (sites, BINS). ``strays``: int32 (STEPS, tags), frees without allocation by tag of
    the ledger.
    """

    def __init__(self, rows: int) -> None:
        """``rows``: how many sites, and how many tags, there is room for at first."""
        self.shift = FIRST_SHIFT
        self.steps = np.zeros((STEPS, rows), STEP)
        self.lifetimes = np.zeros((rows, BINS), np.int32)
        self.strays = np.zeros((STEPS, rows), np.int32)

    def reserve(self, sites: int) -> None:
        """Make room for more sites."""
        steps, lifetimes = np.zeros((STEPS, sites), STEP), np.zeros((sites, BINS), np.int32)
        steps[:, : self.steps.shape[1]] = self.steps
        lifetimes[: len(self.lifetimes)] = self.lifetimes
        self.steps, self.lifetimes = steps, lifetimes

    def reserve_tags(self, tags: int) -> None:
        """Make room for more tags."""
        strays = np.zeros((STEPS, tags), np.int32)
        strays[:, : self.strays.shape[1]] = self.strays
        self.strays = strays

    def reach(self, time_ns: int, sites: int) -> None:
        """Let the axis reach to a time; ``sites`` are in use."""
        while time_ns >> self.shift >= STEPS:
            _merge_pairs(self.steps, sites)
            self.strays[: STEPS // 2] = self.strays[::2] + self.strays[1::2]
            self.strays[STEPS // 2 :] = 0
            self.shift += 1

    def summed(self, sites: SiteRows, slots: npt.NDArray[np.void], until_ns: int) -> SiteHistory:
        """The histories by row, with the live allocations among ``slots``."""
        shape = (sites.count, STEPS)
        history = SiteHistory(
            allocations=np.zeros(shape, np.int32),
            frees=np.zeros(shape, np.int32),
            bytes=np.zeros(shape, np.int64),
            survivors=np.zeros(shape, np.int32),
            survivor_bytes=np.zeros(shape, np.int64),
            lifetimes=np.zeros((sites.count, BINS), np.int32),
            step_ns=1 << self.shift,
            used=min(max(until_ns >> self.shift, 0) + 1, STEPS),
            strays=self.strays.T.copy(),
        )
        _sum_up(
            self.steps, self.lifetimes, sites.used, sites.rows, slots, sites.row_of_site, self.shift,
            history.allocations, history.frees, history.bytes, history.survivors, history.survivor_bytes,
            history.lifetimes,
        )  # fmt: skip
        return history
