"""The course of survivors: it goes on, has ended with its activity, or has levelled off while that went on."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.trends.bins import BINS
from analyzers.trends.history import GroupHistory
from analyzers.verdicts.birth_pattern import BirthPattern, birth_patterns, increasingly_rare

STEPS = 64
END = STEPS * 1_000_000


def made(before: int, after: int, last: float) -> GroupHistory:
    """A group with so many allocations up to its last survivor, at a share of the trace, and after it."""
    allocations, none = np.zeros(STEPS, np.int64), np.zeros(STEPS, np.int64)
    allocations[0], allocations[-1] = before, after
    assert last < 1 - 2 / STEPS
    return GroupHistory(allocations, none, none, none, none, np.zeros(BINS, np.int64), END // STEPS)


def births(count: int, last: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.linspace(0, last * END, count).astype(np.int64)


@pytest.mark.parametrize(("after", "how"), [(91, BirthPattern.ENDED), (93, BirthPattern.LEVELLED_OFF)])
def test_what_leaves_none_of_ninety_three_more_has_stopped_leaking(after: int, how: BirthPattern) -> None:
    """Of 1,000 before it kept 50: that it keeps none of 93 more happens once in a hundred times."""
    assert birth_patterns([births(50, 0.8)], 0, [END], [made(1_000, after, 0.8)]) == [how]


@pytest.mark.parametrize(("last", "how"), [(0.45, BirthPattern.ENDED), (0.35, BirthPattern.LEVELLED_OFF)])
def test_what_ended_in_the_first_part_of_the_trace_was_a_start(last: float, how: BirthPattern) -> None:
    assert birth_patterns([births(50, last)], 0, [END], [made(50, 0, last)]) == [how]


def at_ages(*shares: tuple[int, float]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Births: so many at each share of the time since the first."""
    ages = np.concatenate([np.full(count, share) for count, share in shares])
    return np.sort(np.concatenate([[0.0], ages]) * END).astype(np.int64)


@pytest.mark.parametrize(("power", "rare"), [(2.15, True), (1.95, False)])
def test_births_that_fall_off_as_a_power_of_time_are_ever_more_seldom(power: float, rare: bool) -> None:
    """With 17 % of them in the last third they are, with 19 % not."""
    ages = ((np.arange(10_000) + 0.5) / 10_000) ** power
    assert increasingly_rare(np.concatenate([[0], np.sort(ages) * END]).astype(np.int64), END) is rare


@pytest.mark.parametrize(("early", "rare"), [(0.0523, True), (0.0697, False)])
def test_they_are_where_the_mean_logarithm_of_their_age_is_far_from_even(early: float, rare: bool) -> None:
    """1.65 and 1.55, where an even rate has 1."""
    assert increasingly_rare(at_ages((150, 0.9), (500, 0.3), (350, early)), END) is rare


@pytest.mark.parametrize(("late", "rare"), [(36, True), (38, False)])
def test_they_are_not_where_the_last_doubling_of_time_has_its_part_of_the_last_three(late: int, rare: bool) -> None:
    """45 % and 47 % of them."""
    assert increasingly_rare(at_ages((late, 0.6), (81 - late, 0.3), (20, 0.0001)), END) is rare


@pytest.mark.parametrize(("early", "rare"), [(0.1, False), (0.13, True)])
def test_what_came_before_the_last_three_doublings_makes_them_no_slower(early: float, rare: bool) -> None:
    """Of those after an eighth of the time 47 % are in the last doubling; with those just after it 38 %."""
    assert increasingly_rare(at_ages((38, 0.6), (43, 0.3), (20, early), (20, 0.0001)), END) is rare
