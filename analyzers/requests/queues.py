"""Kernel queues: a completion that went to a completion port needs no APC.

The entry that is inserted lies inside the request packet, at a place that no document gives but that is the same in
every packet of a system. It is learned from a completion that is followed by an insertion on its CPU.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.columns import Queues
from analyzers.requests.life import NONE, request_at, retire
from analyzers.requests.rows import STATE_BY_QUEUE, STATE_ENTRY, Book
from analyzers.requests.tables import NEVER, Queued
from tracer.jit import Int, inlined, kernel

_PACKET_BYTES: Final = np.uint64(0x400)
"""No list entry of a packet lies farther in: its fixed part has less than 0x100 bytes, a stack location 0x48."""
_STEP: Final = 8
_NOT_QUEUED: Final = int(Queued.NO)
_WAITING: Final = int(Queued.WAITING)


@inlined
def _is_completed(book: Book, slot: Int) -> bool:
    row = book.requests[slot]
    return row["completed"] != NEVER and row["queued"] == _NOT_QUEUED  # type: ignore[no-any-return]


@inlined
def _owner(book: Book, cpu: Int, entry: np.uint64) -> Int:
    """The completed request whose packet holds the entry; -1 for none."""
    last = book.cpus[cpu]
    slot = np.int64(last["completed"])
    if slot >= 0:
        row = book.requests[slot]
        inside = row["live"] == 1 and row["serial"] == last["serial"] and entry - row["address"] < _PACKET_BYTES
        if inside and _is_completed(book, slot):
            book.state[STATE_ENTRY] = np.int64(entry - row["address"])
            return slot
    known = book.state[STATE_ENTRY]
    if known >= 0:
        slot = np.int64(request_at(book, entry - np.uint64(known)))
        return slot if slot >= 0 and _is_completed(book, slot) else NONE
    for back in range(0, np.int64(_PACKET_BYTES), _STEP):
        slot = np.int64(request_at(book, entry - np.uint64(back)))
        if slot >= 0:
            return slot if _is_completed(book, slot) else NONE
    return NONE


@kernel
def insert(book: Book, queues: Queues, i: Int) -> None:
    """An entry is queued: it waits until somebody takes it."""
    slot = _owner(book, queues.cpu[i], queues.entry[i])
    if slot >= 0:
        row = book.requests[slot]
        row["queued"] = _WAITING
        row["queued_at"] = queues.entry[i]


@inlined
def _waiting(book: Book, entry: np.uint64) -> Int:
    """The request that was queued by this entry, -1 for none."""
    known = book.state[STATE_ENTRY]
    first: Int = max(known, np.int64(0))
    last: Int = known + 1 if known >= 0 else np.int64(_PACKET_BYTES)
    for back in range(first, last, _STEP):
        slot = request_at(book, entry - np.uint64(back))
        if slot >= 0:
            row = book.requests[slot]
            return slot if row["queued"] == _WAITING and row["queued_at"] == entry else NONE
    return NONE


@kernel
def take(book: Book, queues: Queues, i: Int) -> None:
    """Entries are taken off a queue by whoever handles the completions: these requests are retired."""
    count = np.int64(queues.taken[i])
    length = queues.length[i]
    width = 8 if length >= 8 * count else 4
    for k in range(min(count, length // width)):
        at = queues.start[i] + k * width
        entry = np.uint64(0)
        for byte in range(width - 1, -1, -1):
            entry = (entry << np.uint64(8)) | np.uint64(queues.data[at + byte])
        slot = _waiting(book, entry)
        if slot >= 0:
            retire(book, slot, STATE_BY_QUEUE)
