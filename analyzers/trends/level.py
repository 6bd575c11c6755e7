"""What the number of outstanding allocations tells of groups that do not grow to the end: trimmed, or levelled off."""

from __future__ import annotations

import numpy as np

from analyzers.policy import RISE
from analyzers.trends.history import GroupHistories
from tracer.arrays import Mask


def is_sawtooth(histories: GroupHistories) -> Mask:
    """By group: two sharp trims, or one after which it rises again."""
    level = np.cumsum(histories.allocations - histories.frees, axis=1)
    if level.shape[1] < RISE.least_steps:
        return np.zeros(len(level), np.bool_)
    peak = level.max(axis=1)
    sharp = np.maximum(RISE.sharp * peak, RISE.beyond_chance * np.sqrt(np.maximum(peak, 0)))
    drops = np.zeros(level.shape, np.bool_)  # after two steps without one
    drops[:, 2:] = level[:, :-2] - level[:, 2:] >= sharp[:, np.newaxis]
    before = np.zeros(level.shape, np.bool_)
    before[:, 1:] |= drops[:, :-1]
    before[:, 2:] |= drops[:, :-2]
    trims = np.count_nonzero(drops & ~before, axis=1)
    rises_again = (trims == 1) & (level[:, -1] >= RISE.sharp * peak)
    return np.asarray((trims > 1) | rises_again)


def has_levelled_off(histories: GroupHistories) -> Mask:
    """By group: whether the level rises much less in the last part than an even rise would, chance allowed for.

    Chance is that of the churn: what came and went in that part.
    """
    made, freed = histories.allocations, histories.frees
    level = np.cumsum(made - freed, axis=1)
    used = level.shape[1]
    if used < 2 * RISE.tail:
        return np.zeros(len(level), np.bool_)
    tail, now = used // RISE.tail, level[:, -1]
    first = (made != 0).argmax(axis=1)
    even = now.astype(np.float64) * tail / np.maximum(used - first, tail)
    churn = 2.0 * np.minimum(made[:, -tail:].sum(axis=1), freed[:, -tail:].sum(axis=1))
    risen = (now - level[:, -1 - tail]).astype(np.float64)
    return np.asarray((now > 0) & (risen <= RISE.still * even + RISE.within_chance * np.sqrt(churn)))
