"""From a walked window to event tables: the columns that every event has, and its payload's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tracer.columns import UNKNOWN_ID, BlobColumn, Column, EventTable, Who
from tracer.etl import walk
from tracer.etl.clock import Clock
from tracer.events.decode import decode
from tracer.events.layout import Layout
from tracer.jit import kernel

THREAD_AT = np.full(256, -1, np.int64)
"""By header type: where the u32 thread id stands (the process id follows it), -1 where there is none."""
THREAD_AT[[1, 2, 3, 4, 0x0A, 0x0B, 0x12, 0x13, 0x14, 0x15]] = 8

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
def fill_common(
    words4: npt.NDArray[np.uint32],
    segments: npt.NDArray[np.void],
    events: npt.NDArray[np.void],
    rows: npt.NDArray[np.int32],
    stack_thread: npt.NDArray[np.uint32],
    stack_process: npt.NDArray[np.uint32],
    raw: npt.NDArray[np.int64],
    cpu: npt.NDArray[np.uint16],
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    who: npt.NDArray[np.uint8],
    event_id: npt.NDArray[np.uint16],
    offset: npt.NDArray[np.int64],
) -> None:
    """The columns of ``events[rows]`` that do not depend on their layout."""
    for i in range(rows.shape[0]):
        row = rows[i]
        event = events[row]
        segment = segments[event["segment"]]
        start = np.int64(event["start"])
        raw[i] = event["time"]
        cpu[i] = segment["cpu"]
        event_id[i] = event["event"]
        offset[i] = segment["offset"] if segment["packed"] else segment["offset"] + start - segment["begin"]
        at = THREAD_AT[(words4[start >> 2] >> np.uint32(16)) & np.uint32(0xFF)]
        if stack_thread[row] != _UNKNOWN:
            thread[i] = stack_thread[row]
            process[i] = stack_process[row]
            who[i] = _BY_STACK
        elif at >= 0 and words4[(start + at) >> 2] != _UNKNOWN:
            thread[i] = words4[(start + at) >> 2]
            process[i] = words4[((start + at) >> 2) + 1]
            who[i] = _BY_HEADER
        else:
            thread[i] = _UNKNOWN
            process[i] = _UNKNOWN
            who[i] = 0


def slot_table(
    layout: Layout,
    clock: Clock,
    words4: npt.NDArray[np.uint32],
    segments: npt.NDArray[np.void],
    events: npt.NDArray[np.void],
    rows: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    stacks: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.uint32], npt.NDArray[np.uint32]],
) -> tuple[EventTable, int]:
    """The table of one layout's events, and how many of them ended inside a field.

    ``stacks``: kernel stack, user stack, stack's thread, stack's process, by event.
    """
    n = len(rows)
    kernel_stack, user_stack, stack_thread, stack_process = stacks
    raw, offset = np.empty(n, np.int64), np.empty(n, np.int64)
    cpu, event_id, who = np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.uint8)
    thread, process = np.empty(n, np.uint32), np.empty(n, np.uint32)
    fill_common(
        words4, segments, events, rows, stack_thread, stack_process,
        raw, cpu, thread, process, who, event_id, offset,
    )  # fmt: skip
    fields, short = decode(layout, words4.view(np.uint8), events, rows, walk.POINTER_BYTES)
    table = EventTable(
        layout.kind, clock.ns(raw), raw, places, cpu, thread, process, who, event_id,
        kernel_stack[rows], user_stack[rows], offset, fields,
    )  # fmt: skip
    return table, short


def joined(tables: Sequence[EventTable]) -> EventTable:
    """One table of several of one kind, in time order; fields that a layout lacks are zero or empty."""
    if len(tables) == 1:
        return tables[0]
    order = np.argsort(np.concatenate([table.order for table in tables]), kind="stable")
    names = {name: column for table in tables for name, column in table.fields.items()}
    fields = {name: _joined_field(name, column, tables, order) for name, column in names.items()}
    common = {
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
