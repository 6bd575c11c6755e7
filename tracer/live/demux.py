"""From a ring's entries to what a buffer of an .etl file holds: dealt out by CPU, kernel events under their hook ids.

In real time a kernel event comes as a classic event: its class's GUID and its type. It becomes a record with a
SYSTEM header again, so that it is read, counted and matched like one from a file. Stacks that come with it as extended
items become StackWalk records behind it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.arrays import I64, U32, U64
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
from tracer.live.size_pass import Measured
from tracer.words import Words

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
    words4: U32, record: Int, hook: Int, size: Int, kind: Int, version: Int, target: Words, at: Int
) -> None:  # fmt: skip
    """A SYSTEM header with the thread, process and times of the record at ``record``."""
    to2, to4 = target.words2, target.words4
    to4[at >> 2] = np.uint32(version | kind << 16 | _MARKER)
    to2[(at >> 1) + 2] = np.uint16(size)
    to2[(at >> 1) + 3] = np.uint16(hook)
    for i in range(4):  # thread, process, time
        to4[(at >> 2) + 2 + i] = words4[(record >> 2) + 2 + i]
    to4[(at >> 2) + 6] = words4[(record >> 2) + 14]
    to4[(at >> 2) + 7] = words4[(record >> 2) + 15]


@inlined
def _full_header(
    words: Words, record: Int, size: Int, kind: Int, target: Words, at: Int
) -> None:  # fmt: skip
    """The header of a classic event of a class that is not the kernel's."""
    words2, words4, to2, to4 = words.words2, words.words4, target.words2, target.words4
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
    words: Words, record: Int, payload: Int, target: Words, at: Int
) -> Int:  # fmt: skip
    """StackWalk records of the stacks among a kernel event's extended items; gives where they end."""
    words2, words4, words8, to4, to8 = words.words2, words.words4, words.words8, target.words4, target.words8
    item = record + EVENT_BYTES
    end = at
    while item < payload:
        kind = np.int64(words2[(item >> 1) + 1])
        if is_stack(kind):
            frames = item + 8 + MATCH_ID
            stop = max(item + 8 + np.int64(words2[(item >> 1) + 3]), frames)
            size = SYSTEM_BYTES + STACK_HEAD + stop - frames
            _system_header(
                words4, record, STACK_EVENT, size, _SYSTEM32 if kind == STACK32 else _SYSTEM64, 2, target, end
            )
            head = end + SYSTEM_BYTES
            to8[head >> 3] = words8[(record >> 3) + 2]
            to4[(head >> 2) + 2] = words4[(record >> 2) + 3]
            to4[(head >> 2) + 3] = words4[(record >> 2) + 2]
            end = _copy(words8, frames, stop, to8, head + STACK_HEAD)
        item += np.int64(words2[item >> 1])
    return end


@kernel
def deal(words: Words, tail: int, measured: Measured, cpu_at: I64, target: Words) -> None:
    """Write the records of the entries that were measured, each where its CPU's part stands (``cpu_at``)."""
    words2, words4, words8 = words.words2, words.words4, words.words8
    entry_hook, entry_bytes = measured.entry_hook, measured.entry_bytes
    size = np.int64(words8.shape[0]) << 3
    end = np.int64(tail)
    for n in range(measured.counts[0]["entries"]):
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
            _copy(words8, record, stop, target.words8, at)
            continue
        narrow = np.int64(words2[(record >> 1) + 1]) & 0xFF == _EVENT32
        payload = after_items(words2, record, stop)
        hook = np.int64(entry_hook[n])
        if hook < 0:
            _full_header(words, record, FULL_BYTES + stop - payload, _FULL32 if narrow else _FULL64, target, at)
            at = _copy(words8, payload, stop, target.words8, at + FULL_BYTES)
        else:
            version = np.int64(words2[(record + 42) >> 1]) & 0xFF
            kind = _SYSTEM32 if narrow else _SYSTEM64
            _system_header(words4, record, hook, SYSTEM_BYTES + stop - payload, kind, version, target, at)
            at = _copy(words8, payload, stop, target.words8, at + SYSTEM_BYTES)
        _stack_records(words, record, payload, target, at)
