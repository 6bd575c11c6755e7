"""The table of pending completion APCs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzers.findings import PendingApc, ThreadSince
from analyzers.grounds import Grounds
from analyzers.quantities import duration, moment, size
from analyzers.retention.grouping import operation_name
from tracer.columns import UNKNOWN_ID
from tui.tables.columns import Column, Heading, LabelColumn, NumberColumn, Numbers, Rows, labels_of
from tui.tables.model import TableModel
from tui.tables.sockets import hexadecimal, rows_with
from tui.tables.words import named_process, thread_label

SINCE: Final = {
    ThreadSince.RAN: "ran",
    ThreadSince.WAITED: "waited",
    ThreadSince.NEVER_RAN: "never ran",
    ThreadSince.EXITED: "exited",
    ThreadSince.UNKNOWN: "not known",
}
"""What the thread did since a completion, short enough for a column."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """By pending APC the row of its request and of its socket in their tables, -1 for none."""

    request: Rows
    socket: Rows


def places(apcs: Sequence[PendingApc], grounds: Grounds | None) -> Places:
    """Where the tables tell more of these requests; a packet's address counts together with its id."""
    if grounds is None:
        nowhere = np.full(len(apcs), -1, np.int64)
        return Places(nowhere, nowhere)
    requests = grounds.requests.requests
    rows = rows_with(requests.irp, np.array([apc.irp for apc in apcs], np.uint64))
    ids = np.append(requests.match_id, np.uint32(0))[rows]
    found = ids == np.array([apc.match_id for apc in apcs], np.uint32)
    endpoints = np.array([apc.endpoint for apc in apcs], np.uint64)
    return Places(np.where(found, rows, -1), rows_with(grounds.requests.sockets.endpoint, endpoints))


def apc_table(apcs: Sequence[PendingApc], grounds: Grounds | None, at: Places) -> TableModel:
    """One row per pending APC."""
    columns: tuple[Column, ...] = (
        _ids("irp", "IRP", "i", 4, [apc.irp for apc in apcs], hexadecimal),
        _processes(apcs),
        _ids("thread", "Thread", "t", 2, [_thread(apc) for apc in apcs], thread_label),
        _operations(grounds, at.request),
        labels_of(Heading("socket", "Socket", "", 14, drop=7), _socket_names(apcs, grounds, at.socket)),
        _number("issued", "Issued", "", 10, [apc.issued_ns for apc in apcs], moment),
        _number("completed", "Completed", "c", 9, [apc.completed_ns for apc in apcs], moment),
        _number("age", "Age", "a", 1, [apc.age_ns for apc in apcs], duration),
        labels_of(Heading("since", "Since then", "s", 6, drop=6), [SINCE[apc.since] for apc in apcs]),
        _number("retained", "Retained", "r", 0, [apc.retained_bytes for apc in apcs], size),
        labels_of(Heading("rule", "Inferred by", "u", 11, drop=8), [apc.rule for apc in apcs]),
    )
    return TableModel(columns, len(apcs))


def _number(
    key: str, title: str, sort_key: str, drop: int, values: Sequence[int], show: Callable[[int], str]
) -> NumberColumn:
    heading = Heading(key, title, sort_key, drop=drop, right=True, most_first=True)
    return NumberColumn(heading, np.array(values, np.int64), show)


def _ids(
    key: str, title: str, sort_key: str, drop: int, values: Sequence[int], show: Callable[[int], str]
) -> NumberColumn:
    return NumberColumn(Heading(key, title, sort_key, drop=drop, right=True), np.array(values, np.uint64), show)


def _thread(apc: PendingApc) -> int:
    return UNKNOWN_ID if apc.thread_id < 0 else apc.thread_id


def _processes(apcs: Sequence[PendingApc]) -> LabelColumn:
    """A process id may have had several names."""
    names = {key: named_process(*key) for key in {(apc.process, apc.process_id) for apc in apcs}}
    texts = [names[apc.process, apc.process_id] for apc in apcs]
    return labels_of(Heading("process", "Process", "w", 10, drop=3), texts)


def _operations(grounds: Grounds | None, rows: Rows) -> LabelColumn:
    """What was asked for; few kinds however many requests."""
    heading = Heading("operation", "Operation", "v", 9, drop=5)
    if grounds is None or not len(grounds.requests.requests):
        return LabelColumn(heading, np.zeros(len(rows), np.int64), ("not known",))
    requests = grounds.requests.requests
    kinds: Numbers = np.where(rows < 0, -1, requests.operation[rows].astype(np.int64) << 8 | requests.major[rows])
    distinct, first, codes = np.unique(kinds, return_index=True, return_inverse=True)
    words = [
        "not known" if kind < 0 else operation_name(requests, int(rows[at]))
        for kind, at in zip(distinct.tolist(), first.tolist(), strict=True)
    ]
    return LabelColumn(heading, codes, tuple(words))


def _socket_names(apcs: Sequence[PendingApc], grounds: Grounds | None, rows: Rows) -> list[str]:
    """The remote address, else the endpoint."""
    remote = grounds.requests.sockets.remote if grounds is not None else ()
    return [
        (remote[row] if row >= 0 else "") or (hexadecimal(apc.endpoint) if apc.endpoint else "")
        for apc, row in zip(apcs, rows.tolist(), strict=True)
    ]
