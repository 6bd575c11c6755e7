"""What Windows calls for each event: compiled, without the GIL, it copies the record into a ring and nothing else.

A Python callback takes about 4 µs a record, which is all of a core at 200,000 records a second.
"""

from __future__ import annotations

import ctypes as ct
import functools
from typing import Any, Final

from tracer.etl.headers import EVENT_FLAG_EXTENDED, EVENT_HEADER, EXTENDED_ITEM, TRACE_MARKER, HeaderType
from tracer.jit import c_callback, inlined
from tracer.live.native import copy, load1, load2, load8, publish, store2, store4, store8
from tracer.live.ring import (
    CONTROL_DATA,
    CONTROL_HEAD,
    CONTROL_LOST,
    CONTROL_LOST_FIRST,
    CONTROL_LOST_LAST,
    CONTROL_RECORDS,
    CONTROL_SIZE,
    CONTROL_TAIL,
    ENTRY,
    FILLER,
    LOST,
    LOST_BYTES,
)
from tracer.live.structures import EtwBufferContext, EventHeader, EventRecord, ExtendedDataItem

FLAG_32_BIT: Final = 0x0020
FLAG_PROCESSOR_INDEX: Final = 0x0200
"""EVENT_HEADER_FLAG_* values (evntcons.h)."""

_HEADER: Final = EVENT_HEADER.itemsize
_FLAGS: Final = EventHeader.Flags.offset
_TIME: Final = EventHeader.TimeStamp.offset
_CPU: Final = EventRecord.BufferContext.offset + EtwBufferContext.ProcessorNumber.offset
_ITEM_COUNT: Final = EventRecord.ExtendedDataCount.offset
_PAYLOAD_BYTES: Final = EventRecord.UserDataLength.offset
_ITEMS: Final = EventRecord.ExtendedData.offset
_PAYLOAD: Final = EventRecord.UserData.offset
_CONTEXT: Final = EventRecord.UserContext.offset

_FLAG_BITS: Final = 0x7FFF
"""So that no record's flags look like those of the ring's own entries."""
_MEMORY_ITEM: Final = ct.sizeof(ExtendedDataItem)
_ITEM_TYPE: Final = ExtendedDataItem.ExtType.offset
_ITEM_BYTES: Final = ExtendedDataItem.DataSize.offset
_ITEM_DATA: Final = ExtendedDataItem.DataPtr.offset

_ENTRY: Final = ENTRY.itemsize
_ITEM: Final = EXTENDED_ITEM.itemsize
_LARGEST: Final = 0xFFFF
_TYPE32: Final = int(HeaderType.EVENT32) | TRACE_MARKER << 8
_TYPE64: Final = int(HeaderType.EVENT64) | TRACE_MARKER << 8
_DATA, _SIZE, _HEAD, _RECORDS = 8 * CONTROL_DATA, 8 * CONTROL_SIZE, 8 * CONTROL_HEAD, 8 * CONTROL_RECORDS
_LOST, _FIRST, _LAST, _TAIL = 8 * CONTROL_LOST, 8 * CONTROL_LOST_FIRST, 8 * CONTROL_LOST_LAST, 8 * CONTROL_TAIL


@inlined
def _lose(control: int, time: int) -> None:
    """Count a record that found no room."""
    lost = load8(control + _LOST)
    if lost == 0:
        store8(control + _FIRST, time)
    store8(control + _LAST, time)
    store8(control + _LOST, lost + 1)


@inlined
def _room(control: int, head: int, needed: int) -> int:
    """Where in the ring ``needed`` bytes can go, counted from the beginning; -1 where they cannot.

    The rest of the ring is filled where they do not fit into it.
    """
    size = load8(control + _SIZE)
    free = size - (head - load8(control + _TAIL))
    rest = size - head % size
    if rest >= needed:
        return head if free >= needed else -1
    if free < rest + needed:
        return -1
    filler = load8(control + _DATA) + head % size
    store4(filler, rest)
    store2(filler + 6, FILLER)
    return head + rest


@inlined
def _tell_lost(control: int, at: int) -> None:
    """Write the entry that tells of lost records, ``at`` bytes from the beginning."""
    entry = load8(control + _DATA) + at % load8(control + _SIZE)
    store4(entry, LOST_BYTES)
    store2(entry + 4, 0)
    store2(entry + 6, LOST)
    store8(entry + _ENTRY, load8(control + _LOST))
    store8(entry + _ENTRY + 8, load8(control + _FIRST))
    store8(entry + _ENTRY + 16, load8(control + _LAST))
    store8(control + _LOST, 0)


@inlined
def _items_bytes(items: int, count: int) -> int:
    """Bytes that the extended items take as a file holds them."""
    total = 0
    for i in range(count):
        total += (_ITEM + load2(items + _MEMORY_ITEM * i + _ITEM_BYTES) + 7) & ~7
    return total


@inlined
def _copy_items(items: int, count: int, target: int) -> int:
    """Write the extended items as a file holds them; gives where they end."""
    for i in range(count):
        item = items + _MEMORY_ITEM * i
        length = load2(item + _ITEM_BYTES)
        whole = (_ITEM + length + 7) & ~7
        store2(target, whole)
        store2(target + 2, load2(item + _ITEM_TYPE))
        store2(target + 4, 1 if i + 1 < count else 0)
        store2(target + 6, length)
        copy(target + _ITEM, load8(item + _ITEM_DATA), length)
        target += whole
    return target


def _take(record: int) -> None:
    """Copy one EVENT_RECORD into the ring that its user context points to."""
    control = load8(record + _CONTEXT)
    time = load8(record + _TIME)
    count = load2(record + _ITEM_COUNT)
    items = load8(record + _ITEMS)
    length = load2(record + _PAYLOAD_BYTES)
    size = _HEADER + _items_bytes(items, count) + length
    if size > _LARGEST:
        _lose(control, time)
        return
    needed = _ENTRY + ((size + 7) & ~7)
    loss_bytes = LOST_BYTES if load8(control + _LOST) > 0 else 0
    at = _room(control, load8(control + _HEAD), loss_bytes + needed)
    if at < 0:
        _lose(control, time)
        return
    if loss_bytes > 0:
        _tell_lost(control, at)
        at += loss_bytes
    flags = load2(record + _FLAGS) & _FLAG_BITS
    entry = load8(control + _DATA) + at % load8(control + _SIZE)
    store4(entry, needed)
    store2(entry + 4, load2(record + _CPU) if flags & FLAG_PROCESSOR_INDEX else load1(record + _CPU))
    store2(entry + 6, flags)
    target = entry + _ENTRY
    copy(target, record, _HEADER)
    store2(target, size)
    store2(target + 2, _TYPE32 if flags & FLAG_32_BIT else _TYPE64)
    store2(target + _FLAGS, EVENT_FLAG_EXTENDED if count else 0)
    copy(_copy_items(items, count, target + _HEADER), load8(record + _PAYLOAD), length)
    store8(control + _RECORDS, load8(control + _RECORDS) + 1)
    publish()
    store8(control + _HEAD, at + needed)


@functools.cache
def compiled_callback() -> Any:  # noqa: ANN401 - a CFunc, which has no types
    """The compiled callback, a ``numba`` CFunc of one int64, the address of an EVENT_RECORD; it lives like Python.

    Compiled at the first use (about a second), then kept on disk.
    """
    return c_callback(_take)


def event_callback() -> int:
    """The address of the compiled callback, for EVENT_TRACE_LOGFILEW.EventRecordCallback."""
    return int(compiled_callback().address)
