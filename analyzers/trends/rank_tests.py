"""Two tests that ask nothing of a distribution: Mann–Kendall for a trend, Theil–Sen for its slope.

Mann 1945 and Kendall 1975 with the variance for ties; Theil 1950 and Sen 1968 with Sen's interval. Both take their
values for independent: give them changes, not sums that carry their past along. Both look at every two values, so the
memory they take grows with the square of the number.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tracer.arrays import F64, I64, Rows
from tracer.data_classes import dataclass

Values = npt.NDArray[np.integer[Any] | np.floating[Any]]

Z95: Final = 1.9599639845400536
"""Standard deviations on either side of the mean between which 95 % of a normal distribution lie."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """A :class:`Slope` a row: float64 columns."""

    per_ns: F64
    low: F64
    high: F64


def mann_kendall(values: Values) -> Trend:
    """Whether values in the order of time tend to rise (``s`` > 0) or to fall."""
    return mann_kendalls(values[np.newaxis])[0]


def mann_kendalls(values: Values) -> list[Trend]:
    """:func:`mann_kendall` of each row."""
    first, second = _pairs(values.shape[1])
    rises = np.sign(values[:, second].astype(np.float64) - values[:, first].astype(np.float64)).sum(axis=1)
    return [_trend(int(s), variance) for s, variance in zip(rises.tolist(), _variances(values).tolist(), strict=True)]


def _trend(s: int, variance: float) -> Trend:
    if variance == 0.0:
        return Trend(s, 0.0, 1.0)
    z = (s - math.copysign(1, s)) / math.sqrt(variance) if s else 0.0
    return Trend(s, z, math.erfc(abs(z) / math.sqrt(2.0)))


def theil_sen(times_ns: Values, values: Values) -> Slope:
    """The slope of values over times (both one-dimensional, of one length); zero where there are fewer than two."""
    found = theil_sens(times_ns[np.newaxis], values[np.newaxis])
    return Slope(float(found.per_ns[0]), float(found.low[0]), float(found.high[0]))


def theil_sens(times_ns: Values, values: Values) -> Slopes:
    """:func:`theil_sen` of each row; pairs of values of one time are left out."""
    first, second = _pairs(values.shape[1])
    apart = times_ns[:, second].astype(np.float64) - times_ns[:, first].astype(np.float64)
    rise = values[:, second].astype(np.float64) - values[:, first].astype(np.float64)
    slopes = np.full(apart.shape, np.inf)  # pairs to leave out come last
    np.divide(rise, apart, out=slopes, where=apart != 0)
    slopes.sort(axis=1)
    pairs = np.count_nonzero(apart, axis=1)
    half = Z95 * np.sqrt(_variances(values)) / 2.0
    last = np.maximum(pairs - 1, 0)
    middle = _at(slopes, last // 2, pairs), _at(slopes, np.minimum(pairs // 2, last), pairs)
    return Slopes(
        (middle[0] + middle[1]) / 2.0,
        _at(slopes, np.clip(np.floor(pairs / 2.0 - half).astype(np.int64), 0, last), pairs),
        _at(slopes, np.clip(np.ceil(pairs / 2.0 + half).astype(np.int64), 0, last), pairs),
    )


def _at(slopes: F64, place: I64, pairs: I64) -> F64:
    """The value at a place of each row; zero in rows without a pair."""
    if not slopes.shape[1]:
        return np.zeros(len(slopes))
    return np.where(pairs > 0, np.take_along_axis(slopes, place[:, np.newaxis], axis=1)[:, 0], 0.0)


@lru_cache(maxsize=32)
def _pairs(n: int) -> tuple[Rows, Rows]:
    """Every two of ``n`` places, the earlier one first: groups of allocations share their windows of time."""
    return np.triu_indices(n, 1)


def _variances(values: Values) -> F64:
    """Of Kendall's S, less for ties: by row."""
    n = values.shape[1]
    alike = np.count_nonzero(values[:, :, np.newaxis] == values[:, np.newaxis, :], axis=2)
    ties = ((alike - 1) * (2 * alike + 5)).sum(axis=1)  # summed over the values of a tie: t (t - 1) (2 t + 5)
    variances: F64 = (n * (n - 1) * (2 * n + 5) - ties) / 18.0
    return variances
