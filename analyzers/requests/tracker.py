"""Requests and sockets of a trace: takes batches, gives the ones that are not over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final

import numpy as np

from analyzers.fields import merged
from analyzers.requests import normalize
from analyzers.requests.addresses import Addresses
from analyzers.requests.advance import advance
from analyzers.requests.capacity import Demand, empty_tables, live_irps, with_room
from analyzers.requests.events import BUFFER, CALL, EVENT, FREE, INSERT, OPERATE
from analyzers.requests.irp_filter import Blocks, buffers
from analyzers.requests.normalize import Part
from analyzers.requests.releases import Releases
from analyzers.requests.snapshot import SocketNames, snapshot_of
from analyzers.requests.tables import RequestSnapshot
from analyzers.scheduling import CpuTimeline
from tracer.columns import EventTable
from tracer.trace import Batch

_FIRST_ROWS: Final = 1 << 8
_OPENING: Final = (CALL, OPERATE, INSERT, BUFFER, FREE)
"""Kinds of events that may open rows, in the order of :class:`~analyzers.requests.capacity.Demand`."""
_KERNEL_QUEUE: Final = 0x01000000
"""PERF_KERNEL_QUEUE in the second word of the group masks (ntwmi.h): the session asked for kernel queues."""


class Requests:
    """All requests and sockets that are not over. Feed it every batch in order."""

    KINDS: ClassVar = frozenset({"irp", "afd", "queue", "tcp", "tcpip", "thread", "pool", "process", "group_mask"})
    """Kinds of events that are looked at."""
    _OWN: ClassVar = ("irp", "afd", "queue", "tcp", "tcpip")

    def __init__(self, rows: int = _FIRST_ROWS, enabled: Collection[str] = ()) -> None:
        """``rows``: how many requests, sockets and threads there is room for at first, a power of two, at least 2.

        ``enabled``: kinds of events that are known to be logged before the first comes.
        """
        self._tables = empty_tables(rows)
        self._addresses = Addresses()
        self._blocks = Blocks()
        self._releases = Releases()
        self._events = np.empty(0, EVENT)
        self._seen = {"queue"}.intersection(enabled)
        self._process_ids: dict[int, int] = {}

    def feed(self, batch: Batch) -> None:
        """Take one stamped batch. Without requests and sockets in the trace so far it costs next to nothing."""
        tables = batch.tables
        if "irp" in tables and "irp" not in self._seen:  # from now on it is known of which requests IRPs are
            self._releases = Releases()
        self._seen.update(kind for kind in self._OWN if kind in tables)
        if "group_mask" in tables and np.any(merged(tables["group_mask"], "mask1", dtype=np.uint32) & _KERNEL_QUEUE):
            self._seen.add("queue")
        if "process" in tables:
            self._note_processes(tables["process"])
        if not self._seen.isdisjoint(("irp", "afd", "queue")):
            self._follow(tables)
        if "pool" in tables and "irp" not in self._seen:
            self._releases.add_irps(tables["pool"])

    def snapshot(self, timeline: CpuTimeline) -> RequestSnapshot:
        """What is not over now; ``timeline`` has stamped all batches."""
        names = SocketNames(self._addresses, self._process_ids)
        return snapshot_of(self._tables, self._seen, names, timeline, self._releases.table())

    def _note_processes(self, table: EventTable) -> None:
        """Ids of processes by the address of their object; the last one with an address counts."""
        keys = merged(table, "key", dtype=np.uint64).tolist()
        ids = merged(table, "process", "process_pointer", dtype=np.uint32).tolist()
        self._process_ids.update((key, pid) for key, pid in zip(keys, ids, strict=True) if key)

    def _follow(self, tables: Mapping[str, EventTable]) -> None:
        parts = self._parts(tables)
        if not parts:
            return
        count = sum(len(order) for order, _ in parts)
        if count > len(self._events):
            self._events = np.empty(2 * count, EVENT)
        events, turn = normalize.events_of(parts, self._events)
        self._tables = with_room(self._tables, _demand(parts))
        self._tables.counts["released"] = 0
        advance(self._tables, events, turn)
        self._releases.add(self._tables.released[: int(self._tables.counts[0]["released"])])

    def _parts(self, tables: Mapping[str, EventTable]) -> list[Part]:
        parts: list[Part] = []
        if "irp" in tables:
            parts.append(normalize.requests(tables["irp"]))
            fields = parts[0][1]
            irps = np.asarray(fields["object"])[fields["kind"] == CALL]
            if self._blocks.are_full(len(irps)):
                self._blocks.restart(live_irps(self._tables), len(irps))
            self._blocks.add(irps)
        if "afd" in tables:
            parts += normalize.operations(tables["afd"], self._addresses)
        if "tcp" in tables:
            parts.append(normalize.classic_connections(tables["tcp"], self._addresses))
        if "tcpip" in tables:
            parts.append(normalize.connections(tables["tcpip"], self._addresses))
        if "queue" in tables:
            parts += normalize.queued(tables["queue"])
        if "thread" in tables:
            parts.append(normalize.exits(tables["thread"]))
        if "pool" in tables and "irp" in self._seen:
            parts += self._blocks.parts(tables["pool"])
            parts.append(buffers(tables["pool"]))
        return parts


def _demand(parts: Sequence[Part]) -> Demand:
    """How many events may open rows."""
    number = np.zeros(np.iinfo(np.uint8).max + 1, np.int64)
    for order, fields in parts:
        kind = fields["kind"]
        if isinstance(kind, int):
            number[kind] += len(order)
        else:
            number += np.bincount(kind, minlength=len(number))
    return Demand(*number[list(_OPENING)].tolist())
