"""The course of a leak: whether survivors have been born all along, up to the end.

A leak goes on as long as its code runs. A warm-up or a cache leaves survivors behind too, but then stops doing so
while its code runs on; a burst leaves them in one moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import exp
from typing import Final

import numpy as np

from analyzers.pool_tables import I64
from analyzers.trends.history import GroupHistory

FEWEST: Final = 12
"""Survivors below which no course can be told: so many exclude, at 97 %, that a doubling of the age frees a quarter."""
_SHORTEST: Final = 0.1
"""Survivors born within a smaller share of the trace are a burst."""
_FEWEST_MOMENTS: Final = 5
_MOMENTS: Final = 64
"""They must come from as many of 64 equal parts of the trace, else it was a few bursts."""
_STOPPED: Final = 0.01
"""Chance below which it is no accident that none was born since."""
_PAUSE: Final = 2.0
"""A leak by fits and starts pauses: only a pause longer than twice its longest one is an end."""
_LONG_PAUSE: Final = 0.15
"""And only a pause of this share of the trace: a program under test often ends a little before the trace does."""
_ENDED_EARLY: Final = 0.4
"""An activity that ended may have been a leak's; one that ended in the first part of the trace was a start-up's."""
_SLOWING: Final = 0.12
"""Share of the survivors in the last third of their time below which their number levels off (even births: a third)."""

_SELDOM: Final = 1.6
"""Mean of log(whole time / time of birth) from which births become ever more seldom: 1 at an even rate, 1.2 at one that
swings by half, 2 at one that falls as 1/time by a factor of 50."""
_SELDOM_LAST: Final = 0.18
"""And the last third of their time has but this share of them."""
_SELDOM_HALF: Final = 0.46
"""And of those in the last three doublings of their time, the last doubling has this share: a third where they fall off
as 1/time, 4/7 where they go on evenly after a start with many."""

_THREE_DOUBLINGS: Final = 1 / 8
_SMALLEST: Final = 1e-9
"""Of the whole time: what is born with the first has no age."""


class Course(Enum):
    """How survivors came to be."""

    CONTINUES = auto()
    ENDED = auto()  # with its activity, late enough to have been a leak
    TOO_FEW = auto()
    BURST = auto()
    LEVELLED_OFF = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """The time in which survivors could be born: nanoseconds since the trace's start."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """In nanoseconds, at least 1."""
        return max(self.end - self.start, 1)


def course(births: I64, span: Span, history: GroupHistory) -> Course:
    """Judge the birth times of survivors (int64, ascending); ``history``: of the whole group."""
    if len(births) < FEWEST:
        return Course.TOO_FEW
    first, last = int(births[0]), int(births[-1])
    moments = len(np.unique((births - span.start) * _MOMENTS // span.length))
    if last - first < _SHORTEST * span.length or moments < _FEWEST_MOMENTS:
        return Course.BURST
    in_last_third = np.count_nonzero(births > last - (last - first) // 3)
    if in_last_third < _SLOWING * len(births):
        return Course.LEVELLED_OFF
    pause = span.end - last
    if pause <= max(_PAUSE * int(np.diff(births).max()), _LONG_PAUSE * span.length):
        return Course.CONTINUES
    before, after = _made(history, last, span.end)
    if after and exp(-len(births) / max(before, 1) * after) < _STOPPED:
        return Course.LEVELLED_OFF
    if pause > _ENDED_EARLY * span.length:
        return Course.LEVELLED_OFF
    return Course.ENDED if exp(-len(births) * pause / (last - first)) < _STOPPED else Course.CONTINUES


def ever_more_seldom(births: I64, end: int) -> bool:
    """Whether births (int64, ascending) fall off as those of a pool of free blocks, made only when none is left."""
    age = (births[1:] - births[0]) / max(end - int(births[0]), 1)
    later = age[age > _THREE_DOUBLINGS]
    return (
        float(np.mean(-np.log(np.maximum(age, _SMALLEST)))) >= _SELDOM
        and float(np.mean(age > 2 / 3)) <= _SELDOM_LAST
        and float(np.count_nonzero(later > 1 / 2)) <= _SELDOM_HALF * len(later)
    )


def _made(history: GroupHistory, last: int, end: int) -> tuple[int, int]:
    """Allocations up to the step of the last survivor, and in the steps from there to the end."""
    made, at = history.allocations, history.step_at(last) + 1
    return int(made[:at].sum()), int(made[at : max(history.step_at(end), at)].sum())
