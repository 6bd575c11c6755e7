"""A slow decoder of one payload, written from the layouts' own documentation: what the fast one is held against."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tracer.events.layout import Code, Field, Layout

Value = int | bytes | tuple[int, ...]

_WIDTH = {Code.U1: 1, Code.U2: 2, Code.U4: 4, Code.U8: 8, Code.BE2: 2, Code.IP4: 4, Code.IP6: 16, Code.GUID: 16}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Values by field; fields past the payload's end are left out. ``short``: a field is cut in the middle."""

    values: dict[str, Value]
    left: bytes
    short: bool


def read(layout: Layout, pointer_size: int, payload: bytes) -> Decoded:
    """Decode one payload, field after field."""
    values: dict[str, Value] = {}
    rest = payload
    for field in layout.fields:
        if not rest:
            break
        length = values.get(layout.fields[field.length].name, 0) if field.length >= 0 else None
        assert length is None or isinstance(length, int)
        before, size, after = _sizes(field, pointer_size, rest, length)
        if before + size + after > len(rest):
            return Decoded(values, rest, short=True)
        values[field.name] = _value(field, rest[before : before + size], pointer_size)
        rest = rest[before + size + after :]
    return Decoded(values, rest, short=False)


def _sizes(field: Field, pointer_size: int, rest: bytes, length: int | None) -> tuple[int, int, int]:
    """Bytes before the value, of the value, and behind it."""
    if field.code in _WIDTH or field.code is Code.PTR:
        return 0, _WIDTH.get(field.code, pointer_size), 0
    if field.code is Code.WSTR:
        end = next((at for at in range(0, len(rest) - 1, 2) if rest[at : at + 2] == b"\0\0"), None)
        return (0, len(rest), 0) if end is None else (0, end, 2)
    if field.code is Code.ASTR:
        end = rest.find(b"\0")
        return (0, len(rest), 0) if end < 0 else (0, end, 1)
    if field.code is Code.SID:
        prefix = 2 * pointer_size
        if rest[:4] == bytes(4) and not _is_sid(rest[prefix:]):
            return 0, 0, 4
        if len(rest) < prefix + 8:
            return prefix, 8, 0
        return prefix, 8 + 4 * rest[prefix + 1], 0
    if length is None:
        return 0, len(rest) - (len(rest) % pointer_size if field.code is Code.PTRS else 0), 0
    return 0, length * (pointer_size if field.code is Code.PTRS else 1), 0


def _is_sid(data: bytes) -> bool:
    """Revision 1, one to fifteen sub-authorities, all there, and an authority of one byte."""
    return (
        len(data) >= 12 and data[0] == 1 and 1 <= data[1] <= 15 and not any(data[2:7]) and len(data) >= 8 + 4 * data[1]
    )


def _value(field: Field, raw: bytes, pointer_size: int) -> Value:
    if field.dtype is not None:
        ordered = raw if field.code is Code.BE2 else raw[::-1]
        return int.from_bytes(ordered, "big", signed=field.dtype.kind == "i")
    if field.code is Code.PTRS:
        return struct.unpack(f"<{len(raw) // pointer_size}{'I' if pointer_size == 4 else 'Q'}", raw)
    return raw
