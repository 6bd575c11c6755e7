"""Where growth that goes on to the end begins, and when it is none."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from analyzers.policy import RISE
from analyzers.trends.onset import NO_ONSET, TOO_LOW, onsets

STEPS = 64


def onset(kept: np.ndarray[tuple[int], np.dtype[np.int64]], settled: int = STEPS) -> int:
    """Of one group that keeps so many of each step, of which the first ``settled`` are settled."""
    return int(onsets(kept[np.newaxis], np.array([settled]))[0])


@pytest.mark.parametrize(("rises", "begins"), [(21, 0), (22, NO_ONSET)])
def test_a_pause_at_the_end_that_is_chance_once_in_two_hundred_times_is_an_end(rises: int, begins: int) -> None:
    """Of 63 steps the last 12 are without one: by chance in 0.6 % of draws of 21 rises, and in 0.4 % of 22."""
    kept = np.zeros(STEPS, np.int64)
    kept[np.linspace(0, 51, rises).round().astype(int)] = 1
    assert onset(kept) == begins


@pytest.mark.parametrize(("warm_up", "begins"), [(4, 30), (6, 0)])
def test_a_later_beginning_has_twice_the_rate_of_before(warm_up: int, begins: int) -> None:
    """Three in each of the first steps, none until step 30, then one in each."""
    kept = np.zeros(STEPS, np.int64)
    kept[:warm_up], kept[30:] = 3, 1
    assert onset(kept) == begins


@pytest.mark.parametrize(("settled", "begins"), [(27, 0), (24, NO_ONSET)])
def test_four_tenths_of_the_trace_must_be_settled(settled: int, begins: int) -> None:
    assert onset(np.ones(STEPS, np.int64), settled) == begins


@pytest.mark.parametrize(("apart", "begins"), [(7, 0), (6, NO_ONSET)])
def test_rises_are_occasions_of_their_own_where_a_tenth_of_the_growth_lies_between(apart: int, begins: int) -> None:
    kept = np.zeros(STEPS, np.int64)
    kept[[0, 30, 30 + apart, 30 + 2 * apart, STEPS - 1]] = 1
    assert onset(kept) == begins


def test_too_low_is_what_the_chance_of_the_policy_lies_below() -> None:
    assert NormalDist().inv_cdf(RISE.chance) == pytest.approx(TOO_LOW, rel=1e-12)
