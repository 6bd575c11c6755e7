"""Which outstanding allocations have outlived everything that their siblings' lifetimes lead to expect.

Freed siblings say how long such allocations live. Beyond some age next to none of them was still freed: what
is older than that by a factor of two will not be freed either, as far as the trace can tell. A heavy tail has no such
age, because there every doubling of the age still frees a good share of what had reached it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.policy import LIFETIMES
from analyzers.trends.bins import BINS, EDGES
from tracer.arrays import I64
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Survivors:
    """``count``: the oldest so many of the group's outstanding ones are survivors; they are older than ``age_ns``.

    ``freed``: siblings whose lifetime is known; ``usual_ns``: 95 % of them were freed within this, 0 where none was.
    """

    count: int
    age_ns: int
    freed: int
    usual_ns: int


def survivors(lifetimes: I64, ages_ns: I64) -> Survivors:
    """From lifetimes (int64 by bin) of the freed and ages of the outstanding (int64, oldest first)."""
    return survivors_of([lifetimes], [ages_ns])[0]


def survivors_of(lifetimes: Sequence[I64], ages_ns: Sequence[I64]) -> list[Survivors]:
    """The same of several groups."""
    if not lifetimes:
        return []
    died = np.stack(lifetimes)
    freed, soon = died.sum(axis=1), np.cumsum(died, axis=1)
    later = freed[:, np.newaxis] - soon + died
    usual = 1 + np.count_nonzero(soon < LIFETIMES.usual * freed[:, np.newaxis], axis=1)
    limits = (EDGES[:BINS] * LIFETIMES.octave).astype(np.int64)
    left = _older(ages_ns, limits)
    good = later <= LIFETIMES.late_deaths * (later + left)
    first = np.where(good.any(axis=1), np.maximum(usual, good.argmax(axis=1)), BINS)
    count = np.append(left, np.zeros((len(died), 1), np.int64), axis=1)[np.arange(len(died)), np.minimum(first, BINS)]
    age = limits[np.minimum(first, BINS - 1)]
    columns = (count.tolist(), age.tolist(), freed.tolist(), EDGES[np.minimum(usual, BINS)].astype(np.int64).tolist())
    return [
        Survivors(*each) if each[2] else Survivors(len(ages), 0, 0, 0)
        for each, ages in zip(zip(*columns, strict=True), ages_ns, strict=True)
    ]


def _older(ages_ns: Sequence[I64], limits: I64) -> I64:
    """By group and limit (ascending): how many are at least so old."""
    group = np.repeat(np.arange(len(ages_ns)), [len(each) for each in ages_ns])
    passed = np.searchsorted(limits, np.concatenate(ages_ns), side="right")
    width = len(limits) + 1
    counts = np.bincount(group * width + passed, minlength=len(ages_ns) * width).reshape(-1, width)
    older: I64 = np.cumsum(counts[:, ::-1], axis=1)[:, -2::-1]
    return older
