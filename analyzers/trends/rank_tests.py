"""Two tests that ask nothing of a distribution: Mann–Kendall for a trend, Theil–Sen for its slope.

Mann 1945 and Kendall 1975 with the variance for ties; Theil 1950 and Sen 1968 with Sen's interval. Both take their
values for independent: give them changes, not sums that carry their past along.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.integer[Any] | np.floating[Any]]

_NORMAL: Final = NormalDist()
_Z95: Final = _NORMAL.inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Trend:
    """Mann–Kendall: ``s`` more pairs rise than fall, ``z`` its normal deviate, ``p`` two-sided."""

    s: int
    z: float
    p: float


@dataclass(frozen=True, slots=True)
class Slope:
    """Theil–Sen: median change per nanosecond and its 95 % interval."""

    per_ns: float
    low: float
    high: float


def mann_kendall(values: Values) -> Trend:
    """Whether values in the order of time tend to rise (``s`` > 0) or to fall."""
    n = len(values)
    first, second = _pairs(n)
    s = int(np.sign(values[second].astype(np.float64) - values[first].astype(np.float64)).sum())
    variance = _variance(values)
    if variance == 0.0:
        return Trend(s, 0.0, 1.0)
    z = (s - math.copysign(1, s)) / math.sqrt(variance) if s else 0.0
    return Trend(s, z, 2.0 * _NORMAL.cdf(-abs(z)))


def theil_sen(times_ns: Values, values: Values) -> Slope:
    """The slope of values over times (both one-dimensional, of one length); zero where there are fewer than two."""
    first, second = _pairs(len(values))
    apart = times_ns[second].astype(np.float64) - times_ns[first].astype(np.float64)
    rise = values[second].astype(np.float64) - values[first].astype(np.float64)
    slopes = np.sort(rise[apart != 0] / apart[apart != 0])
    pairs = len(slopes)
    if not pairs:
        return Slope(0.0, 0.0, 0.0)
    half = _Z95 * math.sqrt(_variance(values)) / 2.0
    low, high = math.floor(pairs / 2.0 - half), math.ceil(pairs / 2.0 + half)
    return Slope(float(np.median(slopes)), float(slopes[max(low, 0)]), float(slopes[min(high, pairs - 1)]))


@lru_cache(maxsize=32)
def _pairs(n: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Every two of ``n`` places, the earlier one first: groups of allocations share their windows of time."""
    return np.triu_indices(n, 1)


def _variance(values: Values) -> float:
    """Of Kendall's S, less for ties."""
    n = len(values)
    ties = Counter(values.tolist()).values()
    return (n * (n - 1) * (2 * n + 5) - sum(tie * (tie - 1) * (2 * tie + 5) for tie in ties if tie > 1)) / 18.0
