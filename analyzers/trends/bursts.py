"""Weights of steps in which much happened at once."""

from __future__ import annotations

import numpy as np

from analyzers.policy import COURSE, RISE
from tracer.arrays import F64, I64


def without_bursts(counts: I64) -> F64:
    """Counts by group and step, cut down to ``RISE.burst`` times the median of the group's steps with any."""
    ordered = np.sort(counts, axis=1)
    some = np.count_nonzero(counts, axis=1)
    zeros = counts.shape[1] - some
    low, high = zeros + np.maximum(some - 1, 0) // 2, zeros + some // 2
    middle = np.minimum(np.stack([low, high], axis=1), counts.shape[1] - 1)
    medians = np.take_along_axis(ordered, middle, axis=1).sum(axis=1) / 2
    return np.asarray(np.minimum(counts, RISE.burst * medians[:, np.newaxis]), np.float64)


def last_third(weights: F64, start: I64, end: I64) -> F64:
    """By group: share of its weight from ``start`` to before ``end`` in the last third of them; 0 without weight."""
    groups = np.arange(len(weights))
    until = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=until[:, 1:])
    total = until[groups, end] - until[groups, start]
    late = until[groups, end] - until[groups, end - (end - start) // COURSE.last_part]
    shares: F64 = np.divide(late, total, out=np.zeros(len(weights)), where=total != 0)
    return shares
