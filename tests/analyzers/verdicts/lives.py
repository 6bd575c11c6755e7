"""Allocations by chance: times at which they are made and freed, for leaks and for what only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzers.trends.bins import BINS, EDGES
from analyzers.trends.history import STEPS
from tracer.arrays import F64, I64

NEVER: Final = 1e30


@dataclass(frozen=True, slots=True)
class Lives:
    """When allocations were made and freed (float64 nanoseconds), in a trace of ``length`` nanoseconds."""

    made: F64
    freed: F64
    length: float

    def lifetimes(self) -> I64:
        """Of those freed in the trace, by bin."""
        known = (self.freed < self.length) & (self.made < self.length)
        bins = np.clip(np.searchsorted(EDGES, (self.freed - self.made)[known], side="right") - 1, 0, BINS - 1)
        return np.bincount(bins, minlength=BINS).astype(np.int64)

    def births(self) -> I64:
        """Times of those that are outstanding, oldest first."""
        return np.sort(self.made[(self.freed >= self.length) & (self.made < self.length)]).astype(np.int64)

    def steps(self) -> tuple[I64, int]:
        """Allocations by step of time, and the step's width."""
        step = 1 << 20
        while self.length > step * STEPS:
            step *= 2
        within = self.made[self.made < self.length].astype(np.int64)
        return np.bincount(within // step, minlength=STEPS)[:STEPS].astype(np.int64), step


Random = np.random.Generator
Story = Callable[[Random], Lives]


def _trace(random: Random) -> tuple[float, int]:
    """A length from 0.1 s to 3 h, and a number of allocations."""
    return float(10 ** random.uniform(8, 13)), int(10 ** random.uniform(1.2, 4.3))


def _even(random: Random, count: int, start: float, end: float) -> F64:
    return np.sort(random.uniform(start, end, count))


def _churn(random: Random, count: int, length: float) -> tuple[F64, F64]:
    """Short-lived allocations: mean lifetimes up to a sixteenth of the trace."""
    made = _even(random, count, 0, length)
    return made, made + random.exponential(length * 10 ** random.uniform(-4, -1.2), count)


def heavy_tails(random: Random) -> Lives:
    """Pareto lifetimes up to longer than the trace."""
    length, count = _trace(random)
    made = _even(random, count, 0, length)
    return Lives(made, made + length * 1e-4 * random.uniform(0, 1, count) ** (-1 / random.uniform(0.3, 1.5)), length)


def wide_lifetimes(random: Random) -> Lives:
    """Log-normal lifetimes."""
    length, count = _trace(random)
    made = _even(random, count, 0, length)
    middle = np.log(length * 10 ** random.uniform(-4, -1))
    return Lives(made, made + np.exp(random.normal(middle, random.uniform(0.5, 2.5), count)), length)


def long_connections(random: Random) -> Lives:
    """Lifetimes about as long as the trace."""
    length, count = _trace(random)
    made = _even(random, count, 0, length)
    return Lives(made, made + random.exponential(length * random.uniform(0.1, 1.0), count), length)


def full_cache(random: Random) -> Lives:
    """First in, first out, once it is full."""
    length, count = _trace(random)
    capacity = max(1, int(count * random.uniform(0.05, 0.93)))
    made = _even(random, count, 0, length)
    freed = np.full(count, NEVER)
    freed[: count - capacity] = made[capacity:]
    return Lives(made, freed, length)


def sawtooth(random: Random) -> Lives:
    """A cache that is trimmed again and again, of which a part survives one trim."""
    length, count = _trace(random)
    period = length * random.uniform(0.1, 0.6)
    phase = random.uniform(0, period)
    made = _even(random, count, 0, length)
    kept = random.uniform(0, 1, count) < random.uniform(0, 0.4)
    return Lives(made, (np.floor((made + phase) / period) + 1 + kept) * period - phase, length)


def warm_up(random: Random) -> Lives:
    """Everything is allocated in the first part and stays, among churn."""
    length, count = _trace(random)
    stays = _even(random, count, 0, length * random.uniform(0.03, 0.5))
    made, freed = _churn(random, count, length)
    return Lives(np.concatenate([stays, made]), np.concatenate([np.full(count, NEVER), freed]), length)


def start_up_only(random: Random) -> Lives:
    """As a warm-up, and nothing else is ever allocated."""
    length, count = _trace(random)
    return Lives(_even(random, count, 0, length * random.uniform(0.03, 0.5)), np.full(count, NEVER), length)


def burst(random: Random) -> Lives:
    """Everything at one time, kept or freed soon after."""
    length, count = _trace(random)
    start = length * random.uniform(0, 0.97)
    made = _even(random, count, start, start + 0.03 * length)
    freed = made + random.exponential(length * 0.1, count) if random.uniform() < 0.5 else np.full(count, NEVER)
    return Lives(made, freed, length)


def waves(random: Random) -> Lives:
    """A load that comes and goes."""
    length, count = _trace(random)
    made = _even(random, count, 0, length)
    made = made[random.uniform(0, 1, count) < 0.5 + 0.5 * np.sin(made / length * 2 * np.pi * random.uniform(0.5, 4))]
    return Lives(made, made + random.exponential(length * 10 ** random.uniform(-3, -0.7), len(made)), length)


def batches(random: Random) -> Lives:
    """Jobs that free all they have at their end."""
    length, count = _trace(random)
    period = length * random.uniform(0.02, 0.3)
    made = _even(random, count, 0, length)
    return Lives(made, (np.floor(made / period) + 1) * period, length)


CLEAN: Final[tuple[Story, ...]] = (
    heavy_tails, wide_lifetimes, long_connections, full_cache, sawtooth, warm_up, start_up_only, burst, waves, batches,
)  # fmt: skip


def _leak(random: Random, share: float, start: float = 0.0) -> Lives:
    """Churn of which a share is never freed, from some part of the trace on."""
    length = float(10 ** random.uniform(8, 13))
    count = int(random.uniform(40, 300) / share / (1 - start))
    made, freed = _churn(random, count, length)
    freed[(random.uniform(0, 1, count) < share) & (made > start * length)] = NEVER
    return Lives(made, freed, length)


def leak(random: Random) -> Lives:
    """A good share is never freed."""
    return _leak(random, random.uniform(0.05, 0.6))


def slow_leak(random: Random) -> Lives:
    """Two in a thousand to three in a hundred are never freed."""
    return _leak(random, 10 ** random.uniform(-2.7, -1.5))


def late_leak(random: Random) -> Lives:
    """It begins somewhere in the trace."""
    return _leak(random, 0.2, random.uniform(0.3, 0.7))


def stepwise_leak(random: Random) -> Lives:
    """By fits and starts."""
    length = float(10 ** random.uniform(8, 13))
    starts = np.arange(0.05, 1, random.uniform(0.06, 0.12)) * length
    stays = np.concatenate([_even(random, int(random.uniform(4, 40)), at, at + 0.005 * length) for at in starts])
    made, freed = _churn(random, 500, length)
    return Lives(np.concatenate([stays, made]), np.concatenate([np.full(len(stays), NEVER), freed]), length)


LEAKS: Final[tuple[Story, ...]] = (leak, slow_leak, late_leak, stepwise_leak)


def pure_growth(random: Random) -> Lives:
    """Nothing is ever freed, from some time on until shortly before the end."""
    length = float(10 ** random.uniform(8, 13))
    count = int(random.uniform(20, 300))
    made = _even(random, count, length * random.uniform(0, 0.6), length * random.uniform(0.9, 1))
    return Lives(made, np.full(count, NEVER), length)
