"""Whether things keep coming up to the end, or were a burst or a start-up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.policy import COURSE
from analyzers.trends.arrivals import Runs, held_keep_coming, is_burst, keep_coming

END = 1_000_000


def even(count: int, first: float = 0.0, last: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Times at even steps between two shares of the trace."""
    return np.linspace(first * END, last * END, count).astype(np.int64)


def test_what_comes_evenly_to_the_end_keeps_coming() -> None:
    assert keep_coming(even(50), 0, END)


@pytest.mark.parametrize(("count", "tells"), [(COURSE.fewest, True), (COURSE.fewest - 1, False)])
def test_a_few_tell_no_course(count: int, tells: bool) -> None:
    assert keep_coming(even(count), 0, END) is tells


@pytest.mark.parametrize(("moments", "tells"), [(5, True), (4, False)])
def test_a_few_bursts_are_no_course(moments: int, tells: bool) -> None:
    bursts = np.repeat(even(moments, 0.1), 10) + np.tile(np.arange(10), moments)
    assert keep_coming(bursts, 0, END + 10) is tells


@pytest.mark.parametrize(("share", "tells"), [(0.11, True), (0.09, False)])
def test_what_came_within_a_small_part_of_the_trace_is_a_burst(share: float, tells: bool) -> None:
    assert keep_coming(even(50, 1 - share), 0, END) is tells


@pytest.mark.parametrize(("late", "tells"), [(8, True), (6, False)])
def test_what_comes_ever_more_slowly_levels_off(late: int, tells: bool) -> None:
    """Of 56 one in eight came in the last third; of even arrivals one in three does."""
    times = np.concatenate([even(49, 0, 0.6), even(late, 0.7)])
    assert keep_coming(times, 0, END) is tells


@pytest.mark.parametrize(("last", "tells"), [(0.87, True), (0.83, False)])
def test_a_long_silence_at_the_end_is_an_end(last: float, tells: bool) -> None:
    assert keep_coming(even(50, 0, last), 0, END) is tells


@pytest.mark.parametrize(("last", "tells"), [(0.7, True), (0.6, False)])
def test_a_silence_that_is_hardly_longer_than_earlier_ones_is_none(last: float, tells: bool) -> None:
    """Half of the earlier ones are 17 % of the trace."""
    times = np.concatenate([even(30, 0, last - 0.4), even(30, last - 0.23, last)])
    assert keep_coming(times, 0, END) is tells


@pytest.mark.parametrize(("last", "tells"), [(0.45, True), (0.35, False)])
def test_what_is_held_stays_when_no_more_come_unless_that_was_early(last: float, tells: bool) -> None:
    assert held_keep_coming(even(50, 0, last), 0, END) is tells
    assert not keep_coming(even(50, 0, last), 0, END)


def test_nothing_does_not_keep_coming() -> None:
    assert not keep_coming(even(0), 0, END)
    assert not held_keep_coming(even(0), 0, END)


@given(st.lists(st.integers(0, END), max_size=60), st.permutations(range(60)))
def test_the_order_makes_no_difference(times: list[int], order: list[int]) -> None:
    shuffled = [times[place] for place in order if place < len(times)]
    assert keep_coming(np.array(times, np.int64), 0, END) == keep_coming(np.array(shuffled, np.int64), 0, END)


@pytest.mark.parametrize(
    ("moments", "tells"),
    [((0.5, 1.5, 2.5, 3.5, 30.5), True), ((0.05, 0.95, 10.5, 20.5, 40.5), False)],
)
def test_a_moment_is_one_of_sixty_four_parts_of_the_trace(moments: tuple[float, ...], tells: bool) -> None:
    times = np.repeat(np.array(moments) / 64 * END, 10).astype(np.int64)
    assert is_burst(Runs.of([even(50), times]), 0, np.array([END, END])).tolist() == [False, not tells]


def test_what_came_until_a_drain_began_keeps_coming_though_nothing_does_in_it() -> None:
    assert not held_keep_coming(even(50, 0, 0.3), 0, END)
    assert held_keep_coming(even(50, 0, 0.3), 0, END, drained_ns=int(0.7 * END))
    assert held_keep_coming(even(50), 0, END, drained_ns=int(0.7 * END))
    assert not held_keep_coming(even(50, 0, 0.02), 0, END, drained_ns=int(0.7 * END))
