"""From a ring's entries to what a buffer of an .etl file holds: dealt out by CPU, kernel events under their hook ids.

In real time a kernel event comes as a classic event: its class's GUID and its type. It becomes a record with a
SYSTEM header again, so that it is read, counted and matched like one from a file. Stacks that come with it as extended
items become StackWalk records behind it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.etl.classify import guid_words
from tracer.etl.headers import (
    EVENT_HEADER,
    FULL_HEADER,
    PROCESSOR_INDEX_MASK,
    SYSTEM_HEADER,
    TRACE_MARKER,
    ExtendedType,
    HeaderType,
)
from tracer.events import pool, stack
from tracer.events.layout import KernelId, ProviderId
from tracer.events.providers import KERNEL_GROUPS, canonical
from tracer.jit import Int, inlined, kernel
from tracer.live.ring import ENTRY, FILLER, LOST

CLASSIC_FLAG: Final = 0x0100
"""EVENT_HEADER_FLAG_CLASSIC_HEADER."""
_ENTRY: Final = ENTRY.itemsize
_SYSTEM: Final = SYSTEM_HEADER.itemsize
_FULL: Final = FULL_HEADER.itemsize
_EVENT: Final = EVENT_HEADER.itemsize
_STACK_HEAD: Final = 16
"""Bytes of a StackWalk payload before its frames: the event's time, process and thread."""
_MATCH_ID: Final = 8
_MARKER: Final = TRACE_MARKER << 24
_EVENT32: Final = int(HeaderType.EVENT32)
_SYSTEM32: Final = int(HeaderType.SYSTEM32)
_SYSTEM64: Final = int(HeaderType.SYSTEM64)
_FULL32: Final = int(HeaderType.FULL32)
_FULL64: Final = int(HeaderType.FULL64)
_STACK32: Final = int(ExtendedType.STACK32)
_STACK64: Final = int(ExtendedType.STACK64)
_FIRST_POOL: Final = pool.ALLOC
_LAST_POOL: Final = pool.FREE_SESSION
_STACK_EVENT: Final = stack.STACK
_TAG_BITS: Final = 0x7FFFFFFF
"""The highest bit only says that the block is protected."""

NOT_KERNEL: Final = -1
NO_TIME: Final = int(np.iinfo(np.int64).min)

# What :func:`measure` counts.
COUNT_ENTRIES: Final = 0
COUNT_END: Final = 1
"""Where the entries end that were measured, in bytes from the ring's beginning of time."""
COUNT_LEAST: Final = 2
COUNT_GREATEST: Final = 3
"""Least and greatest raw time; least is above greatest where there was no record."""
COUNT_FILTERED: Final = 4
COUNT_LATE: Final = 5
"""Records before a time up to which events have gone out already."""
COUNT_LOSSES: Final = 6
COUNT_ROWS: Final = 7

MOST_ENTRIES: Final = 1 << 13
MOST_LOSSES: Final = 64


def class_tables() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """The kernel's classes: their GUIDs as two u64 each, and by class and type the hook id."""
    guids = sorted(KERNEL_GROUPS)
    words = np.array([guid_words(guid) for guid in guids], np.uint64)
    hooks = np.full((len(guids), 256), NOT_KERNEL, np.int32)
    for row, guid in enumerate(guids):
        for opcode in range(256):
            found = canonical(ProviderId(guid, opcode))
            if isinstance(found, KernelId):
                hooks[row, opcode] = found.hook
    return words, hooks


@inlined
def _class_row(words8: npt.NDArray[np.uint64], at: Int, classes: npt.NDArray[np.uint64]) -> Int:
    """Row of the class whose GUID stands at ``at``; -1 for another provider."""
    low, high = words8[at >> 3], words8[(at >> 3) + 1]
    for row in range(classes.shape[0]):
        if classes[row, 0] == low and classes[row, 1] == high:
            return row
    return NOT_KERNEL


@inlined
def _after_items(words2: npt.NDArray[np.uint16], record: Int, stop: Int) -> Int:
    """Where the payload of a record in the ring begins."""
    at = record + _EVENT
    if words2[(record >> 1) + 2] == 0:
        return at
    more = True
    while more and at + 8 <= stop:
        more = words2[(at >> 1) + 2] & 1 != 0
        at += np.int64(words2[at >> 1])
    return at


@inlined
def _is_stack(kind: Int) -> bool:
    return kind == _STACK32 or kind == _STACK64


