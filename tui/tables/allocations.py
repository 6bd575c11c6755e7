"""The table of single outstanding allocations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from analyzers.quantities import duration, moment, number
from analyzers.snapshot import Snapshot
from tracer.columns import Who
from tui.tables.columns import Column, Heading, LabelColumn, Mask, NumberColumn, Numbers, Rows
from tui.tables.model import TableModel
from tui.tables.words import KNOWN_BY, pool_type, process_label, thread_label

INFERRED_MARK: Final = "~"
"""Stands before a process or thread that no event names: it follows from context switches."""


def allocation_rows(snapshot: Snapshot, site: int) -> Rows:
    """The outstanding allocations of one site, as rows of the snapshot's outstanding table, oldest first."""
    return np.flatnonzero(snapshot.pool.outstanding.site == site).astype(np.int64)


def allocation_table(snapshot: Snapshot, rows: Rows) -> TableModel:
    """One row for each of the given allocations."""
    out = snapshot.pool.outstanding
    times = out.time_ns[rows]
    inferred = out.who[rows] == Who.CONTEXT_SWITCH
    columns: tuple[Column, ...] = (
        NumberColumn(Heading("address", "Address", "a", right=True), out.address[rows], lambda value: f"0x{value:x}"),
        NumberColumn(_number("bytes", "Bytes", "b", 0), out.size[rows], number),
        _coded(Heading("type", "Type", "", 7, drop=7), out.type[rows], pool_type),
        NumberColumn(Heading("time", "Allocated", "t", drop=4, right=True), times, moment),
        NumberColumn(_number("age", "Age", "", 2), snapshot.at_ns - times, duration),
        _who(
            Heading("process", "Process", "p", 18, drop=1),
            out.process[rows],
            inferred,
            partial(process_label, snapshot),
        ),
        _who(Heading("thread", "Thread", "h", 7, drop=5), out.thread[rows], inferred, thread_label),
        _coded(Heading("known", "Known by", "w", 13, drop=3), out.who[rows], lambda v: KNOWN_BY[Who(v)]),
        NumberColumn(Heading("cpu", "CPU", "", drop=8, right=True), out.cpu[rows], str),
    )
    return TableModel(columns, len(rows))


def _number(key: str, title: str, sort_key: str, drop: int) -> Heading:
    return Heading(key, title, sort_key, drop=drop, right=True, most_first=True)


def _coded(heading: Heading, values: Numbers, word: Callable[[int], str]) -> LabelColumn:
    """A label for each distinct value; there are few of them however many rows there are."""
    distinct, codes = np.unique(values, return_inverse=True)
    return LabelColumn(heading, codes, tuple(word(int(value)) for value in distinct))


def _who(heading: Heading, ids: Numbers, inferred: Mask, word: Callable[[int], str]) -> LabelColumn:
    """Names for ids, with a mark on those that are inferred."""

    def marked(value: int) -> str:
        return (INFERRED_MARK if value & 1 else "") + word(value >> 1)

    return _coded(heading, ids.astype(np.int64) << 1 | inferred, marked)
