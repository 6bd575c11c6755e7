"""What the walk writes down: a row for each event, for each stretch of them, for each stack that waits.

Layout slots are small numbers that say what a record is; those below :data:`FIRST_LAYOUT_SLOT` are the
reader's own.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracer.arrays import I32, I64, U16, U64, Structured

SLOT_NONE: Final = 0
"""Slot of records that are counted and take part in joining stacks, and are not decoded."""
SLOT_STACK: Final = 1
SLOT_KERNEL_KEY: Final = 2
SLOT_USER_KEY: Final = 3
SLOT_DEFINITION: Final = 4
FIRST_LAYOUT_SLOT: Final = 5

EVENT: Final = np.dtype(
    [
        ("time", "<i8"),
        ("offset", "<i8"),  # of the record in the file; of its buffer when compressed
        ("payload", "<u4"),  # byte position in the kept payloads, a multiple of 8
        ("stack", "<i4"),
        ("user_stack", "<i4"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("size", "<u2"),  # bytes of payload
        ("slot", "<u2"),
        ("event", "<u2"),
        ("cpu", "<u2"),
        ("who", "u1"),
        ("pointer", "u1"),  # bytes of a pointer in the payload
        ("pad", "<u2"),
    ]
)
"""One event: 48 bytes, its time and slot once more, and its payload are all that stays of it after the walk."""

SEGMENT: Final = np.dtype(
    [
        ("position", "<i8"),  # where the walk stands
        ("begin", "<i8"),  # first record
        ("end", "<i8"),  # end of the valid bytes
        ("offset", "<i8"),  # file offset of the byte at ``begin``; of the buffer's header when compressed
        ("last_time", "<i8"),
        ("record_bytes", "<i8"),
        ("backward", "<i8"),  # records whose time lies before their predecessor's
        ("skipped", "<i8"),  # bytes that could not be read
        ("present", "<i8"),  # bytes of the buffer that the file holds
        ("valid", "<i8"),  # bytes of the buffer, with its header, that it says are valid
        ("first", "<i4"),  # its first event's row, -1 before the walk
        ("cpu", "<u4"),
        ("state", "<u4"),
        ("buffer", "<u4"),  # row of the buffer index
        ("shift", "<i8"),  # ticks by which the CPU's clock is behind
        ("swallowed", "<i8"),  # bytes of records inside of others (:mod:`tracer.etl.swallowed`)
        ("swallower", "<i8"),  # where the first of these others stands
        ("packed", "<u4"),  # 1: compressed, all records share the buffer's file offset
        ("pad", "<u4"),
    ]
)
"""The valid bytes of one buffer; positions are those in the arena it was read into."""

RUN: Final = np.dtype([("first", "<i4"), ("end", "<i4"), ("cpu", "<u4"), ("moved", "<i4")])
"""The events of one buffer that are not handed on yet: rows ``first`` … ``end``, in the buffer's order.

``moved`` is work space of :func:`tracer.etl.pending.compact`.
"""

LOOSE_STACK: Final = np.dtype(
    [
        ("event_time", "<i8"),
        ("logged", "<i8"),
        ("key", "<u8"),
        ("stack", "<i4"),
        ("event", "<i4"),  # row of its event, -1 while not found
        ("thread", "<u4"),
        ("process", "<u4"),
        ("cpu", "<u2"),
        ("is_user", "u1"),
        ("is_key", "u1"),
        ("pad", "<u4"),
    ]
)
"""A stack that has no event yet, or a reference to a stack key that has no frames yet."""

MOST_WORDS: Final = (1 << 16) >> 3
"""Words of 8 bytes in the longest payload: a record's size is a u16."""
RESERVED: Final = -3
"""Stands in an event's stack column between finding its key reference and resolving it."""

WALK_STATE: Final = np.dtype(
    [
        ("segment", "<i8"),
        ("events", "<i8"),
        ("kept", "<i8"),
        ("loose", "<i8"),
        ("runs", "<i8"),
        ("records", "<i8"),
        ("providers", "<i8"),
        ("last_time", "<i8"),
        ("wild", "<i8"),
        ("notable", "<i8"),
        ("headers", "<i8"),
        ("record_bytes", "<i8"),
        ("padding", "<i8"),
        ("skipped", "<i8"),
        ("stacks", "<i8"),
        ("bare_stacks", "<i8"),
    ]
)
"""What the walk goes on with, and what it has counted; there is one row.

``kept``: words of payloads kept. ``wild``: events whose time cannot be told in nanoseconds. ``notable``: segments that
ended badly or have records out of order. ``headers``, ``record_bytes``, ``padding``, ``skipped``: where the bytes went.
``stacks``: records that are stacks or references to a stack's key, ``bare_stacks`` those without a frame or key.
"""


class EventTables(NamedTuple):
    """What an event is: hook → row, (provider, event) → row, (row, version) → slot.

    ``row_hook``: hook id of a row, 0 for none. ``provider_keys``: GUIDs as two u64; ``provider_table``: their rows by
    hash, -1 for none; ``provider_counts``: records by row; the first rows are those of ``provider_rows``.
    ``row_counts``: records by (row, version); row 0 is that of records without a layout.
    ``self_described``: slot of events that bring their own description and have no other, 0 where they are not wanted.
    """

    hook_row: U16
    row_slot: U16
    row_hook: U16
    provider_rows: U16
    provider_keys: U64
    provider_counts: I64
    provider_table: I32
    row_counts: I64
    self_described: int


class Stored(NamedTuple):
    """Rows of :data:`EVENT`, their times and slots once more, side by side, and their payloads in words of 8 bytes."""

    events: Structured
    times: I64
    slots: U16
    kept: U64


class Waiting(NamedTuple):
    """Events, and rows of :data:`LOOSE_STACK` and :data:`RUN` that wait.

    ``state``: the row of :data:`WALK_STATE`, how many are in use. ``tails``: by CPU the latest run, -1 for none.
    """

    stored: Stored
    loose: Structured
    runs: Structured
    tails: I32
    state: Structured
