"""The ring: memory, allocated once, that Windows' thread writes records into and the worker takes them out of.

An entry is :data:`ENTRY` and a record as an .etl file holds one (EVENT_HEADER with its extended items), padded to 8
bytes. One thread writes, one reads; ``head`` and ``tail`` count bytes from the beginning and only grow. An entry
never goes around the end: the rest is filled with an entry of :data:`FILLER`. What finds no room is counted,
and told by an entry of :data:`LOST` as soon as there is room again, so that the loss has its place.
"""

from __future__ import annotations

from typing import Final

import numpy as np

ENTRY: Final = np.dtype([("size", "<u4"), ("cpu", "<u2"), ("flags", "<u2")])
"""What stands before a record: its size with this, its CPU, and the flags that its header had in memory."""
FILLER: Final = 0xFFFF
"""``flags`` of an entry that fills the rest of the ring."""
LOST: Final = 0xFFFE
"""``flags`` of an entry that tells of records that found no room: i64 count, first and last raw time."""
LOST_BYTES: Final = ENTRY.itemsize + 24
LARGEST_ENTRY: Final = ENTRY.itemsize + (1 << 16)
"""A record's size is a u16."""

# The control block, i64 each; what one side writes has cache lines of its own.
CONTROL_DATA: Final = 0
"""Address of the first byte."""
CONTROL_SIZE: Final = 1
CONTROL_HEAD: Final = 8
CONTROL_RECORDS: Final = 9
"""Records that were written."""
CONTROL_LOST: Final = 10
CONTROL_LOST_FIRST: Final = 11
CONTROL_LOST_LAST: Final = 12
"""Records without room that no entry tells of yet, and their first and last time."""
CONTROL_TAIL: Final = 16
CONTROL_ROWS: Final = 24

KERNEL_RING_BYTES: Final = 128 << 20
"""About four seconds of 200,000 records, half of them stacks of 16 frames."""
SOCKETS_RING_BYTES: Final = 16 << 20


class Ring:
    """``data``: the ring's bytes (uint8); ``control``: int64, :data:`CONTROL_ROWS` rows."""

    def __init__(self, size: int = KERNEL_RING_BYTES) -> None:
        if size < 2 * LARGEST_ENTRY or size % 8:
            raise ValueError(f"a ring of {size} bytes: it must hold two records of any size")
        self.data = np.zeros(size, np.uint8)
        self.control = np.zeros(CONTROL_ROWS, np.int64)
        self.control[CONTROL_DATA] = self.data.ctypes.data
        self.control[CONTROL_SIZE] = size

    @property
    def context(self) -> int:
        """What the callback is given to find this ring by: the address of the control block."""
        return int(self.control.ctypes.data)

    @property
    def head(self) -> int:
        """Bytes written so far."""
        return int(self.control[CONTROL_HEAD])

    @property
    def tail(self) -> int:
        """Bytes taken so far."""
        return int(self.control[CONTROL_TAIL])

    @property
    def waiting(self) -> int:
        """Bytes to be taken."""
        return self.head - self.tail

    @property
    def written(self) -> int:
        """Records written so far."""
        return int(self.control[CONTROL_RECORDS])

    def release(self, tail: int) -> None:
        """What was written up to here has been taken, and may be written over."""
        self.control[CONTROL_TAIL] = tail

    @property
    def unreported(self) -> tuple[int, int, int]:
        """Records that found no room after the last entry: (count, first raw time, last); for after the end."""
        lost = self.control[CONTROL_LOST : CONTROL_LOST_LAST + 1]
        return int(lost[0]), int(lost[1]), int(lost[2])
