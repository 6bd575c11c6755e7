"""Room for what a batch may open: the tables grow before it is followed, never in between."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.hashing import empty_index, refill
from analyzers.requests.records import (
    CONNECTION,
    COUNTS,
    ENDINGS,
    ENTRY,
    KIND,
    RELEASE,
    REQUEST,
    RING,
    SOCKET,
    SOURCE,
    THREAD,
    TrackerTables,
)
from analyzers.requests.tables import NEVER
from analyzers.trends.bins import BINS
from tracer.arrays import U64, Structured

_KEYS_OF_CALL: Final = 5
"""An IRP, a file object and its requests, a thread and a kind."""
_KEYS_OF_OPERATION: Final = 5
"""Two endpoints, a file object, a thread and a kind, as the operation of a request tells more of that."""
_KEYS_OF_INSERT: Final = 2
"""An entry and where it comes from."""
_THREAD_TIMES: Final = ("last_retired", "longest", "issued", "user", "buffer")


class Demand(NamedTuple):
    """Events of a batch that may open rows: driver calls, socket operations, insertions into queues, buffers, frees."""

    calls: int
    operations: int
    inserts: int
    buffers: int
    frees: int


def empty_tables(rows: int) -> TrackerTables:
    """Tables with room for so many requests, sockets and threads, a power of two."""
    counts = np.zeros(1, COUNTS)
    for first in ("free_request", "free_socket", "free_entry"):
        counts[first] = -1
    ring = np.zeros(RING, CONNECTION)
    ring["connecting"] = -1
    tracker = TrackerTables(
        requests=np.zeros(0, REQUEST),
        sockets=np.zeros(0, SOCKET),
        threads=np.zeros(0, THREAD),
        entries=np.zeros(0, ENTRY),
        sources=np.zeros(0, SOURCE),
        kinds=np.zeros(0, KIND),
        key_index=empty_index(4 * rows),
        ring=ring,
        released=np.zeros(0, RELEASE),
        counts=counts,
        endings=np.zeros(ENDINGS, np.int64),
        latency=np.zeros((2, BINS), np.int64),
    )
    return _with_kinds(_with_entries(_grown(tracker, rows, rows, rows), 1, 1), 1)


def live_irps(tracker: TrackerTables) -> U64:
    """Addresses of the IRPs that are in use."""
    return np.asarray(tracker.requests["address"][tracker.requests["serial"] >= 0])


def with_room(tracker: TrackerTables, demand: Demand) -> TrackerTables:
    """The tables, grown where needed for what so many events may open."""
    counts = tracker.counts[0]
    requests = int(counts["issued"] - tracker.endings.sum()) + demand.calls
    sockets = int(counts["opened"] - counts["cleaned"] - counts["replaced"]) + 2 * demand.operations
    tracker = _grown(
        tracker, requests, sockets, int(counts["threads"]) + demand.calls + demand.operations + demand.buffers
    )
    entries = int(counts["entries"] - counts["taken_entries"]) + demand.inserts
    tracker = _with_entries(tracker, entries, int(counts["sources"]) + demand.inserts)
    tracker = _with_kinds(tracker, int(counts["kinds"]) + demand.calls + demand.operations)
    if demand.frees > len(tracker.released):
        tracker = tracker._replace(released=np.zeros(_power_of_two(demand.frees), RELEASE))
    keys = _KEYS_OF_CALL * demand.calls + _KEYS_OF_OPERATION * demand.operations + _KEYS_OF_INSERT * demand.inserts
    return _with_keys(tracker, keys + demand.buffers)


def _with_entries(tracker: TrackerTables, entries: int, sources: int) -> TrackerTables:
    if entries > len(tracker.entries):
        old = len(tracker.entries)
        tracker = tracker._replace(entries=_longer(tracker.entries, entries))
        _give_free(tracker.entries, old, tracker.counts[0], "free_entry")
    return tracker._replace(sources=_longer(tracker.sources, sources)) if sources > len(tracker.sources) else tracker


def _with_kinds(tracker: TrackerTables, kinds: int) -> TrackerTables:
    return tracker._replace(kinds=_longer(tracker.kinds, kinds)) if kinds > len(tracker.kinds) else tracker


def _grown(tracker: TrackerTables, requests: int, sockets: int, threads: int) -> TrackerTables:
    if requests > len(tracker.requests):
        old = len(tracker.requests)
        # In place: the two copies of a growing array would be the largest thing in memory.
        tracker.requests.resize(max(requests, old + old // 2), refcheck=False)
        _give_free(tracker.requests, old, tracker.counts[0], "free_request")
    if sockets > len(tracker.sockets):
        old = len(tracker.sockets)
        tracker = tracker._replace(sockets=_longer(tracker.sockets, sockets))
        _give_free(tracker.sockets, old, tracker.counts[0], "free_socket")
    if threads > len(tracker.threads):
        old = len(tracker.threads)
        tracker = tracker._replace(threads=_longer(tracker.threads, threads))
        new = tracker.threads[old:]
        new["requests"] = new["calls"] = new["socket"] = -1
        for name in _THREAD_TIMES:
            new[name] = NEVER
    return tracker


def _longer(rows: Structured, count: int) -> Structured:
    longer = np.zeros(_power_of_two(count), rows.dtype)
    longer[: len(rows)] = rows
    return longer


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()


def _give_free(rows: Structured, old: int, counts: np.void, first: str) -> None:
    """New rows go to the front of the chain of those not in use."""
    rows["serial"][old:] = -1
    rows["next_free"][old:] = np.arange(old + 1, len(rows) + 1)
    rows["next_free"][-1] = counts[first]
    counts[first] = old


def _with_keys(tracker: TrackerTables, more: int) -> TrackerTables:
    """At most half of the index's places get a key; those without a row are dropped first."""
    index, counts = tracker.key_index, tracker.counts[0]
    if 2 * (counts["keys"] + more) <= len(index):
        return tracker
    live = int(np.count_nonzero(index["row"] >= 0))
    index = empty_index(_power_of_two(4 * (live + more)))
    counts["keys"] = refill(tracker.key_index, index)
    return tracker._replace(key_index=index)
