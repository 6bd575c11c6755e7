"""The birth pattern of a leak: whether survivors have been allocated all along, up to the end.

A leak goes on as long as its code runs. A warm-up or a cache leaves survivors behind too, but then stops doing so
while its code runs on; a burst leaves them in one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from math import exp
from typing import Final

import numpy as np

from analyzers.policy import COURSE
from analyzers.trends.arrivals import Runs, is_burst, levels_off, may_go_on
from analyzers.trends.history import GroupHistory
from tracer.arrays import I64
from tracer.data_classes import dataclass

_SMALLEST: Final = 1e-9
"""Of the whole time: what is born with the first has no age."""


class BirthPattern(Enum):
    """How survivors came to be."""

    CONTINUES = auto()
    ENDED = auto()  # with its activity, late enough to have been a leak
    TOO_FEW = auto()
    BURST = auto()
    LEVELLED_OFF = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a trace covers, from ``start`` to ``end``: nanoseconds since its start.

    ``drained_ns``: of the drain at its end, in which allocations do not count.
    """

    start: int
    end: int
    drained_ns: int = 0

    @property
    def until(self) -> int:
        """Until when survivors could be born."""
        return self.end - self.drained_ns

    @property
    def counted_until(self) -> int | None:
        """Where histories end that leave the drain out; ``None`` for none."""
        return self.until if self.drained_ns else None

    @property
    def length(self) -> int:
        """In nanoseconds, at least 1."""
        return max(self.end - self.start, 1)


def birth_patterns(
    births: Sequence[I64], start_ns: int, ends_ns: Sequence[int], histories: Sequence[GroupHistory]
) -> list[BirthPattern]:
    """Judge the birth times of several groups' survivors (int64, ascending); ``histories``: of the whole groups.

    They could be born from ``start_ns`` until ``ends_ns``, by group.
    """
    found = [BirthPattern.TOO_FEW] * len(births)
    enough = [number for number, each in enumerate(births) if len(each) >= COURSE.fewest]
    if not enough:
        return found
    runs = Runs.of([births[number] for number in enough])
    ends = np.array([ends_ns[number] for number in enough], np.int64)
    lengths = np.maximum(ends - start_ns, 1)
    columns = is_burst(runs, start_ns, lengths), levels_off(runs), may_go_on(runs, lengths, ends - runs.last)
    for number, burst, slows, goes_on in zip(enough, *(each.tolist() for each in columns), strict=True):
        if burst:
            found[number] = BirthPattern.BURST
        elif slows:
            found[number] = BirthPattern.LEVELLED_OFF
        elif goes_on:
            found[number] = BirthPattern.CONTINUES
        else:
            found[number] = _after_pause(births[number], Span(start_ns, ends_ns[number]), histories[number])
    return found


def _after_pause(births: I64, span: Span, history: GroupHistory) -> BirthPattern:
    first, last = int(births[0]), int(births[-1])
    pause = span.end - last
    before, after = _made(history, last, span.end)
    if after and exp(-len(births) / max(before, 1) * after) < COURSE.stopped:
        return BirthPattern.LEVELLED_OFF
    if pause > COURSE.ended_early * span.length:
        return BirthPattern.LEVELLED_OFF
    return BirthPattern.ENDED if exp(-len(births) * pause / (last - first)) < COURSE.stopped else BirthPattern.CONTINUES


def increasingly_rare(births: I64, end: int) -> bool:
    """Whether births (int64, ascending) fall off as those of a pool of free blocks, made only when none is left."""
    age = (births[1:] - births[0]) / max(end - int(births[0]), 1)
    later = age[age > 2.0**-COURSE.doublings]
    return (
        float(np.mean(-np.log(np.maximum(age, _SMALLEST)))) >= COURSE.rarer
        and float(np.mean(age > (COURSE.last_part - 1) / COURSE.last_part)) <= COURSE.rarer_last
        and float(np.count_nonzero(later > 1 / 2)) <= COURSE.rarer_half * len(later)
    )


def _made(history: GroupHistory, last: int, end: int) -> tuple[int, int]:
    """Allocations up to the step of the last survivor, and in the steps from there to the end."""
    made, at = history.allocations, history.step_at(last) + 1
    return int(made[:at].sum()), int(made[at : max(history.step_at(end), at)].sum())
