"""Room for what a batch may open: the tables grow before it is followed, never in between."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.hashing import empty_index, refill
from analyzers.requests.records import (
    CONNECTION,
    COUNTS,
    ENTRY,
    KIND,
    REQUEST,
    RING,
    SOCKET,
    SOURCE,
    THREAD,
    U64,
    WAYS,
    Book,
    Rows,
)
from analyzers.requests.tables import NEVER
from analyzers.trends.bins import BINS

_KEYS_OF_CALL: Final = 5
"""A packet, a file object and its requests, a thread and a kind."""
_KEYS_OF_OPERATION: Final = 5
"""Two endpoints, a file object, a thread and a kind, as the operation of a request tells more of that."""
_KEYS_OF_INSERT: Final = 2
"""An entry and where it comes from."""
_THREAD_TIMES: Final = ("last_retired", "longest", "issued", "user", "buffer")


class Demand(NamedTuple):
    """Events of a batch that may open rows: driver calls, socket operations, insertions into queues, buffers."""

    calls: int
    operations: int
    inserts: int
    buffers: int


def empty_book(rows: int) -> Book:
    """A book with room for so many requests, sockets and threads, a power of two."""
    counts = np.zeros(1, COUNTS)
    for first in ("free_request", "free_socket", "free_entry"):
        counts[first] = -1
    ring = np.zeros(RING, CONNECTION)
    ring["connecting"] = -1
    book = Book(
        requests=np.zeros(0, REQUEST),
        sockets=np.zeros(0, SOCKET),
        threads=np.zeros(0, THREAD),
        entries=np.zeros(0, ENTRY),
        sources=np.zeros(0, SOURCE),
        kinds=np.zeros(0, KIND),
        places=empty_index(4 * rows),
        ring=ring,
        counts=counts,
        ways=np.zeros(WAYS, np.int64),
        latency=np.zeros((2, BINS), np.int64),
    )
    return _with_kinds(_with_entries(_grown(book, rows, rows, rows), 1, 1), 1)


def live_packets(book: Book) -> U64:
    """Addresses of the packets of the requests on the book."""
    return np.asarray(book.requests["address"][book.requests["serial"] >= 0])


def with_room(book: Book, demand: Demand) -> Book:
    """The book with room for what so many events may open."""
    counts = book.counts[0]
    requests = int(counts["issued"] - book.ways.sum()) + demand.calls
    sockets = int(counts["opened"] - counts["cleaned"] - counts["replaced"]) + 2 * demand.operations
    book = _grown(book, requests, sockets, int(counts["threads"]) + demand.calls + demand.operations + demand.buffers)
    entries = int(counts["entries"] - counts["taken_entries"]) + demand.inserts
    book = _with_entries(book, entries, int(counts["sources"]) + demand.inserts)
    book = _with_kinds(book, int(counts["kinds"]) + demand.calls + demand.operations)
    keys = _KEYS_OF_CALL * demand.calls + _KEYS_OF_OPERATION * demand.operations + _KEYS_OF_INSERT * demand.inserts
    return _with_keys(book, keys + demand.buffers)


def _with_entries(book: Book, entries: int, sources: int) -> Book:
    if entries > len(book.entries):
        old = len(book.entries)
        book = book._replace(entries=_longer(book.entries, entries))
        _give_free(book.entries, old, book.counts[0], "free_entry")
    return book._replace(sources=_longer(book.sources, sources)) if sources > len(book.sources) else book


def _with_kinds(book: Book, kinds: int) -> Book:
    return book._replace(kinds=_longer(book.kinds, kinds)) if kinds > len(book.kinds) else book


def _grown(book: Book, requests: int, sockets: int, threads: int) -> Book:
    if requests > len(book.requests):
        old = len(book.requests)
        # In place: the two copies of a growing array would be the largest thing in memory.
        book.requests.resize(max(requests, old + old // 2), refcheck=False)
        _give_free(book.requests, old, book.counts[0], "free_request")
    if sockets > len(book.sockets):
        old = len(book.sockets)
        book = book._replace(sockets=_longer(book.sockets, sockets))
        _give_free(book.sockets, old, book.counts[0], "free_socket")
    if threads > len(book.threads):
        old = len(book.threads)
        book = book._replace(threads=_longer(book.threads, threads))
        new = book.threads[old:]
        new["requests"] = new["calls"] = new["socket"] = -1
        for name in _THREAD_TIMES:
            new[name] = NEVER
    return book


def _longer(rows: Rows, count: int) -> Rows:
    longer = np.zeros(_power_of_two(count), rows.dtype)
    longer[: len(rows)] = rows
    return longer


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()


def _give_free(rows: Rows, old: int, counts: np.void, first: str) -> None:
    """New rows go to the front of the chain of those not in use."""
    rows["serial"][old:] = -1
    rows["next_free"][old:] = np.arange(old + 1, len(rows) + 1)
    rows["next_free"][-1] = counts[first]
    counts[first] = old


def _with_keys(book: Book, more: int) -> Book:
    """At most half of the index's places get a key; those without a row are dropped first."""
    index, counts = book.places, book.counts[0]
    if 2 * (counts["keys"] + more) <= len(index):
        return book
    live = int(np.count_nonzero(index["row"] >= 0))
    index = empty_index(_power_of_two(4 * (live + more)))
    counts["keys"] = refill(book.places, index)
    return book._replace(places=index)
