"""Pool events and ended threads: how requests are seen to be retired."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.columns import Pool
from analyzers.requests.life import NONE, leave_thread, request_at, retire, thread_row
from analyzers.requests.rows import STATE_BY_EXIT, STATE_BY_FREE, STATE_BY_REUSE, Book
from analyzers.requests.tables import NEVER, Completion
from analyzers.trends.bins import bin_of
from tracer.events.pool import FREE, FREE_SESSION
from tracer.jit import Int, inlined, kernel

_FREE: Final = FREE
_FREE_SESSION: Final = FREE_SESSION
_TAG_START: Final = np.uint32(int.from_bytes(b"Irp", "little"))
_TAG_MASK: Final = np.uint32(0xFFFFFF)
"""Tags of the I/O manager's packets begin with Irp (pooltag.txt)."""
_HEADERS: Final = (8, 16)
"""Bytes of a pool header on x86 and x64: where a trace names blocks by their headers, packets lie behind these."""
_INLINE: Final = int(Completion.INLINE)


@inlined
def _packet_in(book: Book, pool: Pool, i: Int) -> Int:
    """The request whose packet is the block of a pool event; -1 for none."""
    slot = request_at(book, pool.entry[i])
    if slot < 0 and pool.tag[i] & _TAG_MASK == _TAG_START:
        for header in _HEADERS:
            slot = max(slot, request_at(book, pool.entry[i] + np.uint64(header)))
    return slot


@inlined
def pool_event(book: Book, pool: Pool, i: Int) -> None:
    """A packet's block is freed; or allocated, so that its free was lost.

    An event of the packet's own issue time on another CPU came before it: the order between CPUs is not recorded.
    """
    slot = _packet_in(book, pool, i)
    if slot < 0:
        return
    row = book.requests[slot]
    if row["issued"] == pool.time[i] and row["issued_cpu"] != pool.cpu[i]:
        return
    if pool.event[i] != _FREE and pool.event[i] != _FREE_SESSION:
        retire(book, slot, STATE_BY_REUSE)
        return
    if row["completed"] != NEVER and row["completion"] != _INLINE:
        book.latency[bin_of(np.int64(pool.time[i] - row["completed"]))]["retire"] += 1
    retire(book, slot, STATE_BY_FREE)


@kernel
def exit_thread(book: Book, thread: np.uint32) -> None:
    """A thread has ended: none of its requests waits for an APC, and those still under way will not."""
    owner_row = thread_row(book, thread)
    if owner_row < 0:
        return
    owner = book.threads[owner_row]
    slot = np.int64(owner["requests"])
    while slot >= 0:
        row = book.requests[slot]
        older = np.int64(row["thread_next"])
        if row["completed"] != NEVER:
            retire(book, slot, STATE_BY_EXIT)
        else:
            leave_thread(book, slot)
            row["orphan"] = 1
        slot = older
    owner["calls"] = NONE
    owner["socket"] = NONE
