"""The table of held requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.factorize import coded_pairs, rows_of, unpaired
from analyzers.findings import SINCE_CODES, WHYS, HeldRequests, ThreadSince
from analyzers.formatting import duration, moment, size
from analyzers.retention.grouping import operation_name
from analyzers.selection import requests
from tracer.arrays import I64, Mask, Numbers
from tracer.data_classes import dataclass
from tui.findings.held import Holders
from tui.tables.allocations import uncertain_column
from tui.tables.columns import Column, Heading, LabelColumn, MaybeUnknown, NumberColumn, TableModel, labels_of
from tui.tables.sockets import hexadecimal
from tui.tables.words import named_process, thread_label

SINCE: Final = {
    ThreadSince.RAN: "ran",
    ThreadSince.WAITED: "waited",
    ThreadSince.NEVER_RAN: "never ran",
    ThreadSince.EXITED: "exited",
    ThreadSince.UNKNOWN: "not known",
}
"""What the thread did since the completion, short enough for a column."""
_SINCE_LABELS: Final = tuple(SINCE[code] for code in SINCE_CODES)
_NEVER: Final = -1


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """By held request the row of it and of its socket in the tables of requests and sockets, -1 for none."""

    request: I64
    socket: I64


def places(held: HeldRequests, context: DiagnosisContext | None) -> Places:
    """Where the tables tell more of these requests."""
    if context is None:
        nowhere = np.full(len(held), -1, np.int64)
        return Places(nowhere, nowhere)
    return Places(requests.places(held, context), rows_of(context.requests.sockets.endpoint, held.endpoint))


class HolderColumn(LabelColumn):
    """What holds each request, sorted by how much each holder keeps: its requests stand together."""

    __slots__ = ()

    def ranks(self) -> Numbers:
        """Places of the holders, most bytes last, so that a table that shows most first begins with it."""
        return len(self.labels) - self.codes


def held_table(
    held: HeldRequests, holders: Holders, context: DiagnosisContext | None, at: Places, uncertain_until_ns: int = 0
) -> TableModel:
    """One row per held request; those issued before ``uncertain_until_ns`` may have been retired in a gap."""
    columns: tuple[Column, ...] = (
        _ids("irp", "IRP", "i", 4, held.irp, hexadecimal),
        HolderColumn(Heading("holder", "Held by", "u", 28, drop=1, most_first=True), holders.of, holders.words),
        _processes(held),
        _ids("thread", "Thread", "t", 6, held.thread_id, thread_label),
        _operations(context, at.request),
        LabelColumn(Heading("driver", "Driver", "d", 7, drop=8), held.driver, held.drivers),
        labels_of(Heading("socket", "Socket", "", 14, drop=9), _socket_names(held, context, at.socket)),
        _number("issued", "Issued", "", 11, held.issued_ns, moment),
        _number("completed", "Completed", "c", 10, held.completed_ns, _COMPLETED),
        _number("age", "Age", "a", 2, held.age_ns, duration),
        LabelColumn(Heading("since", "Since then", "s", 6, drop=7), held.since, _SINCE_LABELS),
        *uncertain_column(held.issued_ns, uncertain_until_ns),
        _number("retained", "Retained", "r", 0, held.retained_bytes, size),
    )
    return TableModel(columns, len(held), _of_why(held), "why")


_COMPLETED: Final = MaybeUnknown(moment, _NEVER.__eq__, lambda _: "never")


def _of_why(held: HeldRequests) -> Callable[[str], Mask]:
    """Rows by the kind of holder, as the ``--json`` document calls it."""

    def find(needle: str) -> Mask:
        return np.isin(held.why, [code for code, why in enumerate(WHYS) if needle in why])

    return find


def _number(key: str, title: str, sort_key: str, drop: int, values: I64, show: Callable[[int], str]) -> NumberColumn:
    heading = Heading(key, title, sort_key, drop=drop, right=True, most_first=True)
    return NumberColumn(heading, values, show)


def _ids(key: str, title: str, sort_key: str, drop: int, values: Numbers, show: Callable[[int], str]) -> NumberColumn:
    return NumberColumn(Heading(key, title, sort_key, drop=drop, right=True), values, show)


def _processes(held: HeldRequests) -> LabelColumn:
    """A process id may have had several names."""
    pairs, codes = coded_pairs(held.process_id, held.process)
    labels = tuple(named_process(held.processes[name], process) for process, name in unpaired(pairs))
    return LabelColumn(Heading("process", "Process", "w", 16, drop=3), codes, labels)


def _operations(context: DiagnosisContext | None, rows: I64) -> LabelColumn:
    """What was asked for; few kinds however many requests."""
    heading = Heading("operation", "Operation", "v", 9, drop=5)
    if context is None or not len(context.requests.requests):
        return LabelColumn(heading, np.zeros(len(rows), np.int64), ("not known",))
    table = context.requests.requests
    kinds: Numbers = np.where(rows < 0, -1, table.operation[rows].astype(np.int64) << 8 | table.major[rows])
    distinct, first, codes = np.unique(kinds, return_index=True, return_inverse=True)
    words = [
        "not known" if kind < 0 else operation_name(table, int(rows[at]))
        for kind, at in zip(distinct.tolist(), first.tolist(), strict=True)
    ]
    return LabelColumn(heading, codes, tuple(words))


def _socket_names(held: HeldRequests, context: DiagnosisContext | None, rows: I64) -> list[str]:
    """The remote address, else the endpoint."""
    remote = context.requests.sockets.remote if context is not None else ()
    return [
        (remote[row] if row >= 0 else "") or (hexadecimal(endpoint) if endpoint else "")
        for endpoint, row in zip(held.endpoint.tolist(), rows.tolist(), strict=True)
    ]
