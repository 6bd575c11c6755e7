"""From a ring's entries to what a buffer of an .etl file holds: dealt out by CPU, kernel events under their hook ids.

In real time a kernel event comes as a classic event: its class's GUID and its type. It becomes a record with a
SYSTEM header again, so that it is read, counted and matched like one from a file. Stacks that come with it as extended
items become StackWalk records behind it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I32, I64, U16, U32, U64
from tracer.etl.headers import PROCESSOR_INDEX_MASK, TRACE_MARKER, HeaderType
from tracer.jit import Int, inlined, kernel
from tracer.live.entries import (
    CLASSIC_FLAG,
    ENTRY_BYTES,
    EVENT_BYTES,
    FULL_BYTES,
    MATCH_ID,
    STACK32,
    STACK_EVENT,
    STACK_HEAD,
    SYSTEM_BYTES,
    after_items,
    is_stack,
)

_MARKER: Final = TRACE_MARKER << 24
_EVENT32: Final = int(HeaderType.EVENT32)
_SYSTEM32: Final = int(HeaderType.SYSTEM32)
_SYSTEM64: Final = int(HeaderType.SYSTEM64)
_FULL32: Final = int(HeaderType.FULL32)
_FULL64: Final = int(HeaderType.FULL64)


@inlined
def _copy(
    source: U64, begin: Int, stop: Int, target: U64, at: Int
) -> Int:  # fmt: skip
    """Copy the words that hold bytes ``begin`` … ``stop``; gives where they end in ``target``, a multiple of 8."""
    words = (stop - begin + 7) >> 3
    for i in range(words):
        target[(at >> 3) + i] = source[(begin >> 3) + i]
    return at + (words << 3)


@inlined
def _system_header(
    words4: U32, record: Int, hook: Int, size: Int, kind: Int, version: Int,
    to2: U16, to4: U32, at: Int,
) -> None:  # fmt: skip
    """A SYSTEM header with the thread, process and times of the record at ``record``."""
    to4[at >> 2] = np.uint32(version | kind << 16 | _MARKER)
    to2[(at >> 1) + 2] = np.uint16(size)
    to2[(at >> 1) + 3] = np.uint16(hook)
    for i in range(4):  # thread, process, time
        to4[(at >> 2) + 2 + i] = words4[(record >> 2) + 2 + i]
    to4[(at >> 2) + 6] = words4[(record >> 2) + 14]
    to4[(at >> 2) + 7] = words4[(record >> 2) + 15]


@inlined
def _full_header(
    words2: U16, words4: U32, record: Int, size: Int, kind: Int,
    to2: U16, to4: U32, at: Int,
) -> None:  # fmt: skip
    """The header of a classic event of a class that is not the kernel's."""
    to4[at >> 2] = np.uint32(size | kind << 16 | _MARKER)
    level_and_type = words2[(record + 44) >> 1]
    to2[(at >> 1) + 2] = np.uint16((level_and_type >> 8) | ((level_and_type & 0xFF) << 8))
    to2[(at >> 1) + 3] = np.uint16(words2[(record + 42) >> 1] & 0xFF)
    for i in range(8):  # thread, process, time, GUID
        to4[(at >> 2) + 2 + i] = words4[(record >> 2) + 2 + i]
    to4[(at >> 2) + 10] = words4[(record >> 2) + 14]
    to4[(at >> 2) + 11] = words4[(record >> 2) + 15]


@inlined
def _stack_records(
    words2: U16, words4: U32, words8: U64, record: Int,
    payload: Int, to2: U16, to4: U32, to8: U64, at: Int,
) -> Int:  # fmt: skip
    """StackWalk records of the stacks among a kernel event's extended items; gives where they end."""
    item = record + EVENT_BYTES
    end = at
    while item < payload:
        kind = np.int64(words2[(item >> 1) + 1])
        if is_stack(kind):
            frames = item + 8 + MATCH_ID
            stop = max(item + 8 + np.int64(words2[(item >> 1) + 3]), frames)
            size = SYSTEM_BYTES + STACK_HEAD + stop - frames
            _system_header(
                words4, record, STACK_EVENT, size, _SYSTEM32 if kind == STACK32 else _SYSTEM64, 2, to2, to4, end
            )
            head = end + SYSTEM_BYTES
            to8[head >> 3] = words8[(record >> 3) + 2]
            to4[(head >> 2) + 2] = words4[(record >> 2) + 3]
            to4[(head >> 2) + 3] = words4[(record >> 2) + 2]
            end = _copy(words8, frames, stop, to8, head + STACK_HEAD)
        item += np.int64(words2[item >> 1])
    return end


@kernel
def deal(
    words2: U16,
    words4: U32,
    words8: U64,
    tail: int,
    entries: int,
    entry_hook: I32,
    entry_bytes: I64,
    cpu_at: I64,
    to2: U16,
    to4: U32,
    to8: U64,
) -> None:
    """Write the records of ``entries`` entries that were measured, each where its CPU's part stands (``cpu_at``)."""
    size = np.int64(words8.shape[0]) << 3
    end = np.int64(tail)
    for n in range(entries):
        entry = end % size
        end += np.int64(words4[entry >> 2])
        if entry_bytes[n] == 0:
            continue
        cpu = np.int64(words2[(entry >> 1) + 2]) & PROCESSOR_INDEX_MASK
        record = entry + ENTRY_BYTES
        stop = record + np.int64(words2[record >> 1])
        at = cpu_at[cpu]
        cpu_at[cpu] = at + entry_bytes[n]
        if entry_hook[n] < 0 and np.int64(words2[(entry >> 1) + 3]) & CLASSIC_FLAG == 0:
            _copy(words8, record, stop, to8, at)
            continue
        narrow = np.int64(words2[(record >> 1) + 1]) & 0xFF == _EVENT32
        payload = after_items(words2, record, stop)
        hook = np.int64(entry_hook[n])
        if hook < 0:
            _full_header(
                words2, words4, record, FULL_BYTES + stop - payload, _FULL32 if narrow else _FULL64, to2, to4, at
            )  # fmt: skip
            at = _copy(words8, payload, stop, to8, at + FULL_BYTES)
        else:
            version = np.int64(words2[(record + 42) >> 1]) & 0xFF
            kind = _SYSTEM32 if narrow else _SYSTEM64
            _system_header(words4, record, hook, SYSTEM_BYTES + stop - payload, kind, version, to2, to4, at)
            at = _copy(words8, payload, stop, to8, at + SYSTEM_BYTES)
        _stack_records(words2, words4, words8, record, payload, to2, to4, to8, at)
