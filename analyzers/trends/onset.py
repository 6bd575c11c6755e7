"""Where growth that goes on to the end begins (``docs/trends.md``)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np

from analyzers.policy import COURSE, LIFETIMES, RISE
from analyzers.trends.bursts import last_third, without_bursts
from analyzers.trends.rank_tests import mann_kendall
from tracer.arrays import F64, I64, Mask
from tracer.data_classes import dataclass

NO_ONSET: Final = -1
TOO_LOW: Final = -2.5758293035489
"""Standard deviations below the expected, in a steady leak no accident any more: ``RISE.chance`` of a normal
distribution lies below (the standard library's ``statistics``, which tells it, takes 4 ms to import)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Starts:
    """Where growth may begin. ``group``, ``at``: int64, in order; ``weights``: of the group's steps.

    ``settled``: the step before which they are; later ones are young: there may be more of them, but not fewer.
    """

    group: I64
    at: I64
    weights: F64
    settled: I64

    @classmethod
    def of(cls, survivors: I64, settled: I64) -> _Starts:
        """First rises, and later ones from which on the rate is a multiple of what it was before."""
        weights, steps = without_bursts(survivors), np.arange(survivors.shape[1])
        old = np.where(steps < settled[:, np.newaxis], weights, 0.0)
        rises = old > 0
        before = np.cumsum(old, axis=1) - old
        rate_before = before / np.maximum(steps, 1)
        rate_after = (old.sum(axis=1, keepdims=True) - before) / np.maximum(settled[:, np.newaxis] - steps, 1)
        first = steps == rises.argmax(axis=1)[:, np.newaxis]
        enough = (settled >= (1 - LIFETIMES.observable) * len(steps)) & (
            np.count_nonzero(rises, axis=1) >= COURSE.fewest_occasions
        )
        group, at = np.nonzero(rises & (first | (rate_after >= RISE.speeding_up * rate_before)) & enough[:, np.newaxis])
        return cls(group, at, weights[group], settled[group])

    def only(self, rows: Mask) -> _Starts:
        """The marked ones."""
        return _Starts(self.group[rows], self.at[rows], self.weights[rows], self.settled[rows])

    @property
    def part(self) -> Mask:
        """By start: the settled steps from it on."""
        steps = np.arange(self.weights.shape[1])
        return (steps >= self.at[:, np.newaxis]) & (steps < self.settled[:, np.newaxis])

    def chance(self, pause: I64) -> F64:
        """By start: that certain steps have no rise, were all behind it spread by chance."""
        rises = np.count_nonzero(self.part & (self.weights > 0), axis=1) - 1
        columns = pause.tolist(), (self.settled - self.at - 1).tolist(), rises.tolist()
        return np.array(list(map(_chance_of, *columns)), np.float64)


def onsets(survivors: I64, settled: I64) -> I64:
    """By group: step at which growth that goes on to the end begins; :data:`NO_ONSET` where there is no such growth.

    ``survivors``: by group and step; ``settled``: steps from the first one on whose survivors will stay. It is the
    first rise, or a later one from which on the rate is a multiple of what it was before; rather one without an odd
    pause after it, which parts a warm-up from a leak that begins later.
    """
    starts = _Starts.of(survivors, settled)
    starts = starts.only(_go_on(starts))
    result = np.full(len(survivors), NO_ONSET, np.int64)
    steady = ~_has_odd_pause(starts)
    for rows in (np.flatnonzero(~steady), np.flatnonzero(steady)):
        result[starts.group[rows[::-1]]] = starts.at[rows[::-1]]  # the first of a group is written last
    return result


def _go_on(starts: _Starts) -> Mask:
    """Whether growth from each start is steady and has not ended."""
    used = starts.weights.shape[1]
    rises = (starts.weights > 0) & starts.part
    last = used - 1 - rises[:, ::-1].argmax(axis=1)
    lasts = used - 1 - last <= COURSE.long_pause * used
    active_end = np.where(lasts, last + 1, starts.settled)
    fits = (used - starts.at >= COURSE.shortest * used) & _has_occasions(rises, starts.at, active_end)
    slows = last_third(starts.weights, starts.at, active_end) < COURSE.slowing
    fits[fits & ~lasts] = _may_go_on(starts.only(fits & ~lasts), last[fits & ~lasts])
    for row in np.flatnonzero(fits & slows).tolist():
        active = starts.weights[row, starts.at[row] : active_end[row]]
        fits[row] = mann_kendall(active).z >= TOO_LOW
    return np.asarray(fits, np.bool_)


def _has_occasions(rises: Mask, at: I64, end: I64) -> Mask:
    """Whether there are enough rises that are at least a tenth of the time apart, taken greedily."""
    since = np.arange(rises.shape[1]) - at[:, np.newaxis]
    apart, next_at, found = (end - at) / COURSE.apart, np.zeros(len(at)), np.ones(len(at), np.bool_)
    for _ in range(COURSE.fewest_occasions):
        left = rises & (since >= next_at[:, np.newaxis])
        found &= left.any(axis=1)
        next_at = left.argmax(axis=1) - at + apart
    return found


def _may_go_on(starts: _Starts, last: I64) -> Mask:
    """Whether a pause after the ``last`` rise to the end of the settled steps may be chance; the young speak for it."""
    may = starts.chance(starts.settled - 1 - last) >= RISE.chance
    if may.any():
        may &= _deviation(starts) >= TOO_LOW
    return np.asarray(may, np.bool_)


def _has_odd_pause(starts: _Starts) -> Mask:
    """Whether there is a stretch without a rise between others that is longer than chance gives."""
    rises, steps = starts.part & (starts.weights > 0), np.arange(starts.weights.shape[1])
    latest = np.maximum.accumulate(np.where(rises, steps, starts.at[:, np.newaxis]), axis=1)  # a start is a rise
    longest = np.where(rises[:, 1:], steps[:-1] - latest[:, :-1], 0).max(axis=1, initial=0)
    return np.asarray((np.count_nonzero(rises, axis=1) - 1) * starts.chance(longest) < RISE.chance)


@lru_cache(maxsize=1 << 12)
def _chance_of(pause: int, steps: int, rises: int) -> float:
    """Chance that certain steps have no rise, were ``rises`` spread over all ``steps`` by chance."""
    return math.comb(steps - pause, rises) / math.comb(steps, rises)


def _deviation(starts: _Starts) -> F64:
    """By how many standard deviations the young ones differ from what the rate before leads to expect."""
    part, weights, settled = starts.part, starts.weights, starts.settled
    length, used = settled - starts.at, weights.shape[1]
    mean = np.where(part, weights, 0.0).sum(axis=1) / length
    variance = np.where(part, (weights - mean[:, np.newaxis]) ** 2, 0.0).sum(axis=1) / length
    young, count = np.where(np.arange(used) >= settled[:, np.newaxis], weights, 0.0).sum(axis=1), used - settled
    spread = variance * count * (1 + count / length)
    more = young - mean * count
    deviations: F64 = np.divide(more, np.sqrt(spread), out=np.zeros(len(more)), where=spread > 0)
    return deviations
