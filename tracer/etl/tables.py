"""From a walked window to event tables: the columns that every event has, and its payload's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tracer.columns import NO_STACK, UNKNOWN_ID, BlobColumn, Column, EventTable, Who
from tracer.etl import walk
from tracer.etl.clock import Clock, tick_ns
from tracer.etl.headers import HEADER_DTYPE
from tracer.events.decode import Extent, decode
from tracer.events.layout import Layout
from tracer.jit import Int, kernel

THREAD_AT = np.full(256, -1, np.int64)
"""By header type: where the u32 thread id stands (the process id follows it), -1 where there is none."""
for _kind, _dtype in HEADER_DTYPE.items():
    if _dtype.fields is not None and "thread" in _dtype.fields:
        THREAD_AT[_kind] = _dtype.fields["thread"][1]

_COMMON_DTYPES: dict[str, Any] = {
    "time": np.int64,
    "raw_time": np.int64,
    "cpu": np.uint16,
    "thread": np.uint32,
    "process": np.uint32,
    "who": np.uint8,
    "event": np.uint16,
    "stack": np.int32,
    "user_stack": np.int32,
    "offset": np.int64,
}
"""Columns that :func:`fill_common` fills, in the order of its arguments."""

_NO_LIMIT = np.iinfo(np.int64).max
_UNKNOWN = UNKNOWN_ID
_BY_STACK = int(Who.STACK)
_BY_HEADER = int(Who.HEADER)


@kernel
def event_owners(
    words4: npt.NDArray[np.uint32],
    events: npt.NDArray[np.void],
    count: int,
    segments: npt.NDArray[np.void],
    cpus: npt.NDArray[np.uint16],
    threads: npt.NDArray[np.uint32],
) -> None:
    """CPU and header thread of each event, for joining stacks by time."""
    for i in range(count):
        start = np.int64(events[i]["start"])
        at = THREAD_AT[(words4[start >> 2] >> np.uint32(16)) & np.uint32(0xFF)]
        threads[i] = words4[(start + at) >> 2] if at >= 0 else np.uint32(_UNKNOWN)
        cpus[i] = segments[events[i]["segment"]]["cpu"]


@kernel
def fill_common(  # noqa: PLR0913, PLR0917 - one array for each column
    words4: npt.NDArray[np.uint32],
    segments: npt.NDArray[np.void],
    events: npt.NDArray[np.void],
    rows: npt.NDArray[np.int32],
    of_kernel: npt.NDArray[np.int32],
    of_user: npt.NDArray[np.int32],
    of_thread: npt.NDArray[np.uint32],
    of_process: npt.NDArray[np.uint32],
    origin: int,
    least: int,
    most: int,
    frequency: int,
    whole: int,
    time: npt.NDArray[np.int64],
    raw: npt.NDArray[np.int64],
    cpu: npt.NDArray[np.uint16],
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    who: npt.NDArray[np.uint8],
    event_id: npt.NDArray[np.uint16],
    stack: npt.NDArray[np.int32],
    user_stack: npt.NDArray[np.int32],
    offset: npt.NDArray[np.int64],
    payloads: npt.NDArray[np.uint32],
) -> tuple[Int, Int, Int]:
    """The columns of ``events[rows]`` that do not depend on their layout, and where their payloads lie.

    ``of_…`` is what stacks tell, by event; ``origin`` … ``whole`` are a clock's terms. Gives the length of
    the shortest payload and the least and greatest pointer size.
    """
    shortest = np.int64(_NO_LIMIT)
    least_pointer = np.int64(8)
    greatest_pointer = np.int64(4)
    for i in range(rows.shape[0]):
        row = rows[i]
        event = events[row]
        segment = segments[event["segment"]]
        start = np.int64(event["start"])
        raw[i] = event["time"]
        time[i] = tick_ns(event["time"], origin, least, most, frequency, whole)
        cpu[i] = segment["cpu"]
        event_id[i] = event["event"]
        stack[i] = of_kernel[row]
        user_stack[i] = of_user[row]
        payloads[i] = event["payload"]
        shortest = min(shortest, np.int64(event["end"]) - np.int64(event["payload"]))
        offset[i] = segment["offset"] if segment["packed"] else segment["offset"] + start - segment["begin"]
        kind = (words4[start >> 2] >> np.uint32(16)) & np.uint32(0xFF)
        least_pointer = min(least_pointer, walk.POINTER_BYTES[kind])
        greatest_pointer = max(greatest_pointer, walk.POINTER_BYTES[kind])
        at = THREAD_AT[kind]
        if of_thread[row] != _UNKNOWN:
            thread[i] = of_thread[row]
            process[i] = of_process[row]
            who[i] = _BY_STACK
        elif at >= 0 and words4[(start + at) >> 2] != _UNKNOWN:
            thread[i] = words4[(start + at) >> 2]
            process[i] = words4[((start + at) >> 2) + 1]
            who[i] = _BY_HEADER
        else:
            thread[i] = _UNKNOWN
            process[i] = _UNKNOWN
            who[i] = 0
    return shortest, least_pointer, greatest_pointer


class EventStacks:
    """What stacks tell, by event: ``kernel`` and ``user`` stack ids (int32), ``thread`` and ``process`` (uint32)."""

    __slots__ = ("kernel", "process", "thread", "user")

    def __init__(self, events: int) -> None:
        self.kernel, self.user = (np.full(events, NO_STACK, np.int32) for _ in range(2))
        self.thread, self.process = (np.full(events, UNKNOWN_ID, np.uint32) for _ in range(2))


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """A window that was walked and put in order, ready to be decoded.

    ``rows[slots[s]:slots[s + 1]]`` are the events of layout slot ``s`` in time order, ``places``
    their positions in the time order of the trace; ``loose`` are stacks and key references that were
    not joined at once (:data:`~tracer.stacks.join.LOOSE_STACK`); ``until`` is a raw time.
    """

    words4: npt.NDArray[np.uint32]
    segments: npt.NDArray[np.void]
    events: npt.NDArray[np.void]
    slots: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    places: npt.NDArray[np.int64]
    stacks: EventStacks
    loose: npt.NDArray[np.void]
    until: int
    bytes_read: int
    records: int


def event_tables(walked: Walked, layouts: Sequence[Layout | None], clock: Clock) -> tuple[dict[str, EventTable], int]:
    """The tables of a window by kind, and how many records ended inside a field."""
    parts: dict[str, list[EventTable]] = {}
    total = 0
    for slot in np.flatnonzero(np.diff(walked.slots)):
        layout = layouts[int(slot)]
        if layout is not None:
            table, short = _slot_table(walked, layout, clock, slice(walked.slots[slot], walked.slots[slot + 1]))
            total += short
            parts.setdefault(layout.kind, []).append(table)
    return {kind: joined(found) for kind, found in parts.items()}, total


def _slot_table(walked: Walked, layout: Layout, clock: Clock, part: slice) -> tuple[EventTable, int]:
    """The table of one layout's events (``part`` of the ordered rows), and how many of them ended inside a field."""
    rows = walked.rows[part]
    n = len(rows)
    common: dict[str, Any] = {name: np.empty(n, dtype) for name, dtype in _COMMON_DTYPES.items()}
    payloads = np.empty(n, np.uint32)
    stacks = walked.stacks
    given = (walked.words4, walked.segments, walked.events, rows)
    told = (stacks.kernel, stacks.user, stacks.thread, stacks.process)
    arguments: tuple[Any, ...] = (*given, *told, *clock.terms, *common.values(), payloads)
    reach = fill_common(*arguments)
    extent = Extent(payloads, *(int(value) for value in reach))
    fields, short = decode(layout, walked.words4, walked.events, rows, walk.POINTER_BYTES, extent)
    return EventTable(kind=layout.kind, order=walked.places[part], fields=fields, **common), short


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


def _joined_field(name: str, like: Column, tables: Sequence[EventTable], order: npt.NDArray[np.int64]) -> Column:
    if not isinstance(like, BlobColumn):
        parts = [table.fields.get(name, np.zeros(len(table), like.dtype)) for table in tables]
        return np.concatenate([np.asarray(part) for part in parts])[order]
    blobs = [table.fields.get(name, BlobColumn.empty(len(table))) for table in tables]
    sound = [blob for blob in blobs if isinstance(blob, BlobColumn)]
    bases = np.cumsum([0, *(len(blob.data) for blob in sound[:-1])])
    start = np.concatenate([blob.start + base for blob, base in zip(sound, bases, strict=True)])
    length = np.concatenate([blob.length for blob in sound])
    return BlobColumn(np.concatenate([blob.data for blob in sound]), start[order], length[order])
