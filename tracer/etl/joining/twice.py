"""Events that two recordings of one machine both have, told once.

Since Windows 8 several sessions may record the kernel's events at once (``EVENT_TRACE_SYSTEM_LOGGER_MODE``), and each
gets its own copy of every event, with a time stamp of its own, taken one after the other. Copies have the same
payload and the same processor, and follow one another before that processor logs the same event again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from tracer.arrays import I64, U64, Mask
from tracer.columns import NO_STACK, BlobColumn, EventTable, Who
from tracer.hashing import GOLDEN
from tracer.jit import kernel

MOST_APART_NS: Final = 1_000_000
"""Between two copies of an event lies what the kernel needs to write one, and at worst an interrupt."""


def signature(table: EventTable) -> U64:
    """By event a number (uint64) of what it is: kind of event, processor, and every field of its payload.

    A field of zeros changes nothing: a table of several layouts has zeros for what one of them lacks.
    """
    name = (table.event.astype(np.uint64) << np.uint64(16) | table.cpu.astype(np.uint64)) * GOLDEN
    for field, column in table.fields.items():
        values = column.length if isinstance(column, BlobColumn) else np.asarray(column)
        if values.ndim == 1 and values.dtype.kind in "iub":
            mixed = values.astype(np.uint64) * np.uint64(crc32(field.encode()) << 1 | 1)
            mixed ^= mixed >> np.uint64(29)
            mixed *= GOLDEN
            name ^= mixed ^ mixed >> np.uint64(32)
    return name


@kernel
def find_copies(
    order: I64,
    name: U64,
    time: I64,
    file: I64,
    recording: I64,
    apart: int,
    of: I64,
) -> None:
    """``of[i]``: the event that event ``i`` is a copy of, -1 where it is the first.

    ``order`` sorts by name, then time. A copy comes from another file than the event and its other copies: of another
    recording up to ``apart`` later, of the same recording at the same time.
    """
    first = np.int64(-1)
    seen = np.uint64(0)
    for place in range(order.shape[0]):
        i = order[place]
        bit = np.uint64(1) << np.uint64(file[i] & 63)
        later = time[i] - time[first] if first >= 0 else 0
        near = first >= 0 and name[i] == name[first] and later <= apart
        if near and seen & bit == np.uint64(0) and (recording[i] != recording[first] or later == 0):
            of[i] = first
            seen |= bit
        else:
            of[i] = -1
            first = i
            seen = bit


def without_copies(table: EventTable, is_copy: Mask, of: I64) -> EventTable:
    """The events that are no copies. ``of``: by event the row that it is a copy of, below 0 where that went out before.

    Of an event and its copies one may have come with a stack: the event gets it.
    """
    columns = {name: getattr(table, name).copy() for name in ("stack", "user_stack", "thread", "process", "who")}
    rows = np.flatnonzero(is_copy & (of >= 0))
    for name in ("stack", "user_stack"):
        gains = rows[(columns[name][rows] != NO_STACK) & (columns[name][of[rows]] == NO_STACK)]
        columns[name][of[gains]] = columns[name][gains]
    exact = rows[(columns["who"][rows] == Who.STACK) & (columns["who"][of[rows]] != Who.STACK)]
    for name in ("thread", "process", "who"):
        columns[name][of[exact]] = columns[name][exact]
    return taken(replace(table, **columns), np.flatnonzero(~is_copy))


def taken(table: EventTable, rows: npt.NDArray[np.integer] | slice) -> EventTable:
    """Some rows of a table; blocks of bytes are shared."""
    fields = {
        name: BlobColumn(column.data, column.start[rows], column.length[rows])
        if isinstance(column, BlobColumn)
        else np.asarray(column)[rows]
        for name, column in table.fields.items()
    }
    common = {name: getattr(table, name)[rows] for name in EventTable.COMMON}
    return EventTable(kind=table.kind, fields=fields, **common)
