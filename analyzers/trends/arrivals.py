"""Whether things keep coming, up to the end: what grows for good does, a burst or a start-up does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.policy import COURSE
from tracer.arrays import I64, Mask
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Several runs of ascending times, none empty: int64, one run after another, and where each begins."""

    times: I64
    begin: I64

    @classmethod
    def of(cls, runs: Sequence[I64]) -> Runs:
        """One at least."""
        return cls(np.concatenate(runs), np.cumsum([0, *map(len, runs[:-1])], dtype=np.int64))

    @property
    def lengths(self) -> I64:
        """Times in each run."""
        return np.asarray(np.diff(self.begin, append=len(self.times)))

    @property
    def first(self) -> I64:
        """The first time of each run."""
        return self.times[self.begin]

    @property
    def last(self) -> I64:
        """The last time of each run."""
        return np.asarray(self.times[self.begin + self.lengths - 1])

    def each(self, values: I64) -> I64:
        """A value of each run for each of its times."""
        return np.repeat(values, self.lengths)

    def count(self, which: Mask) -> I64:
        """By run: how many of its times are marked."""
        return np.asarray(np.add.reduceat(which, self.begin, dtype=np.int64))


def is_burst(runs: Runs, start_ns: int, length_ns: I64) -> Mask:
    """By run: whether it lies in a small part of a trace (``length_ns``: int64, by run), or at a few moments of it."""
    moment = (runs.times - start_ns) * COURSE.moments // runs.each(length_ns)
    is_new = np.diff(moment, prepend=0) != 0
    is_new[runs.begin] = True
    few = runs.count(is_new) < COURSE.fewest_occasions
    return np.asarray(few | (runs.last - runs.first < COURSE.shortest * length_ns))


def levels_off(runs: Runs) -> Mask:
    """By run: whether hardly any of the times came in the last third of their time."""
    third = runs.last - (runs.last - runs.first) // COURSE.last_part
    return np.asarray(runs.count(runs.times > runs.each(third)) < COURSE.slowing * runs.lengths)


def may_go_on(runs: Runs, length_ns: I64, pause_ns: I64) -> Mask:
    """By run: whether a pause after the last time is like one before, or short."""
    pauses = np.diff(runs.times, prepend=0)
    pauses[runs.begin] = 0
    longest = np.maximum.reduceat(pauses, runs.begin)
    return np.asarray((pause_ns <= COURSE.long_pause * length_ns) | (pause_ns <= COURSE.pause * longest))


def came_at_once(times_ns: I64, start_ns: int, end_ns: int) -> bool:
    """Whether int64 times, in any order, are one burst of a trace."""
    runs, span = Runs.of([np.sort(times_ns)]), np.array([max(end_ns - start_ns, 1)])
    return len(times_ns) > 0 and bool(is_burst(runs, start_ns, span)[0])


def keep_coming(times_ns: I64, start_ns: int, end_ns: int) -> bool:
    """Judge int64 times, in any order, within a trace; ``end_ns``: until when one could have come."""
    if len(times_ns) < COURSE.fewest:
        return False
    runs, span = Runs.of([np.sort(times_ns)]), np.array([max(end_ns - start_ns, 1)])
    keeps = may_go_on(runs, span, end_ns - runs.last) & ~is_burst(runs, start_ns, span) & ~levels_off(runs)
    return bool(keeps[0])


def held_keep_coming(times_ns: I64, start_ns: int, at_ns: int, drained_ns: int = 0) -> bool:
    """Whether things held at ``at_ns`` keep coming; a pause up to then counts only where the last one came early.

    ``drained_ns``: of a drain up to then. It is enough that they came until it began, as all have stayed in it.
    """
    until_ns = at_ns - drained_ns
    if drained_ns and held_keep_coming(times_ns[times_ns <= until_ns], start_ns, until_ns):
        return True
    last = int(times_ns.max(initial=start_ns))
    return keep_coming(times_ns, start_ns, last if at_ns - last <= COURSE.ended_early * (at_ns - start_ns) else at_ns)
