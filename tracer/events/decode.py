"""Payloads to columns: one kernel reads any layout, field by field, over all records of a slot."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import Any, Final

import numpy as np

from tracer.arrays import I32, I64, U8, U32, U64, Numbers, Structured
from tracer.columns import BlobColumn, Column
from tracer.data_classes import dataclass
from tracer.events.layout import Code, Layout
from tracer.jit import Int, inlined, kernel
from tracer.words import Words, words_of

_PTR: Final = int(Code.PTR)
_BE2: Final = int(Code.BE2)
_IP4: Final = int(Code.IP4)
_IP6: Final = int(Code.IP6)
_GUID: Final = int(Code.GUID)
_WSTR: Final = int(Code.WSTR)
_ASTR: Final = int(Code.ASTR)
_SID: Final = int(Code.SID)
_BIN: Final = int(Code.BIN)
_PTRS: Final = int(Code.PTRS)
_WIDE: Final = 8
_HALF: Final = 4
_QUARTER: Final = 2
_PLAIN: Final = frozenset({Code.U1, Code.U2, Code.U4, Code.U8, Code.PTR})
_SID_SUBAUTHORITIES: Final = 1  # offset of the count in a SID; 8 fixed bytes, then 4 for each
_SID_FIXED: Final = 8
_SID_MOST: Final = 15  # SID_MAX_SUB_AUTHORITIES


@inlined
def read_unsigned(window: U8, at: Int, width: Int) -> np.uint64:
    """Little-endian unsigned integer of 1, 2, 4 or 8 bytes at any position."""
    value = np.uint64(0)
    for i in range(width - 1, -1, -1):
        value = (value << np.uint64(8)) | np.uint64(window[at + i])
    return value


@inlined
def read_field(kept: Words, at: Int, width: Int) -> np.uint64:
    """The same integer, by whole words where it lies on a multiple of 4."""
    if at & 3 == 0 and width >= 4:
        value = np.uint64(kept.words4[at >> 2])
        if width == 8:
            value |= np.uint64(kept.words4[(at >> 2) + 1]) << np.uint64(32)
        return value
    return read_unsigned(kept.bytes1, at, width)


@inlined
def _is_sid(window: U8, at: Int, end: Int) -> bool:
    """Whether a whole SID of a usual authority (one byte) stands here; no text does, which has no such run of zeros."""
    if at + _SID_FIXED > end or window[at] != 1 or read_unsigned(window, at + 2, 4) != np.uint64(0):
        return False
    count = np.int64(window[at + _SID_SUBAUTHORITIES])
    fits = 1 <= count <= _SID_MOST and at + _SID_FIXED + 4 * count <= end
    return bool(window[at + 6] == 0 and fits)


@inlined
def _blob_length(window: U8, at: Int, end: Int, code: Int, pointer: Int, declared: Int) -> tuple[Int, Int, Int]:
    """Of a blob at ``at``: (bytes before the content, bytes of content, bytes to step over)."""
    room = end - at
    length: Int = 0
    if code == _WSTR:
        while length + 2 <= room and (window[at + length] != 0 or window[at + length + 1] != 0):
            length += 2
        return 0, length, min(length + 2, room)
    if code == _ASTR:
        while length < room and window[at + length] != 0:
            length += 1
        return 0, length, min(length + 1, room)
    if code == _SID:
        if room < 4:
            return 0, 0, room
        prefix = 2 * pointer
        if read_unsigned(window, at, 4) == np.uint64(0) and not _is_sid(window, at + prefix, end):
            return 0, 0, 4
        if room < prefix + 8:
            return 0, 0, room
        length = 8 + 4 * np.int64(window[at + prefix + _SID_SUBAUTHORITIES])
        length = min(length, room - prefix)
        return prefix, length, prefix + length
    length = room
    if code == _IP4:
        length = 4
    elif code == _IP6 or code == _GUID:
        length = 16
    elif code == _BIN:
        length = declared
    elif code == _PTRS:
        length = declared * pointer if declared >= 0 else room - room % pointer
    if length < 0 or length > room:
        length = room
    return 0, length, length


@kernel
def decode_rows(
    kept: Words,
    events: Structured,
    rows: I32,
    fields: I64,
    values: U64,
    sizes: I64,
) -> int:
    """Read the payloads of ``events[rows]`` into ``values[field, row]``; gives how many were cut short.

    ``fields``: rows of (code, field that tells a blob's length or -1, row of ``sizes``, 1 where every record has it).
    For a blob ``values`` holds its position in the bytes kept and ``sizes`` its length. Fields beyond the payload's end
    are zero or empty. A record is cut short that ends inside a field, or before one that every record has.
    """
    window = kept.bytes1
    short = 0
    for i in range(rows.shape[0]):
        event = events[rows[i]]
        at = np.int64(event["payload"])
        end = at + np.int64(event["size"])
        pointer = np.int64(event["pointer"])
        cut = False
        for f in range(fields.shape[0]):
            code = fields[f, 0]
            width = pointer if code == _PTR else (2 if code == _BE2 else code)
            if width <= 8:
                if at + width > end:
                    cut |= bool(at < end or fields[f, 3] != 0)
                    at = end
                    values[f, i] = np.uint64(0)
                    continue
                value = read_field(kept, at, width)
                if code == _BE2:
                    value = (value >> np.uint64(8)) | ((value & np.uint64(0xFF)) << np.uint64(8))
                values[f, i] = value
                at += width
                continue
            declared: Int = -1
            if fields[f, 1] >= 0:
                stated = values[fields[f, 1], i]
                declared = np.int64(stated) if stated <= np.uint64(end - at) else end - at
                cut |= bool(stated > np.uint64(end - at))
            skip, length, step = _blob_length(window, at, end, code, pointer, declared)
            values[f, i] = np.uint64(at + skip)
            sizes[fields[f, 2], i] = length
            at += step
        short += 1 if cut else 0
    return short


@inlined
def _move(
    source: Numbers, payloads: U32, shift: Int, offset: Int, target: Numbers, begin: Int
) -> None:  # fmt: skip
    """Move a field of all payloads to a column from item ``begin`` on. Items have ``1 << shift`` bytes in ``source``.

    Places are unsigned: numba lets a negative one count from the end, which takes as long as the rest.
    """
    inside = np.uint64(offset >> shift)
    first = np.uint64(begin)
    for i in range(np.uint64(payloads.shape[0])):
        target[first + i] = source[(np.uint64(payloads[i]) >> np.uint64(shift)) + inside]


@kernel
def take(kept: Words, payloads: U32, plan: I64, block: Words) -> None:
    """Fields that all records have at the same offset of their payload, one column behind the other.

    ``plan``: rows of (offset, width, bytes of an element of the column); in ``block`` each column begins on a
    multiple of 8 bytes.
    """
    count = payloads.shape[0]
    begin = np.int64(0)
    for f in range(plan.shape[0]):
        offset = plan[f, 0]
        width = plan[f, 1]
        size = plan[f, 2]
        first = begin // size
        if offset & (width - 1) == 0:  # and so in the bytes kept: payloads begin on multiples of 8
            if width == _WIDE:
                _move(kept.words8, payloads, 3, offset, block.words8, first)
            elif width == _HALF and size == _WIDE:
                _move(kept.words4, payloads, 2, offset, block.words8, first)
            elif width == _HALF:
                _move(kept.words4, payloads, 2, offset, block.words4, first)
            elif width == _QUARTER:
                _move(kept.words2, payloads, 1, offset, block.words2, first)
            else:
                _move(kept.bytes1, payloads, 0, offset, block.bytes1, first)
        elif size == _WIDE:
            for i in range(count):
                block.words8[first + i] = read_field(kept, np.int64(payloads[i]) + offset, width)
        elif size == _HALF:
            for i in range(count):
                block.words4[first + i] = read_unsigned(kept.bytes1, np.int64(payloads[i]) + offset, _HALF)
        else:
            for i in range(count):
                block.words2[first + i] = read_unsigned(kept.bytes1, np.int64(payloads[i]) + offset, _QUARTER)
        begin += (count * size + 7) & ~7


@kernel
def copy_spans(
    window: U8,
    starts: U64,
    lengths: I64,
    places: I64,
    out: U8,
) -> None:
    """Copy each span of the window to its place in ``out``."""
    for i in range(starts.shape[0]):
        start = np.int64(starts[i])
        place = places[i]
        for k in range(lengths[i]):
            out[place + k] = window[start + k]


@dataclass(frozen=True, slots=True)
class Extent:
    """Where payloads lie: ``payloads`` (uint32), the shortest one, the least and greatest size of a pointer."""

    payloads: U32
    shortest: int
    least_pointer: int
    greatest_pointer: int


def decode(
    layout: Layout,
    kept: U64,
    events: Structured,
    rows: I32,
    extent: Extent,
) -> tuple[dict[str, Column], int]:
    """Columns by field name for ``events[rows]`` (:data:`~tracer.etl.rows.EVENT`), and how many were cut short.

    ``kept`` are the payloads, each on a multiple of 8 bytes.
    """
    same = extent.least_pointer == extent.greatest_pointer
    plan = _fixed_plan(layout, extent.greatest_pointer) if same else None
    if plan is None or extent.shortest < plan.size:
        return _decode_any(layout, words_of(kept), events, rows)
    n = len(rows)
    ends = list(accumulate((n * dtype.itemsize + 7) & ~7 for _, dtype in plan.fields))
    block = np.empty(ends[-1] >> 3 if ends else 0, np.uint64)
    take(words_of(kept), extent.payloads, plan.rows, words_of(block))
    return {
        name: np.ndarray(n, dtype, block, begin) for (name, dtype), begin in zip(plan.fields, [0, *ends], strict=False)
    }, 0


@dataclass(frozen=True, slots=True, eq=False)
class _FixedPlan:
    """Where the fields of a layout of plain numbers lie: ``rows`` as :func:`take` wants them; ``size`` of all."""

    rows: I64
    fields: tuple[tuple[str, np.dtype[Any]], ...]
    size: int


@lru_cache(maxsize=1024)
def _fixed_plan(layout: Layout, pointer: int) -> _FixedPlan | None:
    """``None`` where not all fields are plain numbers."""
    if any(field.code not in _PLAIN for field in layout.fields):
        return None
    widths = [pointer if field.code is Code.PTR else int(field.code) for field in layout.fields]
    ends = list(accumulate(widths))
    fields = tuple((field.name, np.dtype(field.dtype)) for field in layout.fields)
    rows = [(end - width, width, dtype.itemsize) for end, width, (_, dtype) in zip(ends, widths, fields, strict=True)]
    return _FixedPlan(np.array(rows, np.int64).reshape(-1, 3), fields, ends[-1] if ends else 0)


def _decode_any(
    layout: Layout, kept: Words, events: Structured, rows: I32
) -> tuple[dict[str, Column], int]:  # fmt: skip
    """Fields of any kind, some of them perhaps missing."""
    values = np.empty((len(layout.fields), len(rows)), np.uint64)
    blobs = [field.is_blob for field in layout.fields]
    sizes = np.zeros((max(1, sum(blobs)), len(rows)), np.int64)
    of_blob = zip(layout.fields, accumulate(blobs), strict=True)
    rows_of = [(field.code, field.length, row - 1, place < layout.needed) for place, (field, row) in enumerate(of_blob)]
    fields = np.array(rows_of, np.int64).reshape(-1, 4)
    short = decode_rows(kept, events, rows, fields, values, sizes)
    columns: dict[str, Column] = {}
    for index, field in enumerate(layout.fields):
        if field.dtype is not None:
            columns[field.name] = values[index].astype(field.dtype)
        else:
            columns[field.name] = _blob(kept.bytes1, values[index], sizes[fields[index, 2]])
    return columns, short


def _blob(window: U8, starts: U64, lengths: I64) -> BlobColumn:
    places = np.zeros(len(lengths), np.int64)
    np.cumsum(lengths[:-1], out=places[1:])
    data = np.empty(np.int64(lengths.sum()), np.uint8)
    copy_spans(window, starts, lengths, places, data)
    return BlobColumn(data, places, lengths)
