"""Lives of allocations drawn by chance, as the history that the ledger would make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzers.trends.bins import BINS, EDGES
from analyzers.trends.history import STEPS, GroupHistory
from tracer.arrays import F64

SECOND = 1_000_000_000
NEVER = np.inf
SIZE = 256


@dataclass(frozen=True)
class Lives:
    """Times at which allocations are made and freed, as shares of a trace; ``freed`` may be after its end."""

    made: F64
    freed: F64

    def __add__(self, other: Lives) -> Lives:
        return Lives(np.concatenate([self.made, other.made]), np.concatenate([self.freed, other.freed]))


def kept(made: F64) -> Lives:
    return Lives(made, np.full(len(made), NEVER))


def even(random: np.random.Generator, count: int, start: float = 0.0, end: float = 1.0) -> F64:
    return random.uniform(start, end, count)


def churn(random: np.random.Generator, rate: float, lifetime: float) -> Lives:
    """Exponential lifetimes; as many are outstanding in the mean as ``rate * lifetime``."""
    made = even(random, random.poisson(rate))
    return Lives(made, made + random.exponential(lifetime, len(made)))


def history_of(lives: Lives, length_s: float) -> GroupHistory:
    """The history of a trace of so many seconds; every allocation is of :data:`SIZE` bytes."""
    length = length_s * SECOND
    step = 1 << 20
    while length >= step * STEPS:
        step *= 2
    used = int(length // step) + 1
    gone = lives.freed < 1.0
    made, freed, stays = (
        np.bincount((times * length // step).astype(np.int64), minlength=used)[:used]
        for times in (lives.made, lives.freed[gone], lives.made[~gone])
    )
    ages = (lives.freed - lives.made)[gone] * length
    bins = np.clip(np.searchsorted(EDGES, ages, side="right") - 1, 0, BINS - 1)
    lifetimes = np.bincount(bins, minlength=BINS)
    return GroupHistory(made, freed, (made - freed) * SIZE, stays, stays * SIZE, lifetimes, step)
