"""What the number of outstanding allocations tells of groups that do not grow to the end: trimmed, or levelled off."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.trends.history import GroupHistories

Mask = npt.NDArray[np.bool_]

_SHARP: Final = 0.4
"""Share of the highest level by which a trim lowers it within two steps."""
_LEAST_PEAK: Final = 8
"""Allocations below which nothing can be said of trims."""
_LEAST_STEPS: Final = 4
"""Steps of time below which a trim cannot be told from the end of what was used."""
_BEYOND_CHANCE: Final = 4.0
"""A trim is so many times the square root of the peak, the scatter of a level that comes and goes by chance."""
_TAIL: Final = 6
"""The last sixth of the trace tells whether the level has stopped rising."""
_STILL: Final = 0.3
"""It has stopped where it rises less than this share of what an even rise would have brought."""


def is_sawtooth(histories: GroupHistories) -> Mask:
    """By group: two sharp trims, or one after which it rises again."""
    level = np.cumsum(histories.allocations - histories.frees, axis=1)
    if level.shape[1] < _LEAST_STEPS:
        return np.zeros(len(level), np.bool_)
    peak = level.max(axis=1)
    sharp = np.maximum(_SHARP * peak, _BEYOND_CHANCE * np.sqrt(np.maximum(peak, 0)))
    drops = np.zeros(level.shape, np.bool_)  # after two steps without one
    drops[:, 2:] = level[:, :-2] - level[:, 2:] >= sharp[:, np.newaxis]
    before = np.zeros(level.shape, np.bool_)
    before[:, 1:] |= drops[:, :-1]
    before[:, 2:] |= drops[:, :-2]
    trims = np.count_nonzero(drops & ~before, axis=1)
    rises_again = (trims == 1) & (level[:, -1] >= _SHARP * peak)
    return np.asarray((peak >= _LEAST_PEAK) & ((trims > 1) | rises_again))


def has_levelled_off(histories: GroupHistories) -> Mask:
    """By group: whether the level rises much less in the last part than an even rise would, chance allowed for.

    Chance is that of the churn: what came and went in that part.
    """
    made, freed = histories.allocations, histories.frees
    level = np.cumsum(made - freed, axis=1)
    used = level.shape[1]
    if used < 2 * _TAIL:
        return np.zeros(len(level), np.bool_)
    tail, now = used // _TAIL, level[:, -1]
    first = (made != 0).argmax(axis=1)
    even = now.astype(np.float64) * tail / np.maximum(used - first, tail)
    churn = 2.0 * np.minimum(made[:, -tail:].sum(axis=1), freed[:, -tail:].sum(axis=1))
    risen = (now - level[:, -1 - tail]).astype(np.float64)
    return np.asarray((now > 0) & (risen <= _STILL * even + 2.0 * np.sqrt(churn)))
