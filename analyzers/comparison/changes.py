"""Two traces, or several in a row: what is new, grown, gone or steady, and how sure that is.

An allocation that has outlived its kind counts as an event of its group. Of two traces the numbers of such events are
compared as two Poisson numbers are, given their sum (Przyborowski and Wilenski 1940), with fewer events where they came
in bursts (their variance over their mean, by slice of time: McCullagh and Nelder 1989, 9.2). What goes on growing is
compared per time and per allocation of the load, and has changed where it has by both; what has come to a level is
compared as it stands, as a longer trace has no more of it. Where a trace is too short to tell what survives from what
is only freed late, a group may be either, and has changed where it has by all three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from analyzers.comparison.builds import rebuilt
from analyzers.comparison.lifetimes import common_lifetimes
from analyzers.comparison.populations import NO_GROUP, SLICES, By, Group, Key, Population, population
from analyzers.policy import COMPARISON
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass

_EXACT: Final = 20_000
"""From so many events on the binomial distribution is taken for the normal one."""
_BY_STACK: Final = (By.DRIVER, By.SITE)
"""What only call stacks tell: a trace without any has none of it, which is no change."""
_HOUR_NS: Final = 3_600_000_000_000


class Change(StrEnum):
    """What became of a group."""

    NEW = "new"
    GROWN = "grown"
    GONE = "gone"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Amount:
    """Outstanding allocations."""

    count: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One group in the first and the last trace; ``series``: in each of them.

    ``per_hour``: how many more survivors, and bytes of them, an hour. ``confidence``: that the change is none of
    chance; for a steady one, how far from a change it is. ``less``: it is certain that it has become less.
    """

    by: By
    key: Key
    before: Amount
    after: Amount
    per_hour: Amount
    change: Change
    confidence: float
    less: bool
    series: tuple[Amount, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``differences``: by kind, those that changed first, the largest growth first; none where nothing can be told."""

    traces: tuple[Population, ...]
    differences: tuple[Difference, ...]

    @property
    def judged(self) -> bool:
        """Whether anything can be told: of the first and the last trace there are pool events."""
        return self.traces[0].has_pool and self.traces[-1].has_pool

    @property
    def changed(self) -> bool:
        """Whether anything is new, grown or gone, or has become less."""
        return any(each.change is not Change.STEADY or each.less for each in self.differences)


def compare(snapshots: Sequence[Snapshot]) -> Comparison:
    """Two traces or more, in the order of time: the last against the first. Raises ValueError for fewer."""
    if len(snapshots) < 2:
        raise ValueError("two traces at least")
    lifetimes, other_builds = common_lifetimes(snapshots), rebuilt(snapshots)
    traces = tuple(population(each, lifetimes, other_builds) for each in snapshots)
    if not (traces[0].has_pool and traces[-1].has_pool):
        return Comparison(traces, ())
    has_stacks = traces[0].has_stacks and traces[-1].has_stacks
    found: list[Difference] = []
    for by in By:
        if has_stacks or by not in _BY_STACK:
            found += sorted(_compared(by, traces), key=_order)
    return Comparison(traces, tuple(found))


def _order(difference: Difference) -> tuple[bool, bool, float]:
    return (difference.change is Change.STEADY, difference.change is Change.GONE, -difference.per_hour.bytes)


def _compared(by: By, traces: tuple[Population, ...]) -> list[Difference]:
    first, last = traces[0], traces[-1]
    keys = list(dict.fromkeys(key for trace in traces for key in trace.groups[by]))
    tested = [
        (key, *_tested(first, last, first.groups[by].get(key, NO_GROUP), last.groups[by].get(key, NO_GROUP)))
        for key in keys
    ]
    rank = {key: place for place, (key, chance, _) in enumerate(sorted(tested, key=lambda each: each[1]))}
    complete = all(trace.complete for trace in traces)
    return [
        _difference(by, key, min(1.0, chance * (len(keys) - rank[key])), traces, more=more, complete=complete)
        for key, chance, more in tested
    ]


def _difference(
    by: By, key: Key, chance: float, traces: tuple[Population, ...], *, more: bool, complete: bool
) -> Difference:
    """``chance``: that two runs of one load differ so much, all groups of the kind taken together."""
    groups = [trace.groups[by].get(key, NO_GROUP) for trace in traces]
    first, last = groups[0], groups[-1]
    is_sure = chance < COMPARISON.chance
    change, confidence = Change.STEADY, chance
    if is_sure:
        confidence = 1 - chance
        if more:
            change = Change.GROWN if first.count else Change.NEW
        elif not last.count:
            change = Change.GONE
    if by is By.VERDICT and bool(first.count) != bool(last.count):
        change = Change.NEW if last.count else Change.GONE
        confidence = (traces[-1] if last.count else traces[0]).sure[key]
        is_sure = True
    hours = [max(each, 1) / _HOUR_NS for each in _watched(traces[0], traces[-1], first, last)]
    per_hour = Amount(
        last.survivors / hours[1] - first.survivors / hours[0], last.kept_bytes / hours[1] - first.kept_bytes / hours[0]
    )
    less = is_sure and not more and change is not Change.GONE and by is not By.VERDICT
    series = tuple(Amount(each.count, each.bytes) for each in groups)
    sure = confidence if complete or change is Change.STEADY else confidence * COMPARISON.lossy
    return Difference(by, key, series[0], series[-1], per_hour, change, sure, less, series)


def _tested(first: Population, last: Population, before: Group, after: Group) -> tuple[float, bool]:
    """The chance of such a difference in two runs of one load, and whether there is more now."""
    as_it_stands = _chance(before, after, 0.5)
    if _is_level(before) and _is_level(after):
        return as_it_stands
    watched = _watched(first, last, before, after)
    by_time = _chance(before, after, watched[1] / sum(watched))
    traces = zip((first, last), watched, strict=True)
    load = [max(each.allocations, 1) * seen / each.duration_ns for each, seen in traces]
    by_load = _chance(before, after, load[1] / sum(load))
    all_ways = [by_time, by_load, *([as_it_stands] if _is_mortal(before) or _is_mortal(after) else [])]
    return max(all_ways) if len({more for _, more in all_ways}) == 1 else (1.0, by_time[1])


def _watched(first: Population, last: Population, before: Group, after: Group) -> tuple[float, float]:
    """Nanoseconds of each trace in which survivors could be born; where a trace has none, such as in the other."""
    shares = before.watched if before.count else after.watched, after.watched if after.count else before.watched
    return first.duration_ns * shares[0], last.duration_ns * shares[1]


def _is_mortal(group: Group) -> bool:
    """Whether some of what seems to survive will be freed."""
    return group.mortal > COMPARISON.mortal * group.survivors


def _is_level(group: Group) -> bool:
    return int(group.kept[SLICES // 2 :].sum()) <= COMPARISON.level * group.survivors


def _chance(before: Group, after: Group, share: float) -> tuple[float, bool]:
    """Two-sided; ``share``: of all events that the second trace should have."""
    bursts = max(_dispersion(before), _dispersion(after))
    was, found = int(before.survivors / bursts), int(after.survivors / bursts)
    more = found > share * (was + found)
    tail = _upper_tail(was + found, found, share) if more else _upper_tail(was + found, was, 1 - share)
    return min(1.0, 2 * tail), more


def _dispersion(group: Group) -> float:
    """Variance over mean of the numbers by slice, 1 at least: how many came at a time, so to speak.

    Of what has come to a level, up to the slice in which it did.
    """
    came = group.kept[: np.flatnonzero(group.kept)[-1] + 1] if _is_level(group) and group.survivors else group.kept
    if len(came) == 1:
        return float(came[0])
    return max(1.0, float(np.var(came, ddof=1)) / float(came.mean())) if group.survivors else 1.0


def _upper_tail(total: int, least: int, share: float) -> float:
    """The chance of ``least`` or more of ``total``, each with chance ``share``."""
    if total > _EXACT:
        spread = math.sqrt(total * share * (1 - share))
        return 0.5 * math.erfc((least - 0.5 - total * share) / (spread * math.sqrt(2)))
    number = np.arange(least, total + 1)
    logs = np.array([math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) for k in number])
    logs += number * math.log(share) + (total - number) * math.log1p(-share)
    return float(np.exp(logs).sum())
