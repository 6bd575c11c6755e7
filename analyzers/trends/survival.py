"""How long allocations live: the Kaplan–Meier estimate over freed ones, with the outstanding ones as censored.

Kaplan & Meier 1958; the interval is Greenwood's variance on the log(−log) scale (Kalbfleisch & Prentice). Within a bin
deaths come before censored ones, as is the convention for ties.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from analyzers.trends.bins import BINS, EDGES
from tracer.arrays import F64, I64

_TAIL: Final = 0.025
"""On each side of a 95 % interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Share of allocations still alive by age.

    ``alive``: float64 (BINS,), the share that outlives each bin of :mod:`analyzers.trends.bins`. ``deaths``: freed
    allocations. ``longest_ns``: upper edge of the last bin with a death, 0 where nothing was freed. ``plateau``: the
    share that lives on beyond it; ``plateau_interval``: its 95 % interval.
    """

    alive: F64
    deaths: int
    longest_ns: float
    plateau: float
    plateau_interval: tuple[float, float]

    def at(self, duration_ns: float) -> float:
        """Share still alive after so many nanoseconds; within a bin as at its beginning."""
        passed = int(np.searchsorted(EDGES[1:], duration_ns, side="right"))
        return float(self.alive[passed - 1]) if passed else 1.0

    def quantile(self, q: float) -> float:
        """Nanoseconds (an upper edge of a bin) within which a share ``q`` ends; infinite where that many never do."""
        reached = np.flatnonzero(self.alive <= 1.0 - q)
        return float(EDGES[reached[0] + 1]) if len(reached) else math.inf


def survival(lifetimes: I64, ages_ns: I64) -> Survival:
    """From ``lifetimes`` (int64 (BINS,), freed allocations by how long they lived) and ages of outstanding ones."""
    bins = np.clip(np.searchsorted(EDGES, ages_ns, side="right") - 1, 0, BINS - 1)
    censored = np.bincount(bins, minlength=BINS)
    at_risk = np.cumsum((lifetimes + censored)[::-1])[::-1].astype(np.float64)
    share = lifetimes / np.maximum(at_risk, 1.0)
    alive = np.cumprod(1.0 - share, dtype=np.float64)
    with_death = np.flatnonzero(lifetimes)
    plateau = float(alive[-1])
    return Survival(
        alive=alive,
        deaths=int(lifetimes.sum()),
        longest_ns=float(EDGES[with_death[-1] + 1]) if len(with_death) else 0.0,
        plateau=plateau,
        plateau_interval=_interval(plateau, lifetimes.astype(np.float64), at_risk),
    )


def _interval(plateau: float, deaths: F64, at_risk: F64) -> tuple[float, float]:
    """The log(−log) interval; where all or none ended, the exact one for a share of 0 or 1 (Clopper–Pearson)."""
    if at_risk[0] == 0:
        return 0.0, 1.0
    bound = _TAIL ** (1.0 / float(at_risk[0]))
    if plateau >= 1.0:
        return bound, 1.0
    if plateau <= 0.0:
        return 0.0, 1.0 - bound
    some = deaths > 0
    greenwood = float(np.sum(deaths[some] / (at_risk[some] * (at_risk[some] - deaths[some]))))
    width = NormalDist().inv_cdf(1.0 - _TAIL) * math.sqrt(greenwood) / abs(math.log(plateau))
    return plateau ** math.exp(width), plateau ** math.exp(-width)
