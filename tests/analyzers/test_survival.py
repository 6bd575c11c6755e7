"""The share of allocations that live on, against values worked out by hand and against lives drawn by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analyzers.trends.bins import BINS, EDGES
from analyzers.trends.survival import Survival, survival


def estimate(deaths: dict[int, int], censored: dict[int, int] | None = None) -> Survival:
    """From numbers by bin."""
    lifetimes = np.zeros(BINS, np.int64)
    for place, count in deaths.items():
        lifetimes[place] = count
    ages = [int(EDGES[place]) for place, count in (censored or {}).items() for _ in range(count)]
    return survival(lifetimes, np.array(ages, np.int64))


def test_without_outstanding_ones_it_is_the_share_not_yet_freed() -> None:
    found = estimate({4: 2, 10: 5, 20: 3})
    at = [found.at(float(EDGES[place + 1])) for place in (3, 4, 9, 10, 20)]
    assert at == pytest.approx([1.0, 0.8, 0.8, 0.3, 0.0])
    assert (found.deaths, found.longest_ns, found.plateau) == (10, EDGES[21], 0.0)


def test_outstanding_ones_are_at_risk_up_to_their_age_only() -> None:
    """Six at risk, one dies; two are censored; of three, one dies."""
    found = estimate({4: 1, 10: 1}, {6: 2, 30: 2})
    assert found.plateau == pytest.approx(5 / 6 * 2 / 3)


def test_in_one_bin_deaths_come_before_censored_ones() -> None:
    assert estimate({4: 1}, {4: 3}).plateau == pytest.approx(3 / 4)


def test_the_interval_is_greenwood_s_on_the_log_log_scale() -> None:
    """One of ten dies: 0.9 with Greenwood's sum 1 / (10 * 9)."""
    low, high = estimate({4: 1}, {20: 9}).plateau_interval
    width = 1.959964 * math.sqrt(1 / 90) / abs(math.log(0.9))
    assert (low, high) == pytest.approx((0.9 ** math.exp(width), 0.9 ** math.exp(-width)), rel=1e-5)
    assert (round(low, 3), round(high, 3)) == (0.473, 0.985)


def test_where_none_or_all_were_freed_the_interval_is_the_exact_one() -> None:
    assert estimate({}, {5: 20}).plateau_interval == pytest.approx((0.025 ** (1 / 20), 1.0))
    assert estimate({5: 20}).plateau_interval == pytest.approx((0.0, 1 - 0.025 ** (1 / 20)))


def test_nothing_at_all_says_nothing() -> None:
    found = estimate({})
    assert (found.plateau, found.plateau_interval, found.deaths, found.longest_ns) == (1.0, (0.0, 1.0), 0, 0.0)
    assert found.quantile(0.5) == math.inf


def test_quantiles_are_the_upper_edges_of_bins() -> None:
    found = estimate({4: 50, 10: 30}, {30: 20})
    assert [found.quantile(q) for q in (0.5, 0.51, 0.79)] == [EDGES[5], EDGES[11], EDGES[11]]
    assert found.quantile(0.9) == math.inf


def test_before_the_first_bin_ends_all_are_alive() -> None:
    assert estimate({0: 5}).at(1000.0) == 1.0


def test_the_interval_holds_the_true_plateau_in_nineteen_of_twenty_draws() -> None:
    held = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        ages = random.uniform(1e9, 1e10, 300)
        lives = np.where(random.uniform(0, 1, 300) < 0.2, np.inf, random.exponential(1e7, 300))
        gone = lives < ages
        bins = np.clip(np.searchsorted(EDGES, lives[gone], side="right") - 1, 0, BINS - 1)
        low, high = survival(np.bincount(bins, minlength=BINS), ages[~gone].astype(np.int64)).plateau_interval
        held += low <= 0.2 <= high
    assert 0.92 <= held / 400 <= 0.98
