"""Kernel queues: entries of completed requests in completion ports, and other entries.

A completed request is queued by a list entry that lies in its IRP; other entries are mini packets, or no completion
at all. No event names a queue: who took entries of whose requests tells which belong together.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.hashing import row_of
from analyzers.requests.lifecycle import NONE, NOT_QUEUED, STAYS, UNKNOWN, enter
from analyzers.requests.records import (
    BY_QUEUE,
    IRP,
    MOST_TAKERS,
    QUEUE_ENTRY,
    QUEUE_SOURCE,
    SAMPLES,
    TrackerTables,
)
from analyzers.requests.tables import NEVER, Queued
from tracer.jit import Int, inlined, routine

_ENTRY_64: Final = np.uint64(0xA8)
_ENTRY_32: Final = np.uint64(0x58)
"""Where the entry lies in an IRP: ``Tail.Overlay.ListEntry`` of IRP (wdm.h), by pointer size."""
_WAITING: Final = int(Queued.WAITING)


@inlined
def request_around(index: np.ndarray, entry: np.uint64) -> Int:
    """The request whose IRP holds an entry, -1 for none."""
    slot = row_of(index, IRP, entry - _ENTRY_64)
    return slot if slot >= 0 else row_of(index, IRP, entry - _ENTRY_32)


@routine
def _source(tracker: TrackerTables, thread: np.uint32, in_irps: Int) -> Int:
    """Row of the entries that come from a thread, -1 for an unknown one; there must be room."""
    if thread == UNKNOWN:
        return NONE
    key = (np.uint64(thread) << np.uint64(1)) | np.uint64(in_irps)
    row = row_of(tracker.key_index, QUEUE_SOURCE, key)
    if row < 0:
        row = tracker.counts[0]["sources"]
        tracker.counts[0]["sources"] += 1
        source = tracker.sources[row]
        source["thread"] = thread
        source["in_irps"] = in_irps
        source["taken_until"] = NEVER
        source["emptied"] = NEVER
        source["every"] = 1
        enter(tracker.key_index, tracker.counts[0], QUEUE_SOURCE, key, row)
    return row


@inlined
def insert_request(tracker: TrackerTables, slot: Int, event: np.void) -> None:
    """The entry of a request is queued: it waits until somebody takes it."""
    row = tracker.requests[slot]
    if (row["completed"] == NEVER) | (row["queued"] != NOT_QUEUED):
        return
    row["queued"] = _WAITING
    row["queued_at"] = event["object"]
    row["queued_time"] = event["time"]
    row["queued_offset"] = event["offset"]
    row["queued_cpu"] = event["cpu"]
    row["queued_by"] = event["thread"]
    source = _source(tracker, row["thread"], 1)
    if source >= 0:
        tracker.sources[source]["inserted"] += 1


@inlined
def insert_entry(tracker: TrackerTables, event: np.void) -> None:
    """Another entry is queued; there must be room for it."""
    counts = tracker.counts[0]
    slot = row_of(tracker.key_index, QUEUE_ENTRY, event["object"])
    if slot < 0:
        slot = counts["free_entry"]
        counts["free_entry"] = tracker.entries[slot]["next_free"]
        counts["entries"] += 1
        enter(tracker.key_index, tracker.counts[0], QUEUE_ENTRY, event["object"], slot)
    row = tracker.entries[slot]
    row["address"] = event["object"]
    row["serial"] = counts["entries"]
    row["time"] = event["time"]
    row["offset"] = event["offset"]
    row["cpu"] = event["cpu"]
    row["thread"] = event["thread"]
    source = _source(tracker, event["thread"], 0)
    if source >= 0:
        tracker.sources[source]["inserted"] += 1


@routine
def _note_taken(tracker: TrackerTables, source: Int, inserted: np.int64, time: np.int64, taker: np.uint32) -> None:
    """An entry was taken: by whom, and how long it waited. The sample is halved where it is full."""
    if source < 0:
        return
    row = tracker.sources[source]
    waited = time - inserted
    row["taken_until"] = max(row["taken_until"], inserted)
    row["longest"] = max(row["longest"], waited)
    if row["taken"] % row["every"] == 0:
        if row["samples"] == SAMPLES:
            for k in range(SAMPLES // 2):
                row["at"][k] = row["at"][2 * k]
                row["waited"][k] = row["waited"][2 * k]
            row["samples"] = SAMPLES // 2
            row["every"] *= 2
        if row["taken"] % row["every"] == 0:
            row["at"][row["samples"]] = time
            row["waited"][row["samples"]] = waited
            row["samples"] += 1
    row["taken"] += 1
    if taker == UNKNOWN:
        return
    for k in range(MOST_TAKERS):
        if row["takers"][k] == taker:
            return
        if row["takers"][k] == 0:
            row["takers"][k] = taker
            return


@inlined
def note_emptied(tracker: TrackerTables, slot: Int, ending: Int) -> None:
    """A request is over while its entry waits: its port was closed, and everything that was in it released."""
    row = tracker.requests[slot]
    if (row["queued"] != _WAITING) | (ending == BY_QUEUE):
        return
    source = _source(tracker, row["thread"], 1)
    if source >= 0:
        tracker.sources[source]["emptied"] = max(tracker.sources[source]["emptied"], row["queued_time"])


@inlined
def take_request(tracker: TrackerTables, slot: Int, event: np.void) -> Int:
    """An entry of a request is taken off its queue. The way in which it is over."""
    row = tracker.requests[slot]
    if (row["queued"] != _WAITING) | (row["queued_at"] != event["object"]):
        return STAYS
    _note_taken(tracker, _source(tracker, row["thread"], 1), row["queued_time"], event["time"], event["thread"])
    return BY_QUEUE


@inlined
def take_entry(tracker: TrackerTables, event: np.void) -> None:
    """Another entry is taken off its queue."""
    slot = row_of(tracker.key_index, QUEUE_ENTRY, event["object"])
    if slot < 0:
        return
    row, counts = tracker.entries[slot], tracker.counts[0]
    _note_taken(tracker, _source(tracker, row["thread"], 0), row["time"], event["time"], event["thread"])
    enter(tracker.key_index, tracker.counts[0], QUEUE_ENTRY, event["object"], NONE)
    row["serial"] = NONE
    row["next_free"] = counts["free_entry"]
    counts["free_entry"] = slot
    counts["taken_entries"] += 1
