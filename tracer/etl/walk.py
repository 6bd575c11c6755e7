"""The walk over the records of a window of buffers.

One kernel steps from record to record, counts every one, and writes an *index*: where each
record's payload lies, when it was logged, and which layout slot it belongs to. Stack records go
to an index of their own, with their place among the events, because they are joined to events
and never ordered by themselves.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.etl.headers import (
    COMPACT_HEADER,
    END_OF_BUFFER,
    EVENT_FLAG_EXTENDED,
    EVENT_HEADER,
    FULL_HEADER,
    INSTANCE_HEADER,
    MESSAGE_HEADER,
    MESSAGE_MARKER,
    PERFINFO_HEADER,
    PERFINFO_PEBS,
    PERFINFO_PMC_MASK,
    PERFINFO_PMC_SHIFT,
    POINTER_SIZE,
    SYSTEM_HEADER,
    TRACE_MARKER,
    ExtendedType,
    HeaderType,
    MessageOption,
)
from tracer.jit import Int, inlined, kernel

# What a segment's walk ended with; a segment is one buffer's valid bytes.
RUNNING: Final = 0
DONE: Final = 1
BAD_SIZE: Final = 2
BAD_TYPE: Final = 3
BAD_CUT: Final = 4

# What the whole walk ended with.
COMPLETE: Final = 0
INDEX_FULL: Final = 1
PROVIDERS_FULL: Final = 2

SLOT_NONE: Final = 0
"""Slot of records that are counted and take part in joining stacks, and are not decoded."""
SLOT_STACK: Final = 1
SLOT_KERNEL_KEY: Final = 2
SLOT_USER_KEY: Final = 3
SLOT_EXTENDED_STACK: Final = 4
SLOT_EXTENDED_KEY: Final = 5
SLOT_DEFINITION: Final = 6
FIRST_LAYOUT_SLOT: Final = 7

NO_HORIZON: Final = np.iinfo(np.int64).max
"""A horizon that no record lies beyond, not even one of the last raw time there is."""

_KERNEL: Final = 1
_EVENT: Final = 2
_CLASSIC: Final = 3
_OPAQUE: Final = 4

FAMILY: Final = np.zeros(256, np.uint8)
"""By header type: how the header is read."""
HEADER_SIZE: Final = np.zeros(256, np.int64)
"""By header type: bytes before the payload."""
TIME_AT: Final = np.zeros(256, np.int64)
"""By header type: where the i64 time stands."""
POINTER_BYTES: Final = np.zeros(256, np.int64)
"""By header type: bytes of a pointer."""


def _describe(names: str, dtype: np.dtype[np.void] | None, family: int) -> None:
    for name in names.split():
        kind = HeaderType[name]
        FAMILY[kind] = family
        POINTER_BYTES[kind] = POINTER_SIZE[kind]
        if dtype is not None and dtype.fields is not None:
            HEADER_SIZE[kind] = dtype.itemsize
            TIME_AT[kind] = dtype.fields["time"][1]


_describe("SYSTEM32 SYSTEM64", SYSTEM_HEADER, _KERNEL)
_describe("COMPACT32 COMPACT64", COMPACT_HEADER, _KERNEL)
_describe("PERFINFO32 PERFINFO64", PERFINFO_HEADER, _KERNEL)
_describe("EVENT32 EVENT64", EVENT_HEADER, _EVENT)
_describe("FULL32 FULL64", FULL_HEADER, _CLASSIC)
_describe("INSTANCE32 INSTANCE64", INSTANCE_HEADER, _CLASSIC)
_describe("TIMED ERROR WNODE", None, _OPAQUE)
HEADER_SIZE[[HeaderType.TIMED, HeaderType.ERROR, HeaderType.WNODE]] = 8  # no layout known: only the size is read

_PERFINFO32: Final = int(HeaderType.PERFINFO32)
_PERFINFO64: Final = int(HeaderType.PERFINFO64)
_MESSAGE: Final = int(HeaderType.MESSAGE)
_MESSAGE_SIZE: Final = MESSAGE_HEADER.itemsize
_STACK32: Final = int(ExtendedType.STACK32)
_STACK64: Final = int(ExtendedType.STACK64)
_STACK_KEY32: Final = int(ExtendedType.STACK_KEY32)
_STACK_KEY64: Final = int(ExtendedType.STACK_KEY64)
_SEQUENCE: Final = int(MessageOption.SEQUENCE)
_GUID: Final = int(MessageOption.GUID)
_COMPONENT: Final = int(MessageOption.COMPONENT)
_TIMESTAMP: Final = int(MessageOption.TIMESTAMP | MessageOption.PERF_TIMESTAMP)

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)

EVENT_INDEX: Final = np.dtype(
    [
        ("time", "<i8"),
        ("start", "<u4"),
        ("payload", "<u4"),
        ("end", "<u4"),
        ("segment", "<u4"),
        ("slot", "<u2"),
        ("event", "<u2"),
        ("pad", "<u4"),
    ]
)
"""One event: raw time, byte positions in the window, the segment it lies in, its layout slot and id."""

STACK_INDEX: Final = np.dtype(
    [
        ("payload", "<u4"),
        ("end", "<u4"),
        ("segment", "<u4"),
        ("after", "<u4"),  # number of events of the window's index that come before it
        ("slot", "<u2"),
        ("pointer", "<u2"),
        ("pad", "<u4"),
    ]
)
"""One stack record or extended stack item, and its place among the events."""

SEGMENT: Final = np.dtype(
    [
        ("position", "<i8"),  # where the walk stands, in the window
        ("end", "<i8"),  # end of the valid bytes, in the window
        ("begin", "<i8"),  # first record, in the window
        ("offset", "<i8"),  # file offset of the byte at ``begin``; of the buffer's header when compressed
        ("last_time", "<i8"),
        ("peeked", "<i8"),  # position up to which stacks of earlier windows' events were taken ahead of the walk
        ("last_event", "<i8"),  # index one past its last event in this window
        ("record_bytes", "<i8"),
        ("backward", "<i8"),  # records whose time lies before their predecessor's
        ("cpu", "<u4"),
        ("state", "<u4"),
        ("buffer", "<u4"),  # row of the buffer index
        ("packed", "<u4"),  # 1: compressed, all records share the buffer's file offset
    ]
)
"""One buffer that is being walked; the walk may stop in the middle, at the window's horizon."""


