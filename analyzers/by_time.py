"""Looking up what held for an id at a time, in lists by id, then time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracer.jit import Int, inlined


@inlined
def first_after(ids: npt.NDArray[np.uint32], times: npt.NDArray[np.int64], wanted: np.uint32, time: np.int64) -> Int:
    """Row of the first entry behind all of the ``wanted`` id up to and with ``time``; one past the last for none."""
    low = np.int64(0)
    high = np.int64(ids.shape[0])
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < wanted or (ids[middle] == wanted and times[middle] <= time):
            low = middle + 1
        else:
            high = middle
    return low
