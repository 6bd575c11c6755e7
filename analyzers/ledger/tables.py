"""The hash tables of the ledger: live allocations by address, and growing lists of rows by key.

All use open addressing with linear probing; their sizes are powers of two.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.jit import Int, inlined, kernel
from tracer.prefetch import prefetch

EMPTY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
"""A bucket without an allocation. Others hold a fingerprint in the upper and a slot in the lower 32 bits."""
LOW32: Final = np.uint64(0xFFFFFFFF)
SHIFT: Final = np.uint64(32)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@inlined
def fingerprint(address: np.uint64) -> np.uint64:
    """32 bits of hash; a bucket holds it beside the slot number, and its low bits are the bucket's home."""
    return ((address ^ (address >> SHIFT)) * _GOLDEN) >> SHIFT


@inlined
def find(buckets: npt.NDArray[np.uint64], slots: npt.NDArray[np.void], address: np.uint64) -> Int:
    """Bucket of a live address, -1 for none."""
    mask = np.uint64(buckets.shape[0] - 1)
    mark = fingerprint(address)
    probe = mark & mask
    while buckets[probe] != EMPTY:
        entry = buckets[probe]
        if entry >> SHIFT == mark and slots[np.int64(entry & LOW32)]["address"] == address:
            return np.int64(probe)
        probe = (probe + np.uint64(1)) & mask
    return -1


FAR: Final = 16
"""Events ahead for which the bucket is fetched into the cache: buckets lie anywhere in megabytes."""
NEAR: Final = 8
"""Events ahead for which, the bucket being there, the slot is fetched."""


@inlined
def fetch_bucket(buckets: npt.NDArray[np.uint64], address: np.uint64) -> None:
    """Have the bucket of an address come into the cache."""
    prefetch(buckets, np.int64(fingerprint(address) & np.uint64(buckets.shape[0] - 1)))


@inlined
def fetch_slot(buckets: npt.NDArray[np.uint64], slots: npt.NDArray[np.void], address: np.uint64) -> None:
    """Have the slot of an address come into the cache, where its bucket is the first that it may have."""
    entry = buckets[fingerprint(address) & np.uint64(buckets.shape[0] - 1)]
    # Of an empty bucket the first slot: which it is cannot be foreseen, and a branch would be guessed wrong.
    prefetch(slots, np.int64(entry & LOW32) if entry != EMPTY else np.int64(0))


@inlined
def put(buckets: npt.NDArray[np.uint64], mark: np.uint64, slot: Int) -> None:
    """Enter an allocation that is not there, by the fingerprint of its address; there must be room."""
    mask = np.uint64(buckets.shape[0] - 1)
    probe = mark & mask
    while buckets[probe] != EMPTY:
        probe = (probe + np.uint64(1)) & mask
    buckets[probe] = (mark << SHIFT) | np.uint64(slot)


@inlined
def remove(buckets: npt.NDArray[np.uint64], bucket: Int) -> None:
    """Empty a bucket and close the hole, so that no tombstones are left behind."""
    mask = np.uint64(buckets.shape[0] - 1)
    hole = np.uint64(bucket)
    probe = (hole + np.uint64(1)) & mask
    while buckets[probe] != EMPTY:
        home = (buckets[probe] >> SHIFT) & mask
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            buckets[hole] = buckets[probe]
            hole = probe
        probe = (probe + np.uint64(1)) & mask
    buckets[hole] = EMPTY


@kernel
def refill(old: npt.NDArray[np.uint64], buckets: npt.NDArray[np.uint64]) -> None:
    """Enter all allocations of ``old`` into a larger, empty table."""
    for entry in old:
        if entry != EMPTY:
            put(buckets, entry >> SHIFT, np.int64(entry & LOW32))


@inlined
def keyed_row(table: npt.NDArray[np.int32], keys: npt.NDArray[np.uint64], used: Int, key: np.uint64) -> Int:
    """Row of a key in a growing list; equal to ``used`` where it is new, -1 where there is no room for a new one.

    ``table`` has at least twice as many places as ``keys``.
    """
    mask = np.uint64(table.shape[0] - 1)
    probe = ((key * _GOLDEN) >> np.uint64(24)) & mask
    while table[probe] >= 0:
        if keys[table[probe]] == key:
            return np.int64(table[probe])
        probe = (probe + np.uint64(1)) & mask
    if used >= keys.shape[0]:
        return -1
    table[probe] = used
    keys[used] = key
    return used


@inlined
def site_key(tag_row: Int, stack: Int) -> np.uint64:
    """The key of a site for :func:`keyed_row`; ``stack`` is -1 for none."""
    return (np.uint64(tag_row) << SHIFT) | (np.uint64(np.int64(stack) + 1) & LOW32)


@inlined
def owned_key(tag_row: Int, stack: Int, process: np.uint32, thread: np.uint32) -> np.uint64:
    """The key of a site of one process or thread; two sites may have one key, though hardly ever."""
    owner = (np.uint64(process) << SHIFT) | np.uint64(thread)
    return site_key(tag_row, stack) ^ ((~owner) * _GOLDEN)


@inlined
def site_of(
    table: npt.NDArray[np.int32], keys: npt.NDArray[np.uint64], sites: npt.NDArray[np.void], used: Int, tag_row: Int,
    stack: Int, process: np.uint32, thread: np.uint32,
) -> Int:  # fmt: skip
    """Row of a site as :func:`keyed_row`; both ids are UNKNOWN_ID for one of all processes."""
    key = owned_key(tag_row, stack, process, thread)
    mask = np.uint64(table.shape[0] - 1)
    probe = ((key * _GOLDEN) >> np.uint64(24)) & mask
    while table[probe] >= 0:
        row = np.int64(table[probe])
        if keys[row] == key:
            site = sites[row]
            same = site["tag_row"] == tag_row and site["stack"] == stack
            if row == used or (same and site["process"] == process and site["thread"] == thread):
                return row
        probe = (probe + np.uint64(1)) & mask
    if used >= keys.shape[0]:
        return -1
    table[probe] = used
    keys[used] = key
    return used


@kernel
def _fill(table: npt.NDArray[np.int32], keys: npt.NDArray[np.uint64], used: int) -> None:
    for row in range(used):
        keyed_row(table, keys, row, keys[row])


def table_of(keys: npt.NDArray[np.uint64], used: int) -> npt.NDArray[np.int32]:
    """A table for :func:`keyed_row` over ``keys``, of which the first ``used`` are in it."""
    table = np.full(2 * len(keys), -1, np.int32)
    _fill(table, keys, used)
    return table
