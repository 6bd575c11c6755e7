"""Records inside of another: what a record whose size has changed, so that it ends where a later one does, swallows.

Nothing of a buffer says how many records it holds, so such a change leaves every other record as it was. Headers in the
payload that follow each other up to its very end, and begin with a time that can be that of the next record, show it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import U8
from tracer.etl.families import FAMILY, HEADER_SIZE, KERNEL, TIME_AT
from tracer.etl.headers import MESSAGE_MARKER, TRACE_MARKER, HeaderType
from tracer.jit import Int, inlined, kernel
from tracer.unaligned import load64

LEAST: Final = 32
"""Bytes of the shortest record that is looked for: a pool event with 32-bit pointers."""
_LATER: Final = 1 << 48
"""Ticks by which the next record is later at most: a day of cycles of a fast processor, the finest clock."""
_MESSAGE: Final = int(HeaderType.MESSAGE)


@inlined
def header_type(head: np.uint64) -> Int:
    """The header type that the first 8 bytes of a record say, -1 where they are no record's."""
    marker = np.int64(head >> np.uint64(24)) & 0xFF
    if marker == TRACE_MARKER:
        return np.int64(head >> np.uint64(16)) & 0xFF
    return np.int64(_MESSAGE if marker == MESSAGE_MARKER else -1)


@inlined
def record_size(head: np.uint64, kind: Int) -> Int:
    """Bytes of a record of that type, with its header, as its first 8 bytes say."""
    return np.int64((head >> np.uint64(32) if FAMILY[kind] == KERNEL else head) & np.uint64(0xFFFF))


@inlined
def _are_records(bytes1: U8, position: int, end: int) -> bool:
    """Whether records fill all that lies between two multiples of 8."""
    while position < end:
        head = load64(bytes1, position)
        kind = header_type(head)
        if kind < 0:
            return False
        size = record_size(head, kind)
        if size < HEADER_SIZE[kind]:
            return False
        position += int(size + 7) & ~7
    return position == end


@kernel
def swallowed(bytes1: U8, body: int, stop: int, time: Int) -> Int:
    """How many bytes at the end of the record with this raw time (without its buffer's shift) are records.

    ``body``: where its header ends, ``stop``: where it does; 8 bytes behind it are in bounds.
    """
    end = (stop + 7) & ~7
    for position in range((body + 7) & ~7, end - LEAST + 1, 8):
        head = load64(bytes1, position)
        if (head >> np.uint64(24)) & np.uint64(0xFF) != TRACE_MARKER:
            continue
        time_at = TIME_AT[header_type(head)]
        if time_at == 0:  # of no record, or of one that says no time here
            continue
        its_time = np.int64(load64(bytes1, position + time_at))
        if 0 <= its_time - time < _LATER and _are_records(bytes1, position, end):
            return np.int64(stop - position)
    return np.int64(0)
