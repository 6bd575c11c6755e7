"""Hash tables in kernels: rows by what they are of, and live allocations by address.

Both use open addressing with linear probing; their sizes are powers of two. At most half of the places of an index are
taken, and a third of the buckets: a fuller table is smaller, but more often a branch is guessed wrong.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import U64, Structured
from tracer.hashing import GOLDEN
from tracer.jit import Int, inlined, kernel, routine
from tracer.prefetch import prefetch

SHIFT: Final = np.uint64(32)
LOW32: Final = np.uint64(0xFFFFFFFF)
_NEXT: Final = np.uint64(1)
_HALF: Final = np.uint64(33)
_SECOND: Final = np.uint64(0xC4CEB9FE1A85EC53)
"""The second multiplier of MurmurHash3's 64-bit finalizer, whose steps :func:`spread` takes."""

INDEX: Final = np.dtype([("key", "<u8"), ("row", "<i8")])
"""One place of an index: ``row`` is -1 where there is none; ``key`` 0 where there never was one.

A key that is not needed any more stays, without a row: addresses come back. Those that do not are dropped when the
index is filled anew.
"""
_KIND_BITS: Final = np.uint64(4)
"""The kind takes the place of the four upper bits of an address, which say nothing: they are all alike."""
_NEVER_USED: Final = np.uint64(0)

EMPTY: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
"""A bucket without an allocation. Others hold a fingerprint in the upper and a slot in the lower 32 bits."""
FAR: Final = 16
"""Events ahead for which the bucket is fetched into the cache: buckets lie anywhere in megabytes."""
NEAR: Final = 8
"""Events ahead for which, the bucket being there, the slot is fetched."""


@inlined
def _place(index: Structured, key: np.uint64) -> np.uint64:
    mask = np.uint64(index.shape[0] - 1)
    place = ((key * GOLDEN) >> SHIFT) & mask
    while (index[place]["key"] != key) & (index[place]["key"] != _NEVER_USED):
        place = (place + _NEXT) & mask
    return place


@routine
def row_of(index: Structured, kind: np.uint64, number: np.uint64) -> Int:
    """Row of an address or id, -1 for none; ``kind``, from 1 to 15, says what it is of."""
    return index[_place(index, (number << _KIND_BITS) | kind)]["row"]  # type: ignore[no-any-return]


@routine
def put(index: Structured, kind: np.uint64, number: np.uint64, row: Int) -> int:
    """Enter the row of an address or id, -1 to take it off; there must be room. How many keys that adds: 0 or 1."""
    key = (number << _KIND_BITS) | kind
    entry = index[_place(index, key)]
    entry["row"] = row
    if entry["key"] == key:
        return 0
    entry["key"] = key
    return 1


@kernel
def refill(old: Structured, index: Structured) -> Int:
    """Enter all that has a row into an empty index; how many there are."""
    used = 0
    for k in range(old.shape[0]):
        if old[k]["row"] >= 0:
            entry = index[_place(index, old[k]["key"])]
            entry["key"] = old[k]["key"]
            entry["row"] = old[k]["row"]
            used += 1
    return used


def empty_index(places: int) -> Structured:
    """An index without keys; ``places`` is a power of two."""
    index = np.zeros(places, INDEX)
    index["row"] = -1
    return index


def doubled(index: Structured) -> Structured:
    """An index with twice the places."""
    larger = empty_index(2 * len(index))
    refill(index, larger)
    return larger


@inlined
def fingerprint(address: np.uint64) -> np.uint64:
    """32 bits of hash; a bucket holds it beside the slot number, and its low bits are the bucket's home."""
    return ((address ^ (address >> SHIFT)) * GOLDEN) >> SHIFT


@inlined
def spread(address: np.uint64) -> np.uint64:
    """A hash whose bits are as those of a number drawn by chance, also where addresses follow one another evenly."""
    mixed = (address ^ (address >> _HALF)) * GOLDEN
    mixed = (mixed ^ (mixed >> _HALF)) * _SECOND
    return mixed ^ (mixed >> _HALF)


@inlined
def find(buckets: U64, slots: Structured, address: np.uint64) -> Int:
    """Bucket of a live address, -1 for none."""
    mask = np.uint64(buckets.shape[0] - 1)
    mark = fingerprint(address)
    probe = mark & mask
    while buckets[probe] != EMPTY:
        entry = buckets[probe]
        if entry >> SHIFT == mark and slots[np.int64(entry & LOW32)]["address"] == address:
            return np.int64(probe)
        probe = (probe + _NEXT) & mask
    return -1


@inlined
def fetch_bucket(buckets: U64, address: np.uint64) -> None:
    """Have the bucket of an address come into the cache."""
    prefetch(buckets, np.int64(fingerprint(address) & np.uint64(buckets.shape[0] - 1)))


@inlined
def fetch_slot(buckets: U64, slots: Structured, address: np.uint64) -> None:
    """Have the slot of an address come into the cache, where its bucket is the first that it may have."""
    entry = buckets[fingerprint(address) & np.uint64(buckets.shape[0] - 1)]
    # Of an empty bucket the first slot: which it is cannot be foreseen, and a branch would be guessed wrong.
    prefetch(slots, np.int64(entry & LOW32) if entry != EMPTY else np.int64(0))


@inlined
def enter(buckets: U64, mark: np.uint64, slot: Int) -> None:
    """Enter an allocation that is not there, by the fingerprint of its address; there must be room."""
    mask = np.uint64(buckets.shape[0] - 1)
    probe = mark & mask
    while buckets[probe] != EMPTY:
        probe = (probe + _NEXT) & mask
    buckets[probe] = (mark << SHIFT) | np.uint64(slot)


@inlined
def remove(buckets: U64, bucket: Int) -> None:
    """Empty a bucket and close the hole, so that no tombstones are left behind."""
    mask = np.uint64(buckets.shape[0] - 1)
    hole = np.uint64(bucket)
    probe = (hole + _NEXT) & mask
    while buckets[probe] != EMPTY:
        home = (buckets[probe] >> SHIFT) & mask
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            buckets[hole] = buckets[probe]
            hole = probe
        probe = (probe + _NEXT) & mask
    buckets[hole] = EMPTY


@kernel
def refill_buckets(old: U64, buckets: U64) -> None:
    """Enter all allocations of ``old`` into larger, empty buckets."""
    for entry in old:
        if entry != EMPTY:
            enter(buckets, entry >> SHIFT, np.int64(entry & LOW32))
