"""Which outstanding allocations have outlived everything that their siblings' lifetimes lead to expect.

Freed siblings say how long such allocations live. Beyond some age next to none of them was still freed: what
is older than that by a factor of two will not be freed either, as far as the trace can tell. A heavy tail has no such
age, because there every doubling of the age still frees a good share of what had reached it.
"""

from __future__ import annotations

import numpy as np

from analyzers.policy import LIFETIMES
from analyzers.trends.bins import BINS, EDGES
from tracer.arrays import I64
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Survivors:
    """``count``: the oldest so many of the group's outstanding ones are survivors; they are older than ``age_ns``.

    ``freed``: siblings whose lifetime is known; ``usual_ns``: 95 % of them were freed within this, 0 where none was.
    """

    count: int
    age_ns: int
    freed: int
    usual_ns: int


def survivors(lifetimes: I64, ages_ns: I64) -> Survivors:
    """From lifetimes (int64 by bin) of the freed and ages of the outstanding (int64, oldest first)."""
    freed = int(lifetimes.sum())
    if not freed:
        return Survivors(len(ages_ns), 0, 0, 0)
    later = np.cumsum(lifetimes[::-1])[::-1]
    usual = 1 + int(np.searchsorted(np.cumsum(lifetimes), LIFETIMES.usual * freed))
    limits = (EDGES[:BINS] * LIFETIMES.octave).astype(np.int64)
    left = np.searchsorted(-ages_ns, -limits, side="right")
    good = np.flatnonzero(later <= LIFETIMES.late_deaths * (later + left))
    first = max(usual, int(good[0])) if len(good) else BINS
    usual_ns = int(EDGES[min(usual, BINS)])
    if first >= BINS:
        return Survivors(0, int(limits[-1]), freed, usual_ns)
    return Survivors(int(left[first]), int(limits[first]), freed, usual_ns)
