"""Requests and sockets of a trace: takes batches, gives the ones that are not over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, TypeVar

import numpy as np
import numpy.typing as npt

from analyzers.fields import merged
from analyzers.ledger.tables import EMPTY, refill, table_of
from analyzers.requests import columns
from analyzers.requests.advance import advance, follow_switches
from analyzers.requests.rows import (
    CONNECTION,
    CPU,
    DONE,
    LATENCY,
    REQUEST,
    REQUESTS_FULL,
    RING,
    SOCKET,
    SOCKETS_FULL,
    STATE_ENTRY,
    STATE_REQUESTS_FREE,
    STATE_ROWS,
    STATE_SOCKETS_FREE,
    STATE_THREADS,
    THREAD,
    Book,
)
from analyzers.requests.tables import RequestSnapshot
from analyzers.requests.view import snapshot_of
from analyzers.threads import Threads
from analyzers.trends.bins import BINS
from analyzers.who import Running
from tracer.columns import UNKNOWN_ID, EventTable
from tracer.etl.headers import MAX_PROCESSORS
from tracer.trace import Batch

_Row = TypeVar("_Row", bound=np.generic)

_FIRST_ROWS: Final = 1 << 8


class Requests:
    """All requests and sockets that are not over. Feed it every batch in order."""

    KINDS: ClassVar = frozenset({"irp", "afd", "queue", "tcp", "tcpip", "thread", "pool", "context_switch", "process"})
    """Kinds of events that are looked at."""
    _OWN: ClassVar = ("irp", "afd", "queue", "tcp", "tcpip")

    def __init__(self, rows: int = _FIRST_ROWS) -> None:
        """``rows``: how many requests, sockets and threads there is room for at first, a power of two, at least 2."""
        state = np.zeros(STATE_ROWS, np.int64)
        state[[STATE_REQUESTS_FREE, STATE_SOCKETS_FREE, STATE_ENTRY]] = -1
        self._book = Book(
            requests=np.zeros(rows, REQUEST),
            by_packet=np.full(2 * rows, EMPTY, np.uint64),
            sockets=np.zeros(rows, SOCKET),
            by_endpoint=np.full(2 * rows, EMPTY, np.uint64),
            by_file=np.full(2 * rows, EMPTY, np.uint64),
            threads=np.zeros(rows, THREAD),
            thread_keys=np.zeros(rows, np.uint64),
            thread_table=np.full(2 * rows, -1, np.int32),
            cpus=np.zeros(MAX_PROCESSORS, CPU),
            connections=np.zeros(RING, CONNECTION),
            latency=np.zeros(BINS, LATENCY),
            state=state,
        )
        self._book.cpus["running"] = UNKNOWN_ID
        self._book.cpus["completed"] = -1
        self._book.connections["connecting"] = -1
        self._seen: set[str] = set()
        self._process_ids: dict[int, int] = {}

    def feed(self, batch: Batch) -> None:
        """Take one batch. One without requests and sockets, in a trace that had none so far, costs next to nothing."""
        tables = batch.tables
        self._seen.update(kind for kind in self._OWN if kind in tables)
        if "process" in tables:
            self._note_processes(tables["process"])
        if not self._seen.isdisjoint(("irp", "afd")):
            self._follow(tables)
        elif "context_switch" in tables:
            follow_switches(self._book.cpus, columns.switches(tables["context_switch"]))

    def snapshot(self, threads: Threads, running: Running) -> RequestSnapshot:
        """What is not over now.

        ``threads`` tells the process of a thread, ``running`` who ran before a CPU's first context switch.
        """
        return snapshot_of(self._book, self._seen, self._process_ids, threads, running)

    def _note_processes(self, table: EventTable) -> None:
        """Ids of processes by the address of their object; the last one with an address counts."""
        keys = merged(table, "key", dtype=np.uint64).tolist()
        ids = merged(table, "process", "process_pointer", dtype=np.uint32).tolist()
        self._process_ids.update((key, pid) for key, pid in zip(keys, ids, strict=True) if key)

    def _follow(self, tables: Mapping[str, EventTable]) -> None:
        def of(kind: str) -> EventTable:
            return tables[kind] if kind in tables else columns.empty(kind)

        given = (
            columns.irps(of("irp")), columns.operations(of("afd")), columns.queues(of("queue")),
            columns.connections(tables.get("tcp"), tables.get("tcpip")), columns.exits(of("thread")),
            columns.pool(of("pool")), columns.switches(of("context_switch")),
        )  # fmt: skip
        while (full := advance(self._book, *given)) != DONE:
            self._make_room(full)

    def _make_room(self, full: int) -> None:
        book = self._book
        if full == REQUESTS_FULL:
            # In place: the two copies of a growing array would be the largest thing in memory.
            book.requests.resize(2 * len(book.requests), refcheck=False)
            self._book = book._replace(by_packet=_wider(book.by_packet))
        elif full == SOCKETS_FULL:
            self._book = book._replace(
                sockets=_grown(book.sockets), by_endpoint=_wider(book.by_endpoint), by_file=_wider(book.by_file)
            )
        else:
            keys = _grown(book.thread_keys)
            table = table_of(keys, int(book.state[STATE_THREADS]))
            self._book = book._replace(threads=_grown(book.threads), thread_keys=keys, thread_table=table)


def _grown(table: npt.NDArray[_Row]) -> npt.NDArray[_Row]:
    grown = np.zeros(2 * len(table), table.dtype)
    grown[: len(table)] = table
    return grown


def _wider(buckets: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    wider = np.full(2 * len(buckets), EMPTY, np.uint64)
    refill(buckets, wider)
    return wider
