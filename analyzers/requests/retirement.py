"""Pool events and ended threads: how requests are seen to be retired."""

from __future__ import annotations

import numpy as np

from analyzers.hashing import row_of
from analyzers.requests.events import FREE
from analyzers.requests.lifecycle import NONE, STAYS, thread_row
from analyzers.requests.records import (
    BY_FREE,
    BY_REUSE,
    RETIREMENTS,
    THREAD_ID,
    Book,
)
from analyzers.requests.tables import NEVER, Completion
from analyzers.trends.bins import bin_of
from tracer.jit import Int, inlined

_INLINE = int(Completion.INLINE)


@inlined
def block_event(book: Book, slot: Int, event: np.void) -> Int:
    """A packet's block is freed; or allocated, so that its free was lost. The way in which its request is over.

    An event of the packet's own issue time on another CPU came before it: the order between CPUs is not recorded.
    """
    row = book.requests[slot]
    if (row["issued"] == event["time"]) & (row["issued_cpu"] != event["cpu"]):
        return STAYS
    if event["kind"] != FREE:
        return BY_REUSE
    if row["completed"] != NEVER:
        took = event["time"] - row["completed"]
        if (row["completion"] > _INLINE) & (took >= 0):
            book.latency[RETIREMENTS, bin_of(took)] += 1
        if row["thread_row"] >= 0:
            owner = book.threads[row["thread_row"]]
            owner["longest"] = max(owner["longest"], took)
    return BY_FREE


@inlined
def note_buffer(book: Book, event: np.void) -> None:
    """A thread gets a system buffer, for the request that it sends next; there must be room for a thread."""
    thread = thread_row(book.places, book.threads, book.counts[0], event["thread"])
    if thread >= 0:
        book.threads[thread]["buffer"] = event["time"]


@inlined
def exit_thread(book: Book, event: np.void) -> None:
    """A thread ends: what it has in flight is cancelled from now on, and its user APCs are run down.

    What is known of it is not true of the next thread that gets its id.
    """
    thread = row_of(book.places, THREAD_ID, np.uint64(event["thread"]))
    if thread < 0:
        return
    owner = book.threads[thread]
    slot = owner["requests"]
    while slot >= 0:
        row = book.requests[slot]
        row["thread_row"] = NONE
        row["in_call"] = 0
        row["exited"] = event["time"]
        slot = row["thread_next"]
    owner["requests"] = NONE
    owner["calls"] = NONE
    owner["socket"] = NONE
    owner["completed"] = 0
    owner["last_retired"] = NEVER
    owner["longest"] = NEVER
    owner["issued"] = NEVER
    owner["user"] = NEVER
