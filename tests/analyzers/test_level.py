"""What a level tells that does not rise to the end: sharp trims, or that it has stopped rising."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analyzers.trends.bins import BINS
from analyzers.trends.bursts import without_bursts
from analyzers.trends.history import GroupHistories, GroupHistory
from analyzers.trends.level import has_levelled_off, is_sawtooth


def histories(levels: Sequence[float]) -> GroupHistories:
    """One group with so many outstanding at the end of each step."""
    change, none = np.diff(levels, prepend=0).astype(np.int64), np.zeros(len(levels), np.int64)
    made, freed = np.maximum(change, 0), np.maximum(-change, 0)
    return GroupHistories.of([GroupHistory(made, freed, none, none, none, np.zeros(BINS, np.int64), 1_000)])


def trimmed(peak: int, lost: int) -> list[float]:
    """It rises in ten steps and loses so many in one, twice."""
    tooth = [*np.linspace(peak - lost, peak, 10).round().tolist(), peak - lost, peak - lost]
    return [*tooth, *tooth]


@pytest.mark.parametrize(("lost", "sharp"), [(82, True), (78, False)])
def test_a_trim_takes_four_tenths_of_the_peak(lost: int, sharp: bool) -> None:
    assert bool(is_sawtooth(histories(trimmed(200, lost)))[0]) is sharp


@pytest.mark.parametrize(("lost", "sharp"), [(33, True), (31, False)])
def test_and_four_times_the_scatter_of_chance(lost: int, sharp: bool) -> None:
    assert bool(is_sawtooth(histories(trimmed(64, lost)))[0]) is sharp


@pytest.mark.parametrize(("levels", "tells"), [((100, 50, 50), False), ((0, 100, 50, 50), True)])
def test_three_steps_do_not_tell_a_trim_from_the_end_of_what_was_used(levels: Sequence[float], tells: bool) -> None:
    assert bool(is_sawtooth(histories(levels))[0]) is tells


@pytest.mark.parametrize(("risen", "stopped"), [(49, True), (51, False)])
def test_it_has_stopped_where_the_last_sixth_has_less_than_three_tenths_of_its_part(risen: int, stopped: bool) -> None:
    """An even rise would have brought a sixth of the 1,000."""
    levels = [*np.linspace(0, 1_000 - risen, 50).round().tolist(), *[1_000] * 10]
    assert bool(has_levelled_off(histories(levels))[0]) is stopped


def test_a_burst_counts_for_three_times_the_usual_step() -> None:
    assert without_bursts(np.array([[1] * 9 + [10]])).tolist() == [[1.0] * 9 + [3.0]]


@pytest.mark.parametrize(("risen", "stopped"), [(68, True), (72, False)])
def test_twice_the_scatter_of_what_comes_and_goes_is_allowed_for(risen: int, stopped: bool) -> None:
    """Beside the 50 of the last test 50 came and went, so that the level scatters by 10."""
    levels = [*np.linspace(0, 1_000 - risen, 50).round().tolist(), *[1_000] * 10]
    found = histories(levels)
    for column in (found.allocations, found.frees):
        column[:, -1] += 50
    assert bool(has_levelled_off(found)[0]) is stopped
