"""Which outstanding block an address lies in: how an event's pointer becomes an allocation.

A block that is outstanding now and was made no later than an event that names an address inside it was the memory
behind that address when the event was logged: it was never freed in between. So no history of addresses is needed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.pool_tables import Outstanding
from tracer.arrays import I32, I64, U64
from tracer.jit import kernel
from tracer.search import last_at_most

NO_BLOCK: Final = -1


@kernel
def nearest_below(addresses: U64, pointers: U64, best: I32) -> None:
    """By pointer: row of the block that begins at it or nearest below it, else -1.

    ``pointers`` ascend and differ; ``best`` comes filled with -1. Costs the blocks times the logarithm of the pointers
    whatever the blocks' sizes are: no size, however wrong, makes it slower.
    """
    count = pointers.shape[0]
    for i in range(addresses.shape[0]):
        j = last_at_most(pointers, addresses[i])
        if j < 0 or pointers[j] != addresses[i]:
            j += 1
        if j < count and (best[j] < 0 or addresses[best[j]] < addresses[i]):
            best[j] = i
    for j in range(1, count):
        before = best[j - 1]
        if before >= 0 and (best[j] < 0 or addresses[best[j]] < addresses[before]):
            best[j] = before


def blocks_of(outstanding: Outstanding, pointers: U64, used_ns: I64) -> I32:
    """By pointer: row of the outstanding block that holds it and is not younger than ``used_ns``; -1 for none.

    ``used_ns`` is when an event named the pointer. A pointer of 0 is in no block.
    """
    if not len(outstanding) or not pointers.any():
        return np.full(len(pointers), NO_BLOCK, np.int32)
    wanted, row = np.unique(pointers, return_inverse=True)
    best = np.full(len(wanted), NO_BLOCK, np.int32)
    nearest_below(outstanding.address, wanted, best)
    block = best[row]
    inside = pointers - outstanding.address[block] < outstanding.size[block]
    inside &= outstanding.time_ns[block] <= used_ns
    return np.where((block >= 0) & (pointers != 0) & inside, block, np.int32(NO_BLOCK)).astype(np.int32)
