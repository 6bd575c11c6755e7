"""Whether the clocks of some CPUs are behind those of others, and by how much, from pool events alone.

Inferred, never observed. A block is freed after it is allocated, whatever CPUs do it. Where many blocks that one CPU
allocates have their free on another shortly *before* that (:mod:`analyzers.ledger.reversed_pairs`), and hardly any
the other way round, the other's clock is behind by at least as much as the earliest of them. Chance makes no such
picture: addresses that are handed out again by chance wait as often for long as for short, in both directions, and are
freed again. A block that went the other way and lived for less than the difference refutes it.
``docs/matching.md`` has the reasoning.
"""

from __future__ import annotations

import numpy as np

from analyzers.ledger.reversed_pairs import CPUS, REPLACED
from analyzers.policy import CLOCKS, LOSS
from tracer.arrays import I64, Mask, Structured
from tracer.trace import ClockShift


def clock_shifts(pairs: Structured, kept: Mask, least: I64) -> tuple[
    ClockShift, ...
]:  # fmt: skip
    """CPUs whose clocks differ from most others', by CPU; none where nothing speaks for it.

    ``pairs``: :data:`~analyzers.ledger.reversed_pairs.REVERSED`; ``kept``: whether each one's allocation was never
    freed; ``least``: as in :class:`~analyzers.ledger.reversed_pairs.ReversedPairs`.
    """
    if np.count_nonzero(kept) < CLOCKS.fewest_pairs:
        return ()
    cpu_pairs = pairs["cpu"].astype(np.int64) * CPUS + pairs["free_cpu"]
    counts = np.bincount(cpu_pairs[kept], minlength=CPUS * CPUS).reshape(CPUS, CPUS)
    freed = np.bincount(cpu_pairs[~kept], minlength=CPUS * CPUS).reshape(CPUS, CPUS)
    behind = np.zeros((CPUS, CPUS), np.int64)
    for cpu, free_cpu in np.argwhere(counts >= CLOCKS.fewest_pairs):
        few = CLOCKS.opposite * counts[cpu, free_cpu]
        if counts[free_cpu, cpu] <= few and freed[cpu, free_cpu] <= few:
            early = pairs["early"][kept & (cpu_pairs == cpu * CPUS + free_cpu)]
            behind[cpu, free_cpu] = _difference(early, int(least[free_cpu, cpu]))
    return _settled(behind, counts)


def supposed_shifts(pairs: Structured, kept: Mask) -> tuple[ClockShift, ...]:
    """What clocks may differ by where addresses are handed out again within the difference; only :func:`mends` tells.

    Then chance pairs go both ways, and short lifetimes are those of wrong matches: neither refutes it.
    """
    if np.count_nonzero(pairs["slot"] == REPLACED) < LOSS.fewest_by_clocks:
        return ()
    cpu_pairs = pairs["cpu"].astype(np.int64) * CPUS + pairs["free_cpu"]
    counts = np.bincount(cpu_pairs[kept], minlength=CPUS * CPUS).reshape(CPUS, CPUS)
    freed = np.bincount(cpu_pairs[~kept], minlength=CPUS * CPUS).reshape(CPUS, CPUS)
    most = CLOCKS.opposite_again * counts
    behind = np.zeros((CPUS, CPUS), np.int64)
    for cpu, free_cpu in np.argwhere((counts >= CLOCKS.fewest_one_way) & (most >= counts.T) & (freed <= most)):
        early = pairs["early"][kept & (cpu_pairs == cpu * CPUS + free_cpu)]
        longest = int(early[early <= CLOCKS.sharpness * np.percentile(early, 95)].max())
        behind[cpu, free_cpu] = longest if longest >= CLOCKS.least_ns else 0
    return _settled(behind, counts)


def mends(before: int, after: int, *, supposed: bool) -> bool:
    """Whether correcting by these shifts leaves so few frees without allocation that they are real."""
    return after <= CLOCKS.mended * before if supposed else after < before


def _difference(early: I64, opposite: int) -> int:
    """Nanoseconds by which a clock is behind at least; 0 where the pairs do not show that it is.

    ``opposite``: the shortest lifetime of blocks that went the other way, which is longer by the difference; very long
    where there is none.
    """
    middle, most = np.percentile(early, [50, 95])
    if most > CLOCKS.sharpness * middle:
        return 0
    difference = int(early[early <= CLOCKS.stragglers * most].max())
    return difference if difference >= CLOCKS.least_ns and opposite >= difference else 0


def _settled(behind: I64, counts: I64) -> tuple[ClockShift, ...]:
    """Shifts that put every free after its allocation: each CPU is behind the one it is told by, and by that one's own.

    They are relative to most of the CPUs that took part.
    """
    taking_part = np.flatnonzero(behind.any(axis=0) | behind.any(axis=1))
    if not len(taking_part):
        return ()
    lags = behind[np.ix_(taking_part, taking_part)]
    shift = np.zeros(len(taking_part), np.int64)
    for _ in range(len(taking_part)):
        through = np.where(lags > 0, shift[:, None] + lags, 0).max(axis=0)
        if np.all(through <= shift):
            break
        shift = np.maximum(shift, through)
    else:
        return ()  # each is behind the others: no clocks do that
    shift = _alike(shift)
    values, often = np.unique(shift, return_counts=True)
    usual = values[np.argmax(often)]
    pairs = np.where(lags > 0, counts[np.ix_(taking_part, taking_part)], 0)
    return tuple(
        ClockShift(int(cpu), int(ns - usual), int(pairs[:, i].sum() if ns > usual else pairs[i].sum()))
        for i, (cpu, ns) in enumerate(zip(taking_part, shift, strict=True))
        if ns != usual
    )


def _alike(shift: I64) -> I64:
    """Of CPUs that are behind by nearly the same, the most: each is told by the earliest of its own frees alone."""
    ascending = np.sort(shift)
    apart = np.flatnonzero(np.diff(ascending) > CLOCKS.alike * ascending[1:])
    tops = np.append(ascending[apart], ascending[-1])
    return np.asarray(tops[np.searchsorted(tops, shift)])
