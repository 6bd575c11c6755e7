"""A layout's payload as bytes: the other half of :mod:`tracer.events.decode`, for the writer."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

from tracer.events.layout import Code, Field, Layout

Value = int | bytes | str | Sequence[int]

_LETTERS = {Code.U1: "b", Code.U2: "h", Code.U4: "i", Code.U8: "q"}


def encode(layout: Layout, pointer_size: int, values: Mapping[str, Value]) -> bytes:
    """The payload of one event; a field that ``values`` lacks is zero or empty.

    Blobs take ``bytes`` (``wstr``/``astr`` also ``str``), ``ptrs`` a sequence of integers.
    ``struct.error`` where a number does not fit its field.
    """
    packer = _fixed(layout, pointer_size)
    if packer is not None:
        return packer.pack(*(values.get(field.name, 0) for field in layout.fields))
    return b"".join(_field(field, pointer_size, values.get(field.name)) for field in layout.fields)


@lru_cache(maxsize=4096)
def _fixed(layout: Layout, pointer_size: int) -> struct.Struct | None:
    if any(field.is_blob or field.code is Code.BE2 for field in layout.fields):
        return None
    return struct.Struct("<" + "".join(_letter(field, pointer_size) for field in layout.fields))


def _letter(field: Field, pointer_size: int) -> str:
    if field.code is Code.PTR:
        return "I" if pointer_size == 4 else "Q"
    letter = _LETTERS[field.code]
    return letter.upper() if field.dtype is not None and field.dtype.kind == "u" else letter


def _field(field: Field, pointer_size: int, value: Value | None) -> bytes:
    if field.dtype is not None:
        letter = ">H" if field.code is Code.BE2 else "<" + _letter(field, pointer_size)
        return struct.pack(letter, value or 0)
    if field.code is Code.WSTR:
        return _text(value, "utf-16-le", "surrogatepass") + b"\0\0"
    if field.code is Code.ASTR:
        return _text(value, "cp1252", "replace") + b"\0"
    if field.code is Code.PTRS:
        pointers = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()
        return struct.pack(f"<{len(pointers)}{'I' if pointer_size == 4 else 'Q'}", *pointers)
    if field.code is Code.SID:
        return bytes(4) if not value else bytes([1] + [0] * (2 * pointer_size - 1)) + _text(value, "ascii", "strict")
    size = {Code.IP4: 4, Code.IP6: 16, Code.GUID: 16}.get(field.code)
    raw = _text(value, "ascii", "strict")
    return raw if size is None else raw.ljust(size, b"\0")[:size]


def _text(value: Value | None, encoding: str, errors: str) -> bytes:
    if isinstance(value, str):
        return value.encode(encoding, errors)
    return value if isinstance(value, bytes) else b""
