"""The table of sockets, and what each of them holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.factorize import rows_of
from analyzers.findings import HeldRequests
from analyzers.formatting import duration, number, size
from analyzers.pool_tables import Outstanding
from analyzers.requests.tables import NEVER, SocketTable
from analyzers.snapshot import Snapshot
from tracer.arrays import I32, I64, Numbers
from tracer.data_classes import dataclass
from tui.tables.allocations import INFERRED_MARK
from tui.tables.columns import Column, Heading, LabelColumn, MaybeUnknown, NumberColumn, TableModel, labels_of
from tui.tables.words import process_labels

STATES = ("open", "closed")
"""Closed ones are there until they are cleaned up."""


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """What sockets hold.

    ``owner``: int32 row of the socket by outstanding allocation, of itself or of one of its requests, -1 for none. By
    socket: ``count`` and ``bytes`` of these; requests that are not retired, and those of them that something holds.
    """

    owner: I32
    count: I64
    bytes: I64
    unretired: I64
    held: I64


def holdings(context: DiagnosisContext, outstanding: Outstanding, requests_held: HeldRequests) -> Holdings:
    """What sockets hold of the outstanding allocations, as the diagnosis attributes them."""
    requests, found = context.requests.requests, context.attribution
    sockets = len(context.requests.sockets)
    of_request = np.append(requests.socket, np.int32(-1))[found.request]
    owner = np.where(found.socket >= 0, found.socket, of_request).astype(np.int32)
    held = owner >= 0
    total = np.bincount(owner[held], outstanding.size[held], sockets)
    at_socket = rows_of(context.requests.sockets.endpoint, requests_held.endpoint)
    return Holdings(
        owner=owner,
        count=_counts(owner[held], sockets),
        bytes=total.astype(np.int64),
        unretired=_counts(requests.socket[requests.socket >= 0], sockets),
        held=_counts(at_socket[at_socket >= 0], sockets),
    )


def _counts(rows: Numbers, length: int) -> I64:
    return np.bincount(rows, minlength=length).astype(np.int64)


def socket_table(snapshot: Snapshot, sockets: SocketTable, held: Holdings, rows: I64) -> TableModel:
    """One row for each of the given sockets."""
    closed = (sockets.closed_ns[rows] != NEVER).astype(np.int64)
    at_work = sockets.started.astype(np.int64) - sockets.finished.astype(np.int64)
    columns: tuple[Column, ...] = (
        NumberColumn(Heading("endpoint", "Endpoint", "i", drop=7, right=True), sockets.endpoint[rows], hexadecimal),
        _processes(snapshot, sockets, rows),
        labels_of(Heading("local", "Local", "", 16, drop=2), [local_words(sockets, int(row)) for row in rows]),
        labels_of(Heading("remote", "Remote", "t", 16, drop=3), [sockets.remote[int(row)] for row in rows]),
        LabelColumn(Heading("state", "State", "s", 6, drop=4), closed, STATES),
        _number("open", "In flight", "f", 10, np.maximum(at_work, 0)[rows], number),
        _number("unretired", "Reqs", "u", 6, held.unretired[rows], number),
        _number("held", "Held", "c", 5, held.held[rows], number),
        _number("sent", "Sent", "", 11, sockets.sent_bytes[rows], size),
        _number("received", "Received", "", 12, sockets.received_bytes[rows], size),
        _number("outstanding", "Outst", "d", 9, held.count[rows], number),
        _number("bytes", "Bytes", "b", 0, held.bytes[rows], size),
        _ages(sockets.created_ns[rows], snapshot.at_ns),
    )
    return TableModel(columns, len(rows))


def hexadecimal(address: int) -> str:
    """An address as debuggers take it."""
    return f"0x{address:x}"


def local_words(sockets: SocketTable, row: int) -> str:
    """The local address, marked where it is inferred: that of a connected socket is."""
    local = sockets.local[row]
    return INFERRED_MARK + local if local and sockets.remote[row] else local


def _processes(snapshot: Snapshot, sockets: SocketTable, rows: I64) -> LabelColumn:
    labels, codes = process_labels(snapshot, sockets.process[rows], sockets.created_ns[rows])
    return LabelColumn(Heading("process", "Process", "w", 10, drop=1), codes, labels)


def _ages(created_ns: I64, at_ns: int) -> NumberColumn:
    """What is older than the trace is older than anything made in it."""
    ages = np.where(created_ns == NEVER, at_ns + 1, at_ns - created_ns)
    older = f">{duration(at_ns)}"
    return _number("age", "Age", "a", 8, ages, MaybeUnknown(duration, at_ns.__lt__, lambda _: older))


def _number(
    key: str, title: str, sort_key: str, drop: int, values: Numbers, show: Callable[[int], str]
) -> NumberColumn:
    return NumberColumn(Heading(key, title, sort_key, drop=drop, right=True, most_first=True), values, show)
