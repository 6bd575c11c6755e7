"""From ordered events to event tables: the columns that every event has, and its payload's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from tracer.arrays import I32, I64, U8, U16, U32, U64, Structured
from tracer.columns import BlobColumn, Column, EventTable
from tracer.etl.clock import Clock, ClockTerms
from tracer.etl.order import Order
from tracer.etl.ticks import tick_ns
from tracer.events.decode import Extent, decode
from tracer.events.layout import Layout
from tracer.jit import Int, kernel


class Common(NamedTuple):
    """The columns that every event has (:class:`~tracer.columns.EventTable`)."""

    time: I64
    raw_time: I64
    order: I64
    cpu: U16
    thread: U32
    process: U32
    who: U8
    event: U16
    stack: I32
    user_stack: I32
    offset: I64


_DTYPES: Final[dict[str, Any]] = {
    "time": np.int64,
    "raw_time": np.int64,
    "order": np.int64,
    "cpu": np.uint16,
    "thread": np.uint32,
    "process": np.uint32,
    "who": np.uint8,
    "event": np.uint16,
    "stack": np.int32,
    "user_stack": np.int32,
    "offset": np.int64,
}


@kernel
def fill_common(
    events: Structured, rows: I32, places: I64, terms: ClockTerms,
    columns: Common, payloads: U32,
) -> tuple[Int, Int, Int]:  # fmt: skip
    """The columns of ``events[rows]`` that do not depend on their layout, and where their payloads lie.

    Gives the length of the shortest payload, the least and greatest pointer size.
    """
    time, raw, order, cpu, thread, process, who, event_id, stack, user_stack, offset = columns
    shortest = np.int64(1 << 16)
    least_pointer = np.int64(8)
    greatest_pointer = np.int64(4)
    for i in range(rows.shape[0]):
        event = events[rows[i]]
        raw[i] = event["time"]
        time[i] = tick_ns(event["time"], terms)
        order[i] = places[i]
        cpu[i] = event["cpu"]
        thread[i] = event["thread"]
        process[i] = event["process"]
        who[i] = event["who"]
        event_id[i] = event["event"]
        stack[i] = event["stack"]
        user_stack[i] = event["user_stack"]
        offset[i] = event["offset"]
        payloads[i] = event["payload"]
        shortest = min(shortest, np.int64(event["size"]))
        least_pointer = min(least_pointer, np.int64(event["pointer"]))
        greatest_pointer = max(greatest_pointer, np.int64(event["pointer"]))
    return shortest, least_pointer, greatest_pointer


def event_tables(
    events: Structured, kept: U64, order: Order, layouts: Sequence[Layout | None],
    clock: Clock,
) -> tuple[dict[str, EventTable], int]:  # fmt: skip
    """The tables of ordered events by kind, and how many records were cut short."""
    parts: dict[str, list[EventTable]] = {}
    total_short = 0
    slots = order.slots
    for slot in np.flatnonzero(slots[1:] > slots[:-1]).tolist():
        layout = layouts[slot]
        if layout is not None:
            part = slice(slots[slot], slots[slot + 1])
            table, short = _table(events, kept, order.by_slot[part], order.places[part], layout, clock)
            total_short += short
            parts.setdefault(layout.kind, []).append(table)
    return {kind: joined(found) for kind, found in parts.items()}, total_short


def _table(
    events: Structured, kept: U64, rows: I32,
    places: I64, layout: Layout, clock: Clock,
) -> tuple[EventTable, int]:  # fmt: skip
    """The table of one layout's events, and how many of them were cut short."""
    n = len(rows)
    columns = Common(**{name: np.empty(n, dtype) for name, dtype in _DTYPES.items()})
    payloads = np.empty(n, np.uint32)
    reach = (int(value) for value in fill_common(events, rows, places, clock.terms, columns, payloads))
    fields, short = decode(layout, kept, events, rows, Extent(payloads, *reach))
    return EventTable(kind=layout.kind, fields=fields, **columns._asdict()), short


def joined(tables: Sequence[EventTable]) -> EventTable:
    """One table of several of one kind, in time order; fields that a layout lacks are zero or empty."""
    if len(tables) == 1:
        return tables[0]
    order = np.argsort(np.concatenate([table.order for table in tables]), kind="stable")
    names = {name: column for table in tables for name, column in table.fields.items()}
    fields = {name: _joined_field(name, column, tables, order) for name, column in names.items()}
    common: dict[str, Any] = {
        name: np.concatenate([getattr(table, name) for table in tables])[order] for name in EventTable.COMMON
    }
    return replace(tables[0], fields=fields, **common)


def _joined_field(name: str, like: Column, tables: Sequence[EventTable], order: I64) -> Column:
    if not isinstance(like, BlobColumn):
        parts = [table.fields.get(name, np.zeros(len(table), like.dtype)) for table in tables]
        return np.concatenate([np.asarray(part) for part in parts])[order]
    blobs = [table.fields.get(name, BlobColumn.empty(len(table))) for table in tables]
    sound = [blob for blob in blobs if isinstance(blob, BlobColumn)]
    bases = np.cumsum([0, *(len(blob.data) for blob in sound[:-1])])
    start = np.concatenate([blob.start + base for blob, base in zip(sound, bases, strict=True)])
    length = np.concatenate([blob.length for blob in sound])
    return BlobColumn(np.concatenate([blob.data for blob in sound]), start[order], length[order])
