"""Binary search in a kernel: numpy's own takes seconds to compile for what is a few lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracer.arrays import I64, U32
from tracer.jit import Int, inlined


@inlined
def last_at_most(values: npt.NDArray[np.integer[Any]], wanted: Int | np.unsignedinteger[Any]) -> Int:
    """Index of the last of the ascending ``values`` that is not above ``wanted``; -1 where there is none."""
    low = np.int64(0)
    high = np.int64(values.shape[0])
    while low < high:
        middle = (low + high) // 2
        if values[middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return low - 1


@inlined
def first_after(ids: U32, times: I64, wanted: np.uint32, time: np.int64) -> Int:
    """Row of the first entry behind all of the ``wanted`` id up to and with ``time``, in lists by id, then time.

    One past the last where there is none.
    """
    low = np.int64(0)
    high = np.int64(ids.shape[0])
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < wanted or (ids[middle] == wanted and times[middle] <= time):
            low = middle + 1
        else:
            high = middle
    return low
