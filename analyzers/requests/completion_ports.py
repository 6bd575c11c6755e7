"""Kernel queues: entries of completed requests in completion ports, and other entries.

A completed request is queued by a list entry that lies in its packet; other entries are mini packets, or no completion
at all. No event names a queue: who took entries of whose requests tells which belong together.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.hashing import row_of
from analyzers.requests.lifecycle import NONE, NOT_QUEUED, STAYS, UNKNOWN, enter
from analyzers.requests.records import (
    BY_QUEUE,
    MOST_TAKERS,
    PACKET,
    QUEUE_ENTRY,
    QUEUE_SOURCE,
    SAMPLES,
    Book,
)
from analyzers.requests.tables import NEVER, Queued
from tracer.jit import Int, inlined, routine

_ENTRY_64: Final = np.uint64(0xA8)
_ENTRY_32: Final = np.uint64(0x58)
"""Where the entry lies in a request packet: ``Tail.Overlay.ListEntry`` of IRP (wdm.h), by pointer size."""
_WAITING: Final = int(Queued.WAITING)


@inlined
def request_around(index: np.ndarray, entry: np.uint64) -> Int:
    """The request whose packet holds an entry, -1 for none."""
    slot = row_of(index, PACKET, entry - _ENTRY_64)
    return slot if slot >= 0 else row_of(index, PACKET, entry - _ENTRY_32)


@routine
def _source(book: Book, thread: np.uint32, in_packets: Int) -> Int:
    """Row of the entries that come from a thread, -1 for an unknown one; there must be room."""
    if thread == UNKNOWN:
        return NONE
    key = (np.uint64(thread) << np.uint64(1)) | np.uint64(in_packets)
    row = row_of(book.places, QUEUE_SOURCE, key)
    if row < 0:
        row = book.counts[0]["sources"]
        book.counts[0]["sources"] += 1
        source = book.sources[row]
        source["thread"] = thread
        source["in_packets"] = in_packets
        source["taken_until"] = NEVER
        source["emptied"] = NEVER
        source["every"] = 1
        enter(book.places, book.counts[0], QUEUE_SOURCE, key, row)
    return row


@inlined
def insert_request(book: Book, slot: Int, event: np.void) -> None:
    """The entry of a request is queued: it waits until somebody takes it."""
    row = book.requests[slot]
    if (row["completed"] == NEVER) | (row["queued"] != NOT_QUEUED):
        return
    row["queued"] = _WAITING
    row["queued_at"] = event["object"]
    row["queued_time"] = event["time"]
    row["queued_offset"] = event["offset"]
    row["queued_cpu"] = event["cpu"]
    row["queued_by"] = event["thread"]
    source = _source(book, row["thread"], 1)
    if source >= 0:
        book.sources[source]["inserted"] += 1


@inlined
def insert_entry(book: Book, event: np.void) -> None:
    """Another entry is queued; there must be room for it."""
    counts = book.counts[0]
    slot = row_of(book.places, QUEUE_ENTRY, event["object"])
    if slot < 0:
        slot = counts["free_entry"]
        counts["free_entry"] = book.entries[slot]["next_free"]
        counts["entries"] += 1
        enter(book.places, book.counts[0], QUEUE_ENTRY, event["object"], slot)
    row = book.entries[slot]
    row["address"] = event["object"]
    row["serial"] = counts["entries"]
    row["time"] = event["time"]
    row["offset"] = event["offset"]
    row["cpu"] = event["cpu"]
    row["thread"] = event["thread"]
    source = _source(book, event["thread"], 0)
    if source >= 0:
        book.sources[source]["inserted"] += 1


@routine
def _note_taken(book: Book, source: Int, inserted: np.int64, time: np.int64, taker: np.uint32) -> None:
    """An entry was taken: by whom, and how long it waited. The sample is halved where it is full."""
    if source < 0:
        return
    row = book.sources[source]
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
def note_emptied(book: Book, slot: Int, way: Int) -> None:
    """A request is over while its entry waits: its port was closed, and everything that was in it released."""
    row = book.requests[slot]
    if (row["queued"] != _WAITING) | (way == BY_QUEUE):
        return
    source = _source(book, row["thread"], 1)
    if source >= 0:
        book.sources[source]["emptied"] = max(book.sources[source]["emptied"], row["queued_time"])


@inlined
def take_request(book: Book, slot: Int, event: np.void) -> Int:
    """An entry of a request is taken off its queue. The way in which it is over."""
    row = book.requests[slot]
    if (row["queued"] != _WAITING) | (row["queued_at"] != event["object"]):
        return STAYS
    _note_taken(book, _source(book, row["thread"], 1), row["queued_time"], event["time"], event["thread"])
    return BY_QUEUE


@inlined
def take_entry(book: Book, event: np.void) -> None:
    """Another entry is taken off its queue."""
    slot = row_of(book.places, QUEUE_ENTRY, event["object"])
    if slot < 0:
        return
    row, counts = book.entries[slot], book.counts[0]
    _note_taken(book, _source(book, row["thread"], 0), row["time"], event["time"], event["thread"])
    enter(book.places, book.counts[0], QUEUE_ENTRY, event["object"], NONE)
    row["serial"] = NONE
    row["next_free"] = counts["free_entry"]
    counts["free_entry"] = slot
    counts["taken_entries"] += 1
