"""Finding the outstanding allocations of one snapshot in another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyzers.pool_tables import Outstanding

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio: spreads times over all bits, so that no two allocations meet by their sums."""


def rows_in(these: Outstanding, among: Outstanding) -> npt.NDArray[np.int64]:
    """int64 (these): the row of each allocation in the other table, -1 where it is not there.

    An allocation is known by its address and the time when it was made.
    """
    if not len(among):
        return np.full(len(these), -1, np.int64)
    if len(these) == len(among) and np.array_equal(these.address, among.address):
        return np.arange(len(these), dtype=np.int64)
    keys, wanted = (each.time_ns.astype(np.uint64) * _SPREAD + each.address for each in (among, these))
    order = np.argsort(keys)
    at = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    return np.where(keys[at] == wanted, at, -1).astype(np.int64)