@inlined
def _message_time(
    words2: npt.NDArray[np.uint16], words4: npt.NDArray[np.uint32], position: Int, stop: Int, fallback: Int
) -> Int:
    """Raw time of a WPP message, ``fallback`` where it carries none."""
    options = np.int64(words2[(position >> 1) + 3])
    at = position + _MESSAGE_SIZE
    at += 4 if options & _SEQUENCE else 0
    at += 16 if options & _GUID else 0
    at += 4 if options & _COMPONENT else 0
    if options & _TIMESTAMP == 0 or at + 8 > stop:
        return fallback
    return np.int64(words4[at >> 2]) | np.int64(words4[(at >> 2) + 1]) << 32


@inlined
def provider_row(
    keys: npt.NDArray[np.uint64], table: npt.NDArray[np.int32], used: Int, low: np.uint64, high: np.uint64
) -> Int:
    """Row of a GUID in ``keys``, added where it is new; -1 where the table is half full."""
    mask = np.uint64(table.shape[0] - 1)
    # Twice: GUIDs made one after another differ in a few low bits only.
    probe = (((low ^ (high * _GOLDEN)) * _GOLDEN) >> np.uint64(32)) & mask
    while table[probe] >= 0:
        row = np.int64(table[probe])
        if keys[row, 0] == low and keys[row, 1] == high:
            return row
        probe = (probe + np.uint64(1)) & mask
    if 2 * (used + 1) > table.shape[0]:
        return -1
    keys[used, 0] = low
    keys[used, 1] = high
    table[probe] = used
    return used