@inlined
def _stacks_bytes(words2: npt.NDArray[np.uint16], record: Int, payload: Int) -> Int:
    """Bytes of the StackWalk records that the extended items of a kernel event become."""
    total = np.int64(0)
    item = record + _EVENT
    while item < payload:
        if _is_stack(np.int64(words2[(item >> 1) + 1])):
            frames = max(np.int64(words2[(item >> 1) + 3]), np.int64(_MATCH_ID)) - _MATCH_ID
            total += (_SYSTEM + _STACK_HEAD + frames + 7) & ~7
        item += np.int64(words2[item >> 1])
    return total


@inlined
def _unwanted(
    words4: npt.NDArray[np.uint32], words8: npt.NDArray[np.uint64], hook: Int, payload: Int, stop: Int, time: Int,
    cpu: Int, tags: npt.NDArray[np.uint32], filtered: npt.NDArray[np.int64],
) -> bool:  # fmt: skip
    """Whether a pool event has another tag than those wanted, or a stack belongs to such an event."""
    if hook == _STACK_EVENT and payload + 8 <= stop:
        return bool(np.int64(words8[payload >> 3]) == filtered[cpu])
    if hook < _FIRST_POOL or hook > _LAST_POOL or payload + 8 > stop:
        return False
    tag = words4[(payload >> 2) + 1] & np.uint32(_TAG_BITS)
    for i in range(tags.shape[0]):
        if tags[i] == tag:
            return False
    filtered[cpu] = time
    return True


