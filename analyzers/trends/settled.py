"""What groups keep: how many steps of time are so old that what is outstanding of them will stay.

The outstanding allocations by the step they were made in are free of the noise of those that come and go, however
heavy that churn is: for a step long enough ago nothing of it is left but what was never freed.
"""

from __future__ import annotations

import numpy as np

from analyzers.policy import LIFETIMES
from analyzers.trends.bins import EDGES
from analyzers.trends.history import GroupHistories
from tracer.arrays import I64


def settled_steps(histories: GroupHistories) -> I64:
    """By group: steps, from the first one on, whose outstanding allocations are older than siblings are when freed.

    They are half an octave older, a stretch of life in which siblings that last as long would have shown. Zero where
    there is no such age, all steps where nothing was freed at all.
    """
    groups, used = histories.survivors.shape
    steps_since = np.maximum(used + histories.after - 2 - np.arange(used), 0)
    ages = steps_since * float(histories.step_ns)  # at least so old
    steps = np.searchsorted(-ages, -EDGES[1:], side="right")
    freed_later = np.cumsum(histories.lifetimes[:, ::-1], axis=1)[:, ::-1]
    until = np.zeros((groups, used + 1), np.int64)
    np.cumsum(histories.survivors, axis=1, out=until[:, 1:])
    old = until[:, steps]
    fits = (freed_later <= LIFETIMES.late_deaths * old) & (old > 0)
    found = np.where(fits.any(axis=1), steps[fits.argmax(axis=1)], 0)
    return np.where(histories.lifetimes.any(axis=1), found, used).astype(np.int64)