@inlined
def _add_stack(
    stacks: npt.NDArray[np.void], at: Int, payload: Int, end: Int, segment: Int, after: Int, slot: Int, pointer: Int
) -> None:
    """Write one row of the stack index."""
    row = stacks[at]
    row["payload"] = payload
    row["end"] = end
    row["segment"] = segment
    row["after"] = after
    row["slot"] = slot
    row["pointer"] = pointer


@inlined
def _kernel_payload(kind: Int, position: Int, stop: Int, version: Int) -> Int:
    """Where the payload of a SYSTEM, COMPACT or PERFINFO record begins: behind the counters, where it has any."""
    payload = position + np.int64(HEADER_SIZE[kind])
    if kind == _PERFINFO32 or kind == _PERFINFO64:
        payload += 8 * ((version >> PERFINFO_PMC_SHIFT) & PERFINFO_PMC_MASK)
        payload += 8 if version & PERFINFO_PEBS else 0
    return min(payload, stop)


@inlined
def _extended_items(
    words2: npt.NDArray[np.uint16],
    payload: Int,
    stop: Int,
    stacks: npt.NDArray[np.void],
    n_stacks: Int,
    segment: Int,
    after: Int,
) -> tuple[Int, Int]:
    """Step over the extended items of an event: (where its payload begins, stacks written)."""
    more = True
    while more and payload + 8 <= stop:
        item = payload
        length = np.int64(words2[item >> 1])
        kind = np.int64(words2[(item >> 1) + 1])
        more = (words2[(item >> 1) + 2] & 1) != 0
        data = np.int64(words2[(item >> 1) + 3])
        if length < 8 or item + length > stop or 8 + data > length:
            return stop, n_stacks
        payload = item + ((length + 7) & ~7)
        stacked = kind == _STACK32 or kind == _STACK64
        keyed = kind == _STACK_KEY32 or kind == _STACK_KEY64
        if (stacked or keyed) and n_stacks < stacks.shape[0]:
            slot = SLOT_EXTENDED_STACK if stacked else SLOT_EXTENDED_KEY
            pointer = 4 if kind == _STACK32 else 8
            _add_stack(stacks, n_stacks, item + 8, item + 8 + data, segment, after, slot, pointer)
            n_stacks += 1
    return min(payload, stop), n_stacks


