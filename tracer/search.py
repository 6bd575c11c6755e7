"""Binary search in a kernel: numpy's own takes seconds to compile for what is a few lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracer.jit import Int, inlined


@inlined
def last_at_most(values: npt.NDArray[np.unsignedinteger[Any]], wanted: np.unsignedinteger[Any]) -> Int:
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
