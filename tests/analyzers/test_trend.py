"""The trend tests against values from the books, and the judgement of growth on lives drawn by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analyzers.trends.rank_tests import mann_kendall, theil_sen
from tests.analyzers.lives import SECOND, SIZE, Lives, churn, even, history_of, kept
from tests.analyzers.series import (
    CLEAN,
    LEAKS,
    Story,
    cache,
    growth,
    judged,
    late_cache,
    saturating,
    stopped,
    warm_up,
)

SEEDS = 60
HOUR_S = 3600


def test_next_to_all_leaks_rise() -> None:
    rising = {story.__name__: sum(judged(story, seed).rising for seed in range(SEEDS)) for story in LEAKS}
    assert min(rising.values()) >= 0.95 * SEEDS
    assert sum(rising.values()) >= 0.98 * SEEDS * len(LEAKS)


def test_next_to_nothing_clean_rises() -> None:
    rising = {story.__name__: sum(judged(story, seed).rising for seed in range(SEEDS)) for story in CLEAN}
    assert max(rising.values()) <= 0.05 * SEEDS
    assert sum(rising.values()) <= 0.005 * SEEDS * len(CLEAN)


@pytest.mark.parametrize("story", [cache, late_cache, saturating, warm_up, stopped])
def test_what_grew_and_stopped_has_levelled_off(story: Story) -> None:
    assert sum(judged(story, seed).levelled_off for seed in range(SEEDS)) >= 0.95 * SEEDS


@pytest.mark.parametrize("story", LEAKS)
def test_a_leak_has_not_levelled_off_and_is_no_sawtooth(story: Story) -> None:
    found = [judged(story, seed) for seed in range(SEEDS)]
    assert sum(each.levelled_off or each.sawtooth for each in found) <= 0.02 * SEEDS


def test_what_is_trimmed_sharply_is_a_sawtooth() -> None:
    found = growth(history_of(sharp_teeth(), 60.0))
    assert (found.sawtooth, found.rising, found.levelled_off) == (True, False, False)


def sharp_teeth() -> Lives:
    made = np.arange(900) / 900
    return Lives(made, np.floor(made / 0.3 + 1) * 0.3)


def test_a_leak_that_begins_later_is_dated_to_its_beginning() -> None:
    random = np.random.default_rng(3)
    found = growth(history_of(kept(even(random, 200, 0, 0.02)) + kept(even(random, 100, 0.6)), 100.0))
    assert found.rising
    assert abs(found.from_ns - 60e9) < 3e9


def test_a_leak_that_rests_for_a_while_still_rises() -> None:
    random = np.random.default_rng(4)
    found = growth(history_of(kept(even(random, 100, 0, 0.4)) + kept(even(random, 100, 0.6)), 100.0))
    assert found.rising
    assert found.from_ns < 3e9


def test_the_rate_is_that_of_the_leak_and_its_interval_holds_it() -> None:
    held, close = 0, 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        lives = churn(random, 20_000, 0.002) + kept(even(random, random.poisson(200)))
        found = growth(history_of(lives, HOUR_S))
        low, high = found.interval
        assert low <= found.bytes_per_hour <= high
        held += low <= 200 * SIZE <= high
        close += abs(found.bytes_per_hour / (200 * SIZE) - 1) < 0.3
    assert held >= 90
    assert close >= 95


def test_a_clear_leak_is_graded_higher_than_a_doubtful_one() -> None:
    random = np.random.default_rng(1)
    clear = growth(history_of(kept(even(random, 1000)), 60.0))
    doubtful = growth(history_of(kept(np.array([0.1, 0.3, 0.5])), 60.0))
    assert clear.p < 1e-4 < doubtful.p
    assert clear.windows_risen == 1.0 > doubtful.windows_risen
    assert abs(clear.last_third - 1 / 3) < 0.05
    assert doubtful.last_third < clear.last_third


@pytest.mark.parametrize("lives", [kept(np.zeros(0)), kept(np.zeros(1)), kept(np.full(50, 0.5))])
def test_next_to_nothing_is_judged_without_a_word(lives: Lives) -> None:
    for length in (1e-4, 1e-2, 60.0):
        found = growth(history_of(lives, length))
        assert not found.rising
        assert np.isfinite([found.bytes_per_hour, *found.interval, found.p, found.windows_risen]).all()


def test_mann_kendall_of_a_strict_rise() -> None:
    """Ten values in order: S = 45, variance 125, z = 44 / sqrt(125)."""
    found = mann_kendall(np.arange(10))
    assert (found.s, round(found.z, 4), round(found.p, 6)) == (45, 3.9355, 0.000083)
    assert mann_kendall(-np.arange(10)).z == -found.z


def test_mann_kendall_counts_ties_out_of_the_variance() -> None:
    """1 1 2 2 3 3: S = 12, variance (6*5*17 - 3 * 2*1*9) / 18 = 25.33, z = 11 / 5.033."""
    found = mann_kendall(np.array([1, 1, 2, 2, 3, 3]))
    assert found.s == 12
    assert found.z == pytest.approx(11 / np.sqrt(76 / 3))


@pytest.mark.parametrize("values", [np.zeros(0), np.zeros(1), np.full(9, 4)])
def test_mann_kendall_says_nothing_of_what_does_not_change(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    assert (mann_kendall(values).z, mann_kendall(values).p) == (0.0, 1.0)


def test_mann_kendall_is_wrong_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    wrong = sum(mann_kendall(random.normal(size=40)).p < 0.05 for _ in range(1000))
    assert 30 <= wrong <= 70


def test_theil_sen_does_not_mind_an_outlier() -> None:
    values = 3 * np.arange(20)
    values[10] = 10_000
    found = theil_sen(np.arange(20), values)
    assert (found.per_ns, found.low, found.high) == (3.0, 3.0, 3.0)


def test_theil_sen_s_interval_is_sen_s() -> None:
    """Six values: 15 slopes; C = 1.96 * sqrt(28.33) = 10.43, so the 3rd (rank 2.28) and the 14th (rank 13.7)."""
    values = np.array([1.0, 2.5, 2.0, 5.0, 4.0, 7.5])
    slopes = sorted((values[k] - values[i]) / (k - i) for i in range(6) for k in range(i + 1, 6))
    found = theil_sen(np.arange(6), values)
    assert (found.per_ns, found.low, found.high) == (slopes[7], slopes[2], slopes[13])


def test_theil_sen_s_interval_holds_the_slope_as_often_as_it_says() -> None:
    random = np.random.default_rng(6)
    times = np.arange(30)
    found = [theil_sen(times, 2.0 * times + random.normal(size=30) * 9) for _ in range(500)]
    assert 0.93 <= sum(each.low <= 2.0 <= each.high for each in found) / 500 <= 0.98


@pytest.mark.parametrize(("rises", "share"), [((0, 40), 0.5), (range(32), 0.5), (range(0, 64, 8), 1.0)])
def test_a_rate_is_taken_over_four_to_sixteen_windows_as_many_as_there_are_rises(
    rises: Sequence[int], share: float
) -> None:
    """Of four windows two have a rise; of sixteen those in the first half; of eight each."""
    found = growth(history_of(kept((np.array(rises) + 0.5) / 64), 63.9 * (1 << 30) / SECOND))
    assert found.windows_risen == share
