"""Kernel queues: a completion that went to a completion port needs no APC.

The entry that is inserted lies inside the request packet, at a place that no document gives but that is the same in
every packet of a system. It is learned from a completion that is followed by an insertion on its CPU.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.index import PACKET, row_of
from analyzers.requests.life import NOT_QUEUED, STAYS
from analyzers.requests.rows import BY_QUEUE, ENTRY, I64, LAST_COMPLETED, LAST_SERIAL, Rows
from analyzers.requests.tables import NEVER, Queued
from tracer.jit import Int, inlined

_PACKET_BYTES: Final = 0x400
"""No list entry of a packet lies farther in: its fixed part has less than 0x100 bytes, a stack location 0x48."""
_STEP: Final = 8
_WAITING: Final = int(Queued.WAITING)


@inlined
def learn_entry(requests: Rows, counts: I64, event: np.void) -> None:
    """An entry is queued where a request was completed last: if it lies in that packet, then it does so in all."""
    last = counts[LAST_COMPLETED + event["cpu"]]
    if last >= 0:
        row = requests[last]
        inside = event["object"] - row["address"]
        same = (row["serial"] == counts[LAST_SERIAL + event["cpu"]]) & (inside < _PACKET_BYTES)
        if same & (row["completed"] != NEVER) & (row["queued"] == NOT_QUEUED):
            counts[ENTRY] = inside


@inlined
def request_around(index: Rows, counts: I64, entry: np.uint64) -> Int:
    """The request whose packet holds an entry; the nearest one below it while its place is not known. -1 for none."""
    known = counts[ENTRY]
    back = max(known, np.int64(0))
    slot = row_of(index, PACKET, entry - np.uint64(back))
    while (slot < 0) & (known < 0) & (back < _PACKET_BYTES - _STEP):
        back += _STEP
        slot = row_of(index, PACKET, entry - np.uint64(back))
    return slot


@inlined
def insert(row: np.void, entry: np.uint64) -> None:
    """An entry of a request is queued: it waits until somebody takes it."""
    if (row["completed"] != NEVER) & (row["queued"] == NOT_QUEUED):
        row["queued"] = _WAITING
        row["queued_at"] = entry


@inlined
def take(row: np.void, entry: np.uint64) -> Int:
    """An entry of a request is taken off its queue by whoever handles the completion. The way in which it is over."""
    return BY_QUEUE if (row["queued"] == _WAITING) & (row["queued_at"] == entry) else STAYS
