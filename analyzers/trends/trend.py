"""Whether a group's outstanding memory grows, up to the end of the trace (``docs/trends.md``)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.trends.history import GroupHistory
from analyzers.trends.rank_tests import Slope, Trend, mann_kendall, theil_sen
from analyzers.trends.settled import settled_steps

__all__ = ["Growth", "Slope", "Trend", "growth", "mann_kendall", "theil_sen"]

_HOUR_NS: Final = 3.6e12
_Z95: Final = NormalDist().inv_cdf(0.975)
_CHANCE: Final = 0.005
"""What is less likely than this in a steady leak says that it is none."""
_TOO_LOW: Final = NormalDist().inv_cdf(_CHANCE)
_FEWEST_OCCASIONS: Final = 5
"""Rises at different times below which growth is a few bursts; they are a tenth of its duration apart."""
_SHORTEST: Final = 0.2
"""Share of the trace below which growth up to the end may be a burst."""
_SETTLED: Final = 0.4
"""Share of the trace that must be older than what is still freed: from less, a warm-up looks like a leak."""
_SLOWING: Final = 0.2
"""Share of the growth in the last third of its time (even growth: a third) below which it may be levelling off."""
_EARLY_END: Final = 0.15
"""Share of the trace for which growth may have paused at its end: a program under test often ends a little before."""
_BURST: Final = 3
"""A step counts for no more than so many times the median, so that one burst does not hide what goes on beside it."""
_SPEEDING_UP: Final = 2.0
"""A leak that begins later shows as a rate that is so many times what it was before."""
_WINDOWS: Final = (4, 16)
_SHARP: Final = 0.4
"""Share of the highest level by which a trim lowers it within two steps."""
_LEAST_PEAK: Final = 8
"""Allocations below which nothing can be said of trims."""
_BEYOND_CHANCE: Final = 4.0
"""A trim is so many times the square root of the peak, the scatter of a level that comes and goes by chance."""
_TAIL: Final = 6
"""The last sixth of the trace tells whether the level has stopped rising."""
_STILL: Final = 0.3
"""It has stopped where it rises less than this share of what an even rise would have brought."""


@dataclass(frozen=True, slots=True)
class Growth:
    """``rising``: steadily, up to the end of the trace, and not taken back by frees.

    ``levelled_off``: it rose and stopped. ``sawtooth``: it is trimmed and rises again. ``from_ns``: where the growth
    begins. ``bytes_per_hour`` (Theil–Sen) from there on, with its 95 % ``interval``. ``p``: Mann–Kendall's, two-sided,
    of the floor by windows. ``windows_risen``: share of the windows in which it rose. ``last_third``: share of the
    growth in the last third of its time, bursts cut down.
    """

    rising: bool
    levelled_off: bool
    sawtooth: bool
    from_ns: int
    bytes_per_hour: float
    interval: tuple[float, float]
    p: float
    windows_risen: float
    last_third: float


def growth(history: GroupHistory) -> Growth:
    """Judge the history of a group."""
    settled = settled_steps(history)
    onset = _onset(history.survivors, settled)
    rising = onset is not None
    sawtooth = not rising and _is_sawtooth(history)
    start = onset if onset is not None else _first_rise(history.survivors)
    part = history.survivors[start : settled if settled > start else None]
    edges = _windows(part) + start
    floor = np.concatenate([[0], np.cumsum(history.survivor_bytes)])[edges]
    rate, interval = _rate(edges.astype(np.float64) * history.step_ns, floor)
    return Growth(
        rising=rising,
        levelled_off=not rising and not sawtooth and _has_levelled_off(history),
        sawtooth=sawtooth,
        from_ns=history.start_ns + start * history.step_ns,
        bytes_per_hour=rate,
        interval=interval,
        p=mann_kendall(floor).p,
        windows_risen=float(np.mean(np.diff(floor) > 0)) if len(floor) > 1 else 0.0,
        last_third=_last_third(_without_bursts(part)),
    )


def _first_rise(survivors: npt.NDArray[np.int64]) -> int:
    rises = np.flatnonzero(survivors)
    return int(rises[0]) if len(rises) else 0


def _onset(survivors: npt.NDArray[np.int64], settled: int) -> int | None:
    """Step at which growth that goes on to the end begins; ``None`` where there is no such growth.

    It is the first rise, or a later one from which on the rate is a multiple of what it was before; rather one without
    an odd pause after it, which parts a warm-up from a leak that begins later.
    """
    used = len(survivors)
    if settled < _SETTLED * used:
        return None
    weights = _without_bursts(survivors)
    rises = np.flatnonzero(weights[:settled])
    if len(rises) < _FEWEST_OCCASIONS:
        return None
    before = np.concatenate([[0.0], np.cumsum(weights[:settled])])
    rate_before = before[rises] / np.maximum(rises, 1)
    rate_after = (before[-1] - before[rises]) / (settled - rises)
    starts = rises[(rate_after >= _SPEEDING_UP * rate_before) | (rises == rises[0])]
    going_on = [int(at) for at in starts if _goes_on(weights[at:settled], weights[settled:], used)]
    return next((at for at in going_on if not _has_odd_pause(weights[at:settled])), going_on[0] if going_on else None)


def _goes_on(part: npt.NDArray[np.float64], young: npt.NDArray[np.float64], used: int) -> bool:
    """Whether growth (weights by step, beginning with a rise) is steady and has not ended.

    ``young``: what came after it and is not settled, so that there may be more of it, but not less.
    """
    last = int(np.flatnonzero(part)[-1])
    paused = len(part) + len(young) - last - 1
    lasts = paused <= _EARLY_END * used
    active = part[: last + 1] if lasts else part
    return (
        len(part) + len(young) >= _SHORTEST * used
        and _occasions(active) >= _FEWEST_OCCASIONS
        and (lasts or (_chance_of_the_last_pause(part) >= _CHANCE and _deviation(part, young) >= _TOO_LOW))
        and not (_last_third(active) < _SLOWING and mann_kendall(active).z < _TOO_LOW)
    )


def _without_bursts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    some = np.sort(counts[counts > 0])
    if not len(some):
        return np.zeros(len(counts))
    median = float(some[(len(some) - 1) // 2] + some[len(some) // 2]) / 2  # np.median takes ten times as long on a few
    return np.clip(counts.astype(np.float64), 0, _BURST * median)


def _occasions(part: npt.NDArray[np.float64]) -> int:
    """Rises that are at least a tenth of the time apart, taken greedily."""
    apart, count, next_at = len(part) / 10, 0, 0.0
    for at in np.flatnonzero(part).tolist():
        if at >= next_at:
            count, next_at = count + 1, at + apart
    return count


def _chance_of_the_last_pause(part: npt.NDArray[np.float64]) -> float:
    """Chance of as many steps without a rise at the end."""
    rises = np.flatnonzero(part)
    return _chance_of(len(part) - 1 - int(rises[-1]), part)


def _has_odd_pause(part: npt.NDArray[np.float64]) -> bool:
    """Whether there is a stretch without a rise between others that is longer than chance gives."""
    pauses = np.diff(np.flatnonzero(part)) - 1
    return len(pauses) * _chance_of(int(pauses.max()), part) < _CHANCE


def _chance_of(pause: int, part: npt.NDArray[np.float64]) -> float:
    """Chance that certain steps have no rise, were all but the first rise spread over the other steps by chance."""
    steps, others = len(part) - 1, int(np.count_nonzero(part)) - 1
    return math.comb(steps - pause, others) / math.comb(steps, others)


def _last_third(part: npt.NDArray[np.float64]) -> float:
    total = float(part.sum())
    return float(part[len(part) - len(part) // 3 :].sum()) / total if total else 0.0


def _deviation(part: npt.NDArray[np.float64], young: npt.NDArray[np.float64]) -> float:
    """By how many standard deviations the young ones differ from what the rate before leads to expect."""
    expected = float(part.mean()) * len(young)
    spread = float(part.var()) * len(young) * (1 + len(young) / len(part))
    return (float(young.sum()) - expected) / math.sqrt(spread) if spread > 0 else 0.0


def _windows(part: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Edges of windows: as many as there are rises, so that most windows have one."""
    fewest, most = _WINDOWS
    count = min(max(int(np.count_nonzero(part)), fewest), most, max(len(part), 1))
    return np.unique(np.linspace(0, len(part), count + 1).round().astype(np.int64))