# One loop over all header types: a call for each record would cost more than what the call does.
@kernel
def walk(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - a kernel's arrays are its state, and see above
    words8: npt.NDArray[np.uint8],
    words2: npt.NDArray[np.uint16],
    words4: npt.NDArray[np.uint32],
    words8b: npt.NDArray[np.uint64],
    segments: npt.NDArray[np.void],
    horizon: int,
    peeked: int,
    hook_row: npt.NDArray[np.uint16],
    row_slot: npt.NDArray[np.uint16],
    row_hook: npt.NDArray[np.uint16],
    provider_keys: npt.NDArray[np.uint64],
    provider_counts: npt.NDArray[np.int64],
    provider_table: npt.NDArray[np.int32],
    provider_rows: npt.NDArray[np.uint16],
    header_counts: npt.NDArray[np.int64],
    hook_counts: npt.NDArray[np.int64],
    events: npt.NDArray[np.void],
    stacks: npt.NDArray[np.void],
    state: npt.NDArray[np.int64],
) -> int:
    """Walk every segment up to ``horizon`` (raw time, exclusive; or :data:`NO_HORIZON`) and fill both indexes.

    ``words8``…``words8b`` are one window of bytes seen as u8, u16, u32, u64; segments begin on
    multiples of 8. Stack records before a segment's ``peeked`` position for events before raw time
    ``peeked`` were taken by the window before (:func:`peek`). ``state``: [segment to go on with,
    events written, stacks written, records seen, providers]. It is resumable: on :data:`INDEX_FULL` or
    :data:`PROVIDERS_FULL` the caller makes room and calls again.
    """
    rows_mask = row_slot.shape[1] - 1
    n_events = state[1]
    n_stacks = state[2]
    records = state[3]
    providers = state[4]
    last_low = np.uint64(0)
    last_high = np.uint64(0)
    last_provider: Int = -1
    result = COMPLETE
    s = state[0]
    while s < segments.shape[0]:
        segment = segments[s]
        if segment["state"] != RUNNING:
            s += 1
            continue
        position = segment["position"]
        end = segment["end"]
        last_time = segment["last_time"]
        finished = RUNNING
        while True:
            if position + 8 > end:
                finished = DONE
                break
            word = words4[position >> 2]
            if word == np.uint32(END_OF_BUFFER):
                finished = DONE
                break
            marker = word >> np.uint32(24)
            kind = np.int64(word >> np.uint32(16)) & 0xFF
            if marker == TRACE_MARKER:
                family = np.int64(FAMILY[kind])
            elif marker == MESSAGE_MARKER:
                family = np.int64(0)
                kind = np.int64(_MESSAGE)
            else:
                finished = BAD_SIZE if word & np.uint32(0xFFFF) == np.uint32(0) else BAD_TYPE
                break
            if family == 0 and kind != _MESSAGE:
                finished = BAD_TYPE
                break
            size = np.int64(words2[(position >> 1) + 2]) if family == _KERNEL else np.int64(word & np.uint32(0xFFFF))
            header = HEADER_SIZE[kind] if kind != _MESSAGE else _MESSAGE_SIZE
            if size < header:
                finished = BAD_SIZE
                break
            stop = position + size
            if stop > end:
                finished = BAD_CUT
                break
            if n_events + 1 > events.shape[0] or n_stacks + 2 > stacks.shape[0]:
                result = INDEX_FULL
                break
            slot = np.int64(SLOT_NONE)
            event = np.int64(0)
            payload = position + header
            first_stack = n_stacks
            if family == _OPAQUE:
                time = last_time
            elif kind == _MESSAGE:
                time = _message_time(words2, words4, position, stop, last_time)
            else:
                time = np.int64(words8b[(position + TIME_AT[kind]) >> 3])
            if time >= horizon and horizon != NO_HORIZON:
                break
            if family == _KERNEL:
                event = np.int64(words2[(position >> 1) + 3])
                version = np.int64(word & np.uint32(0xFF))
                payload = _kernel_payload(kind, position, stop, np.int64(word & np.uint32(0xFFFF)))
                hook_counts[event] += 1
                slot = np.int64(row_slot[hook_row[event], min(version, rows_mask)])
            elif family == _EVENT or family == _CLASSIC:
                low_key = words8b[(position + 24) >> 3]
                high_key = words8b[(position + 32) >> 3]
                if low_key != last_low or high_key != last_high or last_provider < 0:
                    last_provider = provider_row(provider_keys, provider_table, providers, low_key, high_key)
                    if last_provider < 0:
                        result = PROVIDERS_FULL
                        break
                    providers = max(providers, last_provider + 1)
                    last_low = low_key
                    last_high = high_key
                provider_counts[last_provider] += 1
                if family == _EVENT:
                    event = np.int64(words2[(position + 40) >> 1])
                    version = np.int64(words8[position + 42])
                else:
                    event = np.int64(words8[position + 4])
                    version = np.int64(words2[(position + 6) >> 1])
                if last_provider < provider_rows.shape[0]:
                    row = provider_rows[last_provider, event]
                    slot = np.int64(row_slot[row, min(version, rows_mask)])
                    event = np.int64(row_hook[row]) if row_hook[row] else event
                if family == _EVENT and words2[(position + 4) >> 1] & EVENT_FLAG_EXTENDED:
                    payload, n_stacks = _extended_items(words2, payload, stop, stacks, n_stacks, s, n_events + 1)
            if SLOT_STACK <= slot <= SLOT_USER_KEY:
                n_stacks = first_stack  # a stack is no event: what its extended items hold belongs to none
                done = position < segment["peeked"] and payload + 8 <= stop
                if not done or np.int64(words8b[payload >> 3]) >= peeked:
                    _add_stack(stacks, n_stacks, payload, stop, s, n_events, slot, POINTER_BYTES[kind])
                    n_stacks += 1
            else:
                row_event = events[n_events]
                row_event["time"] = time
                row_event["start"] = position
                row_event["payload"] = payload
                row_event["end"] = stop
                row_event["segment"] = s
                row_event["slot"] = slot
                row_event["event"] = event
                n_events += 1
            if time < last_time:
                segment["backward"] += 1
            else:
                last_time = time
            header_counts[kind] += 1
            records += 1
            segment["record_bytes"] += size
            position += (size + 7) & ~7
        segment["position"] = position
        segment["last_time"] = last_time
        segment["last_event"] = n_events
        if result != COMPLETE:
            break
        segment["state"] = finished
        s += 1
    state[0] = s
    state[1] = n_events
    state[2] = n_stacks
    state[3] = records
    state[4] = providers
    return result


