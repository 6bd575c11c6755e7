"""Columns: what an event table is made of.

Everything that flows out of this room is a set of numpy columns of one length; an event
becomes a Python object only when somebody looks at that one event.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from tracer.arrays import I32, I64, U8, U16, U32
from tracer.data_classes import dataclass

UNKNOWN_ID: Final = 0xFFFFFFFF
"""Thread or process id that no header, stack or context switch has told (also 0xFFFFFFFF on disk)."""
NO_STACK: Final = -1
"""Stack id of an event that came without a stack."""


class Who(IntEnum):
    """How the process and thread of an event are known."""

    UNKNOWN = 0
    STACK = 1  # the event's stack names them exactly
    CONTEXT_SWITCH = 2  # inferred: the thread that was running on that CPU
    HEADER = 3  # the record's own header


Array = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class BlobColumn:
    """``n`` byte strings in one block: ``data`` (uint8), ``start`` (int64, n), ``length`` (int64, n)."""

    data: U8
    start: I64
    length: I64

    def __len__(self) -> int:
        return len(self.start)

    def bytes(self, row: int) -> bytes:
        """The bytes of one row."""
        start = int(self.start[row])
        return self.data[start : start + int(self.length[row])].tobytes()

    def utf16(self, row: int) -> str:
        """One row read as UTF-16; lone surrogates become U+FFFD."""
        raw = self.bytes(row)
        return raw[: len(raw) & ~1].decode("utf-16-le", "replace")

    def ansi(self, row: int) -> str:
        """One row read as the Windows ANSI code page 1252 (its undefined bytes become U+FFFD)."""
        return self.bytes(row).decode("cp1252", "replace")

    @classmethod
    def empty(cls, rows: int) -> BlobColumn:
        """A column of empty strings."""
        return cls(np.zeros(0, np.uint8), np.zeros(rows, np.int64), np.zeros(rows, np.int64))

    def take(self, rows: npt.NDArray[np.integer]) -> BlobColumn:
        """The given rows; the block of bytes is shared."""
        return BlobColumn(self.data, self.start[rows], self.length[rows])


Column = Array | BlobColumn


@dataclass(frozen=True, slots=True, eq=False)
class EventTable:
    """All events of one kind in a batch, in time order.

    ``time``: int64 nanoseconds since the trace's start. ``raw_time``: int64 session clock ticks.
    ``order``: int64, position in the time order of all events of the trace (ties between CPUs
    keep file order). ``cpu``: uint16. ``thread``, ``process``: uint32 from the record's stack, else its
    header, :data:`UNKNOWN_ID` where neither says; ``who``: uint8 :class:`Who`. ``event``: uint16 hook id
    or manifest event id. ``stack``, ``user_stack``: int32 ids into the source's stack table, :data:`NO_STACK`
    for none. ``offset``: int64 file offset of the record, or of its buffer when compressed.
    ``fields``: payload columns by field name.
    """

    kind: str
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
    fields: Mapping[str, Column]

    COMMON: ClassVar = (
        "time", "raw_time", "order", "cpu", "thread", "process", "who", "event", "stack", "user_stack", "offset",
    )  # fmt: skip

    def __len__(self) -> int:
        return len(self.time)

    def array(self, name: str) -> Array:
        """A fixed-width payload column; ``KeyError`` where the kind has none of that name."""
        column = self.fields[name]
        if isinstance(column, BlobColumn):
            raise KeyError(f"{self.kind}.{name} is a column of byte strings")
        return column

    def blob(self, name: str) -> BlobColumn:
        """A payload column of byte strings."""
        column = self.fields[name]
        if not isinstance(column, BlobColumn):
            raise KeyError(f"{self.kind}.{name} is a column of numbers")
        return column