def _rate(times_ns: npt.NDArray[np.float64], floor: npt.NDArray[np.int64]) -> tuple[float, tuple[float, float]]:
    """Bytes per hour and their interval.

    Sen's interval is too narrow for a floor, which carries its past along; so it is widened to that of the mean rise of
    a window.
    """
    slope = theil_sen(times_ns, floor)
    rises = np.diff(floor) / np.diff(times_ns)
    low, high = slope.low, slope.high
    if len(rises) > 1:
        width = _student(len(rises) - 1) * float(rises.std(ddof=1)) / math.sqrt(len(rises))
        low, high = min(low, float(rises.mean()) - width), max(high, float(rises.mean()) + width)
    return slope.per_ns * _HOUR_NS, (low * _HOUR_NS, high * _HOUR_NS)


def _student(freedom: int) -> float:
    """97.5 % point of Student's t by its expansion in 1/freedom (Abramowitz & Stegun 26.7.5)."""
    z = _Z95
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _is_sawtooth(history: GroupHistory) -> bool:
    """Two sharp trims, or one after which it rises again."""
    level = np.cumsum(history.allocations - history.frees)
    peak = int(level.max(initial=0))
    if peak < _LEAST_PEAK or len(level) < 4:
        return False
    sharp = max(_SHARP * peak, _BEYOND_CHANCE * math.sqrt(peak))
    drops = np.flatnonzero(level[:-2] - level[2:] >= sharp)
    if not len(drops):
        return False
    trims = 1 + int(np.count_nonzero(np.diff(drops) > 2))
    return trims > 1 or int(level[-1]) >= _SHARP * peak


def _has_levelled_off(history: GroupHistory) -> bool:
    """Whether the level rises much less in the last part than an even rise would, chance in the churn allowed for."""
    made, freed = history.allocations, history.frees
    level = np.cumsum(made - freed)
    tail = max(len(level) // _TAIL, 1)
    if len(level) < 2 * _TAIL or level[-1] <= 0:
        return False
    first = int(np.flatnonzero(made)[0])
    even = float(level[-1]) * tail / max(len(level) - first, tail)
    churn = 2.0 * min(int(made[-tail:].sum()), int(freed[-tail:].sum()))
    return float(level[-1] - level[-1 - tail]) <= _STILL * even + 2.0 * math.sqrt(churn)