@kernel
def peek(
    words2: npt.NDArray[np.uint16],
    words4: npt.NDArray[np.uint32],
    words8b: npt.NDArray[np.uint64],
    segments: npt.NDArray[np.void],
    horizon: int,
    limit: int,
    peeked: int,
    hook_row: npt.NDArray[np.uint16],
    row_slot: npt.NDArray[np.uint16],
    stacks: npt.NDArray[np.void],
    state: npt.NDArray[np.int64],
) -> bool:
    """Add the stack records logged from ``horizon`` up to ``limit`` for events before ``horizon``.

    A stack is logged some microseconds after its event, so an event at the end of a window has its
    stack beyond it. Nothing is consumed: the next window walks these records again and leaves the stacks
    out, and so does the next look ahead (``peeked`` as in :func:`walk`). ``state``: [segment to go on
    with, stacks written]; false where ``stacks`` is full: make room and call again.
    """
    for s in range(state[0], segments.shape[0]):
        segment = segments[s]
        count = state[1]
        if segment["state"] != RUNNING:
            continue
        position = segment["position"]
        end = segment["end"]
        while position + 8 <= end:
            word = words4[position >> 2]
            kind = np.int64(word >> np.uint32(16)) & 0xFF
            if word == np.uint32(END_OF_BUFFER) or word >> np.uint32(24) != TRACE_MARKER:
                break
            kernel_family = FAMILY[kind] == _KERNEL
            size = np.int64(words2[(position >> 1) + 2]) if kernel_family else np.int64(word & np.uint32(0xFFFF))
            stop = position + size
            if FAMILY[kind] == 0 or size < HEADER_SIZE[kind] or stop > end:
                break
            if FAMILY[kind] != _OPAQUE and np.int64(words8b[(position + TIME_AT[kind]) >> 3]) >= limit:
                break
            if kernel_family:
                payload = _kernel_payload(kind, position, stop, np.int64(word & np.uint32(0xFFFF)))
                slot = np.int64(row_slot[hook_row[words2[(position >> 1) + 3]], 0])
                wanted = SLOT_STACK <= slot <= SLOT_USER_KEY and payload + 8 <= stop
                if wanted and position < segment["peeked"]:
                    wanted = np.int64(words8b[payload >> 3]) >= peeked
                if wanted and np.int64(words8b[payload >> 3]) < horizon:
                    if count >= stacks.shape[0]:
                        state[0] = s
                        return False
                    _add_stack(stacks, count, payload, stop, s, segment["last_event"], slot, POINTER_BYTES[kind])
                    count += 1
            position += (size + 7) & ~7
        segment["peeked"] = position
        state[1] = count
    return True
