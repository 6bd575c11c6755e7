"""The table of pending completion APCs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzers.findings import SINCE_CODES, PendingApcs, ThreadSince
from analyzers.grounds import Grounds
from analyzers.quantities import duration, moment, size
from analyzers.retention.grouping import operation_name
from tui.tables.coding import coded_pairs, unpaired
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
_SINCE_LABELS: Final = tuple(SINCE[code] for code in SINCE_CODES)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """By pending APC the row of its request and of its socket in their tables, -1 for none."""

    request: Rows
    socket: Rows


def places(apcs: PendingApcs, grounds: Grounds | None) -> Places:
    """Where the tables tell more of these requests; a packet's address counts together with its id."""
    if grounds is None:
        nowhere = np.full(len(apcs), -1, np.int64)
        return Places(nowhere, nowhere)
    requests = grounds.requests.requests
    rows = rows_with(requests.irp, apcs.irp)
    found = np.append(requests.match_id, np.uint32(0))[rows] == apcs.match_id
    return Places(np.where(found, rows, -1), rows_with(grounds.requests.sockets.endpoint, apcs.endpoint))


def apc_table(apcs: PendingApcs, grounds: Grounds | None, at: Places) -> TableModel:
    """One row per pending APC."""
    columns: tuple[Column, ...] = (
        _ids("irp", "IRP", "i", 4, apcs.irp, hexadecimal),
        _processes(apcs),
        _ids("thread", "Thread", "t", 2, apcs.thread_id, thread_label),
        _operations(grounds, at.request),
        labels_of(Heading("socket", "Socket", "", 14, drop=7), _socket_names(apcs, grounds, at.socket)),
        _number("issued", "Issued", "", 10, apcs.issued_ns, moment),
        _number("completed", "Completed", "c", 9, apcs.completed_ns, moment),
        _number("age", "Age", "a", 1, apcs.age_ns, duration),
        LabelColumn(Heading("since", "Since then", "s", 6, drop=6), apcs.since, _SINCE_LABELS),
        _number("retained", "Retained", "r", 0, apcs.retained_bytes, size),
        LabelColumn(Heading("rule", "Inferred by", "u", 11, drop=8), apcs.rule, apcs.rules),
    )
    return TableModel(columns, len(apcs))


def _number(key: str, title: str, sort_key: str, drop: int, values: Rows, show: Callable[[int], str]) -> NumberColumn:
    heading = Heading(key, title, sort_key, drop=drop, right=True, most_first=True)
    return NumberColumn(heading, values, show)


def _ids(key: str, title: str, sort_key: str, drop: int, values: Numbers, show: Callable[[int], str]) -> NumberColumn:
    return NumberColumn(Heading(key, title, sort_key, drop=drop, right=True), values, show)


def _processes(apcs: PendingApcs) -> LabelColumn:
    """A process id may have had several names."""
    pairs, codes = coded_pairs(apcs.process_id, apcs.process)
    labels = tuple(named_process(apcs.processes[name], process) for process, name in unpaired(pairs))
    return LabelColumn(Heading("process", "Process", "w", 10, drop=3), codes, labels)


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


def _socket_names(apcs: PendingApcs, grounds: Grounds | None, rows: Rows) -> list[str]:
    """The remote address, else the endpoint."""
    remote = grounds.requests.sockets.remote if grounds is not None else ()
    return [
        (remote[row] if row >= 0 else "") or (hexadecimal(endpoint) if endpoint else "")
        for endpoint, row in zip(apcs.endpoint.tolist(), rows.tolist(), strict=True)
    ]
