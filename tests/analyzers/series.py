"""Series of allocations drawn by chance, leaking ones and clean ones, each judged whether it rises.

``python -m benchmarks.series`` draws many of each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analyzers.trends.history import GroupHistory
from analyzers.trends.trend import Growth, growths
from tests.analyzers.lives import NEVER, Lives, churn, even, history_of, kept

Random = np.random.Generator
Story = Callable[[Random], Lives]


def some(random: Random, low: float, high: float) -> int:
    """A number of any order of magnitude between these powers of ten."""
    return int(10 ** random.uniform(low, high))


def light_churn(random: Random) -> Lives:
    return churn(random, some(random, 0, 4), 10 ** random.uniform(-3, -2))


def twenty(random: Random) -> Lives:
    return kept(even(random, 20))


def regular_twenty(random: Random) -> Lives:
    return kept((np.arange(20) + random.uniform(0.2, 0.8, 20)) / 20)


def constant(random: Random) -> Lives:
    return kept(even(random, some(random, 1.5, 4)))


def under_heavy_churn(random: Random) -> Lives:
    """The level scatters by fifty times what leaks in a sixty-fourth of the trace."""
    scatter, lifetime = random.uniform(20, 60), 10 ** random.uniform(-2.5, -1.7)
    return churn(random, min(scatter**2 / lifetime, 3e5), lifetime) + kept(even(random, int(scatter / 50 * 64)))


def from_the_middle(random: Random) -> Lives:
    return kept(even(random, some(random, 1.4, 3), random.uniform(0.3, 0.7))) + light_churn(random)


def from_seventy_percent(random: Random) -> Lives:
    return kept(even(random, some(random, 1.4, 3), 0.7))


def in_steps(random: Random) -> Lives:
    at = np.clip((np.arange(10) + random.uniform(0.1, 0.9)) / 10 + random.uniform(-0.02, 0.02, 10), 0, 0.999)
    return kept(np.repeat(at, random.integers(5, 50, 10))) + light_churn(random)


def after_a_warm_up(random: Random) -> Lives:
    return kept(even(random, 300, 0, 0.05)) + kept(even(random, 60, random.uniform(0, 0.6)))


def beside_a_burst(random: Random) -> Lives:
    start = random.uniform(0, 0.97)
    return kept(even(random, 1000, start, start + 0.01)) + kept(even(random, 60))


def until_shortly_before_the_end(random: Random) -> Lives:
    return kept(even(random, some(random, 1.4, 3), 0.0, random.uniform(0.88, 1.0)))


LEAKS: tuple[Story, ...] = (
    twenty, regular_twenty, constant, under_heavy_churn, from_the_middle, from_seventy_percent, in_steps,
    after_a_warm_up, beside_a_burst, until_shortly_before_the_end,
)  # fmt: skip


def cache(random: Random) -> Lives:
    return kept(even(random, some(random, 1.7, 4), 0, random.uniform(0.35, 0.8))) + light_churn(random)


def late_cache(random: Random) -> Lives:
    return kept(even(random, some(random, 1.7, 4), 0.35, 0.8)) + light_churn(random)


def saturating(random: Random) -> Lives:
    made = random.exponential(random.uniform(0.05, 0.2), some(random, 2, 4))
    return kept(made[made < 1])


def first_in_first_out(random: Random) -> Lives:
    made = np.sort(even(random, some(random, 2, 4)))
    capacity = int(len(made) * random.uniform(0.1, 0.9))
    freed = np.full(len(made), NEVER)
    freed[: len(made) - capacity] = made[capacity:]
    return Lives(made, freed)


def sawtooth(random: Random) -> Lives:
    """Trimmed sharply, and now and then not quite."""
    made, period = even(random, some(random, 2, 4)), random.uniform(0.08, 0.45)
    phase = random.uniform(0, period)
    stays = random.uniform(0, 1, len(made)) < random.choice([0.0, random.uniform(0, 0.4)])
    return Lives(made, (np.floor((made + phase) / period) + 1 + stays) * period - phase)


def one_tooth_and_a_half(random: Random) -> Lives:
    made, period = even(random, some(random, 2, 4)), random.uniform(0.5, 0.75)
    return Lives(made, np.where(made < period, period, NEVER))


def warm_up(random: Random) -> Lives:
    return kept(even(random, some(random, 1, 4), 0, random.uniform(0.02, 0.3))) + light_churn(random)


def burst(random: Random) -> Lives:
    start = random.uniform(0.1, 0.98)
    return kept(even(random, some(random, 1, 4), start, start + 0.01)) + light_churn(random)


def steady(random: Random) -> Lives:
    return churn(random, some(random, 1, 5), 10 ** random.uniform(-4, -0.5))


def long_lived(random: Random) -> Lives:
    return churn(random, some(random, 1, 4), random.uniform(0.3, 1.0))


def stopped(random: Random) -> Lives:
    return kept(even(random, some(random, 1.5, 4), 0, random.uniform(0.2, 0.6)))


def heavy_tail(random: Random) -> Lives:
    made = even(random, some(random, 1.5, 4))
    return Lives(made, made + np.exp(random.normal(np.log(0.01), random.uniform(0.5, 2.5), len(made))))


def waves(random: Random) -> Lives:
    made = even(random, some(random, 1.5, 4))
    made = made[random.uniform(0, 1, len(made)) < 0.5 + 0.5 * np.sin(made * 2 * np.pi * random.uniform(0.5, 4))]
    return Lives(made, made + random.exponential(10 ** random.uniform(-3, -0.7), len(made)))


CLEAN: tuple[Story, ...] = (
    cache, late_cache, saturating, first_in_first_out, sawtooth, one_tooth_and_a_half, warm_up, burst, steady,
    long_lived, stopped, heavy_tail, waves,
)  # fmt: skip


def growth(history: GroupHistory) -> Growth:
    [found] = growths([history])
    return found


def judged(story: Story, seed: int) -> Growth:
    """In a trace from 0.1 s to 3 h long."""
    random = np.random.default_rng(seed)
    return growth(history_of(story(random), 10 ** random.uniform(-0.9, 4)))
