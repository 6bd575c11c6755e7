"""The table of single outstanding allocations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from analyzers.factorize import coded
from analyzers.formatting import duration, moment, number
from analyzers.pool_tables import PoolSnapshot
from analyzers.pooltag import tag_text
from analyzers.retention.attribution import Rule
from analyzers.snapshot import Snapshot
from tracer.arrays import I64, Mask, Numbers
from tracer.columns import Who
from tui.tables.columns import Column, Heading, LabelColumn, NumberColumn, TableModel
from tui.tables.functions import of_allocations
from tui.tables.words import KNOWN_BY, pool_type, process_labels, thread_label

INFERRED_MARK: Final = "~"
"""Stands before a process or thread that no event names but context switches tell, and before an inferred owner."""


_OWNER: Final = {
    Rule.NONE: "",
    Rule.HOLDS_IRP: "request",
    Rule.HOLDS_ENDPOINT: "socket",
    Rule.HOLDS_CONNECTION: "socket",
    Rule.HOLDS_FILE_OBJECT: "file object",
    Rule.SAME_OPERATION: f"{INFERRED_MARK}request",
    Rule.SAME_SOCKET: f"{INFERRED_MARK}socket",
    Rule.SAME_FILE_OBJECT: f"{INFERRED_MARK}file object",
}
"""What an allocation is part of, by the rule that tells."""


def allocation_table(snapshot: Snapshot) -> TableModel:
    """One row for each outstanding allocation."""
    out, pool = snapshot.pool.outstanding, snapshot.pool
    inferred = out.who == Who.CONTEXT_SWITCH
    labels, process = process_labels(snapshot, out.process, out.time_ns)
    columns: tuple[Column, ...] = (
        NumberColumn(Heading("address", "Address", "a", right=True), out.address, lambda value: f"0x{value:x}"),
        _tag_column(pool),
        NumberColumn(_number("bytes", "Bytes", "b", 0), out.size, number),
        _coded(Heading("type", "Type", "", 7, drop=9), out.type, pool_type),
        NumberColumn(Heading("time", "Allocated", "t", drop=6, right=True), out.time_ns, moment),
        NumberColumn(_number("age", "Age", "i", 2), snapshot.at_ns - out.time_ns, duration),
        _who(Heading("process", "Process", "s", 16, drop=1), process, inferred, labels.__getitem__),
        _who(Heading("thread", "Thread", "h", 7, drop=5), out.thread, inferred, thread_label),
        _coded(Heading("known", "Known by", "w", 13, drop=7), out.who, lambda value: KNOWN_BY[Who(value)]),
        *_owner_column(snapshot),
        *uncertain_column(out.time_ns, snapshot.uncertain_until_ns),
        NumberColumn(Heading("cpu", "CPU", "", drop=10, right=True), out.cpu, str),
    )
    return TableModel(columns, len(out), by_function=of_allocations(snapshot))


def _tag_column(pool: PoolSnapshot) -> LabelColumn:
    labels = tuple(tag_text(int(tag)) for tag in pool.tags.tag)
    return LabelColumn(Heading("tag", "Tag", "r", 4, drop=3), pool.sites.tag_row[pool.outstanding.site], labels)


def _owner_column(snapshot: Snapshot) -> tuple[Column, ...]:
    """Whether an allocation belongs to a request or a socket; none where the trace tells of neither."""
    if snapshot.context is None or not snapshot.context.attribution.rule.any():
        return ()
    heading = Heading("owner", "Part of", "u", 8, drop=4)
    return (LabelColumn(heading, snapshot.context.attribution.rule, tuple(_OWNER[rule] for rule in Rule)),)


def uncertain_column(begun_ns: I64, until_ns: int) -> tuple[Column, ...]:
    """Whether a gap may hide the end of what began then; none where nothing is missing."""
    if not until_ns:
        return ()
    heading = Heading("uncertain", "Gap since", "", 9, drop=11)
    return (LabelColumn(heading, (begun_ns < until_ns).astype(np.int8), ("", "yes")),)


def _number(key: str, title: str, sort_key: str, drop: int) -> Heading:
    return Heading(key, title, sort_key, drop=drop, right=True, most_first=True)


def _coded(heading: Heading, values: Numbers, word: Callable[[int], str]) -> LabelColumn:
    """A label for each distinct value; there are few of them however many rows there are."""
    distinct, codes = coded(values)
    return LabelColumn(heading, codes, tuple(word(int(value)) for value in distinct))


def _who(heading: Heading, ids: Numbers, inferred: Mask, word: Callable[[int], str]) -> LabelColumn:
    """Names for ids, with a mark on those that are inferred."""

    def marked(value: int) -> str:
        return (INFERRED_MARK if value & 1 else "") + word(value >> 1)

    return _coded(heading, ids.astype(np.int64) << 1 | inferred, marked)
