"""What a group keeps: how many steps of time are so old that what is outstanding of them will stay.

The outstanding allocations by the step they were made in are free of the noise of those that come and go, however
heavy that churn is: for a step long enough ago nothing of it is left but what was never freed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.trends.bins import EDGES
from analyzers.trends.history import GroupHistory

_LATE_DEATHS: Final = 0.05
"""Beyond the settled age at most so many were freed, for each that is still there."""


def settled_steps(history: GroupHistory) -> int:
    """Steps, from the first one on, of which the outstanding allocations are older than siblings are when freed.

    They are half an octave older, a stretch of life in which siblings that last as long would have shown. Zero where
    there is no such age, all steps where nothing was freed at all.
    """
    used = len(history.survivors)
    if not history.lifetimes.any():
        return used
    ages = np.maximum(used - 2 - np.arange(used), 0) * float(history.step_ns)  # at least so old
    freed_later = np.cumsum(history.lifetimes[::-1])[::-1]
    steps = np.searchsorted(-ages, -EDGES[1:], side="right")
    old = np.concatenate([[0], np.cumsum(history.survivors)])[steps]
    fits = np.flatnonzero((freed_later <= _LATE_DEATHS * old) & (old > 0))
    return int(steps[fits[0]]) if len(fits) else 0
