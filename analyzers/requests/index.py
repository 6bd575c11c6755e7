"""Where things are on the book: rows by address or id, in one hash table with linear probing.

A key that is not needed any more stays, without a row: packets and endpoints come back at the same addresses. Those
that do not are dropped when the table is filled anew.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.records import I64, KEYS, Rows
from tracer.jit import Int, inlined, kernel, routine

INDEX: Final = np.dtype([("key", "<u8"), ("row", "<i8")])
"""One place: ``row`` is -1 where there is none; ``key`` 0 where there never was one."""

PACKET: Final = np.uint64(1)
ENDPOINT: Final = np.uint64(2)
FILE: Final = np.uint64(3)
THREAD_ID: Final = np.uint64(4)
QUEUE_ENTRY: Final = np.uint64(5)
QUEUE_SOURCE: Final = np.uint64(6)
REQUEST_KIND: Final = np.uint64(7)
FILE_REQUESTS: Final = np.uint64(8)
"""What a key is the address or id of."""
_KIND_BITS: Final = np.uint64(4)
"""The kind takes the place of the four upper bits of an address, which say nothing: they are all alike."""
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_UPPER: Final = np.uint64(32)
_NEXT: Final = np.uint64(1)
_NEVER_USED: Final = np.uint64(0)


@inlined
def _place(index: Rows, key: np.uint64) -> np.uint64:
    mask = np.uint64(index.shape[0] - 1)
    place = ((key * _GOLDEN) >> _UPPER) & mask
    while (index[place]["key"] != key) & (index[place]["key"] != _NEVER_USED):
        place = (place + _NEXT) & mask
    return place


@routine
def row_of(index: Rows, kind: np.uint64, address: np.uint64) -> Int:
    """Row of an address or id, -1 for none."""
    return index[_place(index, (address << _KIND_BITS) | kind)]["row"]  # type: ignore[no-any-return]


@routine
def put(index: Rows, counts: I64, kind: np.uint64, address: np.uint64, row: Int) -> None:
    """Enter the row of an address or id, -1 to take it off; there must be room for one more key."""
    key = (address << _KIND_BITS) | kind
    entry = index[_place(index, key)]
    if entry["key"] == _NEVER_USED:
        entry["key"] = key
        counts[KEYS] += 1
    entry["row"] = row


@kernel
def refill(old: Rows, index: Rows) -> Int:
    """Enter all that has a row into an empty table; how many there are."""
    used = 0
    for k in range(old.shape[0]):
        if old[k]["row"] >= 0:
            entry = index[_place(index, old[k]["key"])]
            entry["key"] = old[k]["key"]
            entry["row"] = old[k]["row"]
            used += 1
    return used


def empty_index(places: int) -> Rows:
    """A table without keys; ``places`` is a power of two."""
    index = np.zeros(places, INDEX)
    index["row"] = -1
    return index
