"""How fast groups grow: the rate of the settled bytes over windows of time, and how sure it is."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.policy import RISE
from analyzers.trends.history import GroupHistories
from analyzers.trends.rank_tests import Z95, mann_kendalls, theil_sens
from tracer.arrays import F64, I64, unique
from tracer.data_classes import dataclass

_HOUR_NS: Final = 3.6e12


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """float64 by group: ``bytes_per_hour`` (Theil–Sen) with its 95 % interval from ``low`` to ``high``.

    ``p``: Mann–Kendall's, two-sided, of the bytes at the edges of windows. ``windows_risen``: share of the windows in
    which they rose.
    """

    bytes_per_hour: F64
    low: F64
    high: F64
    p: F64
    windows_risen: F64


def pace(histories: GroupHistories, rises: npt.NDArray[np.integer], start: I64, end: I64) -> Pace:
    """From the survivors' bytes by group, between ``start`` and ``end`` (steps, at least one).

    There are as many windows as there are ``rises``, steps with survivors between the two, so that most windows have
    one.
    """
    groups, used = histories.survivors.shape
    count = np.minimum(np.clip(rises, RISE.fewest_windows, RISE.most_windows), end - start)
    level = np.zeros((groups, used + 1), np.int64)
    np.cumsum(histories.survivor_bytes, axis=1, out=level[:, 1:])
    columns = np.empty((5, groups))
    for windows in unique(count).tolist():
        rows = np.flatnonzero(count == windows)
        edges = _edges(start[rows], end[rows], windows)
        floor = np.take_along_axis(level[rows], edges, axis=1)
        columns[:, rows] = _in_windows(edges.astype(np.float64) * histories.step_ns, floor)
    return Pace(*columns)


def _edges(start: I64, end: I64, windows: int) -> I64:
    """By group: the first step of each window, and the end of the last one."""
    length = end - start
    edges = np.arange(windows + 1) * (length / windows)[:, np.newaxis]
    edges[:, -1] = length
    return edges.round().astype(np.int64) + start[:, np.newaxis]


def _in_windows(times_ns: F64, floor: I64) -> F64:
    """The columns of a :class:`Pace` as rows.

    Sen's interval is too narrow for a floor, which carries its past along; so it is widened to that of the mean rise of
    a window.
    """
    slope = theil_sens(times_ns, floor)
    risen = np.diff(floor, axis=1)
    rises = risen / np.diff(times_ns, axis=1)
    low, high, windows = slope.low, slope.high, rises.shape[1]
    if windows > 1:
        width = _student(windows - 1) * rises.std(axis=1, ddof=1) / math.sqrt(windows)
        mean = rises.mean(axis=1)
        low, high = np.minimum(low, mean - width), np.maximum(high, mean + width)
    p = [trend.p for trend in mann_kendalls(floor)]
    share = np.mean(risen > 0, axis=1)
    return np.array([slope.per_ns * _HOUR_NS, low * _HOUR_NS, high * _HOUR_NS, p, share])


def _student(freedom: int) -> float:
    """97.5 % point of Student's t by its expansion in 1/freedom (Abramowitz & Stegun 26.7.5)."""
    z = Z95
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