@kernel
def measure(  # noqa: PLR0913, PLR0917 - a kernel's arrays are its state
    words2: npt.NDArray[np.uint16],
    words4: npt.NDArray[np.uint32],
    words8: npt.NDArray[np.uint64],
    tail: int,
    head: int,
    most_bytes: int,
    handed_on: int,
    classes: npt.NDArray[np.uint64],
    hooks: npt.NDArray[np.int32],
    tags: npt.NDArray[np.uint32],
    filtered: npt.NDArray[np.int64],
    entry_hook: npt.NDArray[np.int32],
    entry_bytes: npt.NDArray[np.int64],
    cpu_bytes: npt.NDArray[np.int64],
    losses: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> None:
    """Look at the entries from ``tail``: what each becomes, and how much of it each CPU gets.

    ``entry_hook``: hook id, :data:`NOT_KERNEL` for other events; ``entry_bytes``: bytes that it becomes, 0 for nothing.
    ``losses``: rows of (records, first and last raw time) that the ring tells of. ``filtered``: by CPU the time of
    the last pool event that is not wanted.
    """
    size = np.int64(words8.shape[0]) << 3
    n = np.int64(0)
    end = np.int64(tail)
    counts[:] = 0
    counts[COUNT_LEAST] = np.iinfo(np.int64).max
    counts[COUNT_GREATEST] = NO_TIME
    last_row: Int = -1
    while end < head and end - tail < most_bytes and n < MOST_ENTRIES and counts[COUNT_LOSSES] < MOST_LOSSES:
        at = end % size
        length = np.int64(words4[at >> 2])
        cpu = np.int64(words2[(at >> 1) + 2]) & PROCESSOR_INDEX_MASK
        flags = np.int64(words2[(at >> 1) + 3])
        record = at + _ENTRY
        end += length
        entry_bytes[n] = 0
        entry_hook[n] = NOT_KERNEL
        n += 1
        if flags == FILLER:
            continue
        if flags == LOST:
            for i in range(3):
                losses[counts[COUNT_LOSSES], i] = np.int64(words8[(record >> 3) + i])
            counts[COUNT_LOSSES] += 1
            continue
        time = np.int64(words8[(record >> 3) + 2])
        stop = record + np.int64(words2[record >> 1])
        becomes: Int = (stop - record + 7) & ~7
        if flags & CLASSIC_FLAG:
            guid = record + 24
            known = last_row >= 0 and classes[last_row, 0] == words8[guid >> 3]
            known = known and classes[last_row, 1] == words8[(guid >> 3) + 1]
            row = last_row if known else _class_row(words8, guid, classes)
            last_row = row
            payload = _after_items(words2, record, stop)
            hook: Int = NOT_KERNEL if row < 0 else hooks[row, np.int64(words2[(record + 44) >> 1]) >> 8]
            entry_hook[n - 1] = hook
            if tags.shape[0] and _unwanted(words4, words8, hook, payload, stop, time, cpu, tags, filtered):
                counts[COUNT_FILTERED] += 1
                continue
            becomes = ((_FULL if hook < 0 else _SYSTEM) + stop - payload + 7) & ~7
            becomes = becomes + _stacks_bytes(words2, record, payload)
        entry_bytes[n - 1] = becomes
        cpu_bytes[cpu] += becomes
        counts[COUNT_LEAST] = min(counts[COUNT_LEAST], time)
        counts[COUNT_GREATEST] = max(counts[COUNT_GREATEST], time)
        if time < handed_on:
            counts[COUNT_LATE] += 1
    counts[COUNT_ENTRIES] = n
    counts[COUNT_END] = end


@inlined
def _copy(
    source: npt.NDArray[np.uint64], begin: Int, stop: Int, target: npt.NDArray[np.uint64], at: Int
) -> Int:  # fmt: skip
    """Copy the words that hold bytes ``begin`` … ``stop``; gives where they end in ``target``, a multiple of 8."""
    words = (stop - begin + 7) >> 3
    for i in range(words):
        target[(at >> 3) + i] = source[(begin >> 3) + i]
    return at + (words << 3)


@inlined
def _system_header(
    words4: npt.NDArray[np.uint32], record: Int, hook: Int, size: Int, kind: Int, version: Int,
    to2: npt.NDArray[np.uint16], to4: npt.NDArray[np.uint32], at: Int,
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
    words2: npt.NDArray[np.uint16], words4: npt.NDArray[np.uint32], record: Int, size: Int, kind: Int,
    to2: npt.NDArray[np.uint16], to4: npt.NDArray[np.uint32], at: Int,
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
    words2: npt.NDArray[np.uint16], words4: npt.NDArray[np.uint32], words8: npt.NDArray[np.uint64], record: Int,
    payload: Int, to2: npt.NDArray[np.uint16], to4: npt.NDArray[np.uint32], to8: npt.NDArray[np.uint64], at: Int,
) -> Int:  # fmt: skip
    """StackWalk records of the stacks among a kernel event's extended items; gives where they end."""
    item = record + _EVENT
    end = at
    while item < payload:
        kind = np.int64(words2[(item >> 1) + 1])
        if _is_stack(kind):
            frames = item + 8 + _MATCH_ID
            stop = max(item + 8 + np.int64(words2[(item >> 1) + 3]), frames)
            size = _SYSTEM + _STACK_HEAD + stop - frames
            _system_header(
                words4, record, _STACK_EVENT, size, _SYSTEM32 if kind == _STACK32 else _SYSTEM64, 2, to2, to4, end
            )
            head = end + _SYSTEM
            to8[head >> 3] = words8[(record >> 3) + 2]
            to4[(head >> 2) + 2] = words4[(record >> 2) + 3]
            to4[(head >> 2) + 3] = words4[(record >> 2) + 2]
            end = _copy(words8, frames, stop, to8, head + _STACK_HEAD)
        item += np.int64(words2[item >> 1])
    return end


@kernel
def deal(
    words2: npt.NDArray[np.uint16],
    words4: npt.NDArray[np.uint32],
    words8: npt.NDArray[np.uint64],
    tail: int,
    entries: int,
    entry_hook: npt.NDArray[np.int32],
    entry_bytes: npt.NDArray[np.int64],
    cpu_at: npt.NDArray[np.int64],
    to2: npt.NDArray[np.uint16],
    to4: npt.NDArray[np.uint32],
    to8: npt.NDArray[np.uint64],
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
        record = entry + _ENTRY
        stop = record + np.int64(words2[record >> 1])
        at = cpu_at[cpu]
        cpu_at[cpu] = at + entry_bytes[n]
        if np.int64(words2[(entry >> 1) + 3]) & CLASSIC_FLAG == 0:
            _copy(words8, record, stop, to8, at)
            continue
        narrow = np.int64(words2[(record >> 1) + 1]) & 0xFF == _EVENT32
        payload = _after_items(words2, record, stop)
        hook = np.int64(entry_hook[n])
        if hook < 0:
            _full_header(
                words2, words4, record, _FULL + stop - payload, _FULL32 if narrow else _FULL64, to2, to4, at
            )  # fmt: skip
            at = _copy(words8, payload, stop, to8, at + _FULL)
        else:
            version = np.int64(words2[(record + 42) >> 1]) & 0xFF
            kind = _SYSTEM32 if narrow else _SYSTEM64
            _system_header(words4, record, hook, _SYSTEM + stop - payload, kind, version, to2, to4, at)
            at = _copy(words8, payload, stop, to8, at + _SYSTEM)
        _stack_records(words2, words4, words8, record, payload, to2, to4, to8, at)
