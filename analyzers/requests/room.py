"""Room for what a batch may open: the tables grow before it is followed, never in between."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.index import empty_index, refill
from analyzers.requests.rows import (
    CLEANED,
    CONNECTION,
    COUNTS,
    ENTRY,
    FREE_REQUEST,
    FREE_SOCKET,
    I64,
    ISSUED,
    KEYS,
    LAST_COMPLETED,
    OPENED,
    REPLACED,
    REQUEST,
    RING,
    RUNNING,
    SOCKET,
    THREAD,
    THREADS,
    WAYS,
    Book,
    Rows,
)
from analyzers.requests.tables import NEVER
from tracer.columns import UNKNOWN_ID

_KEYS_OF_CALL: Final = 3
"""A packet, a file object and a thread."""
_KEYS_OF_OPERATION: Final = 4
"""Two endpoints, a file object and a thread."""


def empty_book(rows: int) -> Book:
    """A book with room for so many requests, sockets and threads, a power of two."""
    counts = np.zeros(COUNTS, np.int64)
    counts[[ENTRY, FREE_REQUEST, FREE_SOCKET]] = -1
    counts[LAST_COMPLETED:] = -1
    counts[RUNNING:] = UNKNOWN_ID
    ring = np.zeros(RING, CONNECTION)
    ring["connecting"] = -1
    book = Book(
        requests=np.zeros(0, REQUEST),
        sockets=np.zeros(0, SOCKET),
        threads=np.zeros(0, THREAD),
        places=empty_index(4 * rows),
        ring=ring,
        counts=counts,
    )
    return _grown(book, rows, rows, rows)


def live_requests(book: Book) -> Rows:
    """The requests on the book."""
    return book.requests[book.requests["serial"] >= 0]


def with_room(book: Book, calls: int, operations: int) -> Book:
    """The book with room for what so many driver calls and socket operations may open."""
    counts = book.counts
    requests = int(counts[ISSUED] - counts[:WAYS].sum()) + calls
    sockets = int(counts[OPENED] - counts[CLEANED] - counts[REPLACED]) + 2 * operations
    book = _grown(book, requests, sockets, int(counts[THREADS]) + calls + operations)
    return _with_keys(book, _KEYS_OF_CALL * calls + _KEYS_OF_OPERATION * operations)


def _grown(book: Book, requests: int, sockets: int, threads: int) -> Book:
    if requests > len(book.requests):
        old = len(book.requests)
        # In place: the two copies of a growing array would be the largest thing in memory.
        book.requests.resize(_power_of_two(requests), refcheck=False)
        _give_free(book.requests, old, book.counts, FREE_REQUEST)
    if sockets > len(book.sockets):
        old = len(book.sockets)
        book = book._replace(sockets=_longer(book.sockets, sockets))
        _give_free(book.sockets, old, book.counts, FREE_SOCKET)
    if threads > len(book.threads):
        old = len(book.threads)
        book = book._replace(threads=_longer(book.threads, threads))
        new = book.threads[old:]
        new["requests"] = new["calls"] = new["socket"] = -1
        new["last_retired"] = NEVER
    return book


def _longer(rows: Rows, count: int) -> Rows:
    longer = np.zeros(_power_of_two(count), rows.dtype)
    longer[: len(rows)] = rows
    return longer


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()


def _give_free(rows: Rows, old: int, counts: I64, first: int) -> None:
    """New rows go to the front of the chain of those not in use."""
    rows["serial"][old:] = -1
    rows["next_free"][old:] = np.arange(old + 1, len(rows) + 1)
    rows["next_free"][-1] = counts[first]
    counts[first] = old


def _with_keys(book: Book, more: int) -> Book:
    """At most half of the index's places get a key; those without a row are dropped first."""
    index, counts = book.places, book.counts
    if 2 * (counts[KEYS] + more) <= len(index):
        return book
    live = int(np.count_nonzero(index["row"] >= 0))
    index = empty_index(_power_of_two(4 * (live + more)))
    counts[KEYS] = refill(book.places, index)
    return book._replace(places=index)
