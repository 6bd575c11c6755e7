"""Pool events and ended threads: how requests are seen to be retired."""

from __future__ import annotations

import numpy as np

from analyzers.hashing import row_of
from analyzers.requests.events import FREE
from analyzers.requests.lifecycle import NONE, STAYS, kind_row, thread_row
from analyzers.requests.records import (
    BY_FREE,
    BY_REUSE,
    RETIREMENTS,
    THREAD_ID,
    TrackerTables,
)
from analyzers.requests.tables import NEVER, Completion
from analyzers.trends.bins import bin_of
from tracer.jit import Int, inlined

_INLINE = int(Completion.INLINE)


@inlined
def block_event(tracker: TrackerTables, slot: Int, event: np.void) -> Int:
    """An IRP's block is freed; or allocated, so that its free was lost. The way in which its request is over.

    An event of the IRP's own issue time on another CPU came before it: the order between CPUs is not recorded.
    """
    row = tracker.requests[slot]
    if (row["issued"] == event["time"]) & (row["issued_cpu"] != event["cpu"]):
        return STAYS
    if event["kind"] != FREE:
        return BY_REUSE
    if row["completed"] != NEVER:
        took = event["time"] - row["completed"]
        if (row["completion"] > _INLINE) & (took >= 0):
            tracker.latency[RETIREMENTS, bin_of(took)] += 1
        if row["thread_row"] >= 0:
            owner = tracker.threads[row["thread_row"]]
            owner["longest"] = max(owner["longest"], took)
        if event["stack"] >= 0:
            _note_release(tracker, row, event)
    return BY_FREE


@inlined
def _note_release(tracker: TrackerTables, row: np.void, event: np.void) -> None:
    """A completed request's IRP is freed, with a stack; there must be room."""
    note = tracker.released[tracker.counts[0]["released"]]
    note["kind"] = kind_row(tracker, row)
    note["process"] = event["process"]
    note["thread"] = event["thread"]
    note["stack"] = event["stack"]
    tracker.counts[0]["released"] += 1


@inlined
def note_buffer(tracker: TrackerTables, event: np.void) -> None:
    """A thread gets a system buffer, for the request that it sends next; there must be room for a thread."""
    thread = thread_row(tracker.key_index, tracker.threads, tracker.counts[0], event["thread"])
    if thread >= 0:
        tracker.threads[thread]["buffer"] = event["time"]


@inlined
def exit_thread(tracker: TrackerTables, event: np.void) -> None:
    """A thread ends: what it has in flight is cancelled from now on, and its user APCs are run down.

    What is known of it is not true of the next thread that gets its id.
    """
    thread = row_of(tracker.key_index, THREAD_ID, np.uint64(event["thread"]))
    if thread < 0:
        return
    owner = tracker.threads[thread]
    slot = owner["requests"]
    while slot >= 0:
        row = tracker.requests[slot]
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
