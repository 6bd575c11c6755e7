"""A layout's payload as bytes: the other half of :mod:`tracer.events.decode`, for the writer."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

from tracer.events.layout import Code, Field, Layout

Value = int | bytes | str | Sequence[int]

_LETTERS = {Code.U1: "b", Code.U2: "h", Code.U4: "i", Code.U8: "q"}


Encoder = Callable[[Mapping[str, Value]], bytes]
_Part = Callable[[Value | None], bytes]


def encode(layout: Layout, pointer_size: int, values: Mapping[str, Value]) -> bytes:
    """The payload of one event; a field that ``values`` lacks is zero or empty.

    Blobs take ``bytes`` (``wstr``/``astr`` also ``str``), ``ptrs`` a sequence of integers.
    ``struct.error`` where a number does not fit its field.
    """
    return encoder(layout, pointer_size)(values)


@lru_cache(maxsize=4096)
def encoder(layout: Layout, pointer_size: int) -> Encoder:
    """:func:`encode` for one layout. Who writes many events keeps it: to find it here, the whole layout is hashed."""
    if all(_is_little_endian_number(field) for field in layout.fields):
        names = [field.name for field in layout.fields]
        packer = struct.Struct("<" + "".join(_letter(field, pointer_size) for field in layout.fields))
        return lambda values: packer.pack(*[values.get(name, 0) for name in names])
    parts = [(field.name, _part(field, pointer_size)) for field in layout.fields]
    return lambda values: b"".join([part(values.get(name)) for name, part in parts])


def _is_little_endian_number(field: Field) -> bool:
    return not field.is_blob and field.code is not Code.BE2


def _letter(field: Field, pointer_size: int) -> str:
    if field.code is Code.PTR:
        return "I" if pointer_size == 4 else "Q"
    letter = _LETTERS[field.code]
    return letter.upper() if field.dtype is not None and field.dtype.kind == "u" else letter


def _part(field: Field, pointer_size: int) -> _Part:
    """What makes a field's bytes of its value."""
    if field.dtype is not None:
        packer = struct.Struct(">H" if field.code is Code.BE2 else "<" + _letter(field, pointer_size))
        return lambda value: packer.pack(value or 0)
    if field.code is Code.WSTR:
        return lambda value: _text(value, "utf-16-le", "surrogatepass") + b"\0\0"
    if field.code is Code.ASTR:
        return lambda value: _text(value, "cp1252", "replace") + b"\0"
    if field.code is Code.PTRS:
        return partial(_pointers, "I" if pointer_size == 4 else "Q")
    if field.code is Code.SID:
        head = bytes([1] + [0] * (2 * pointer_size - 1))
        return lambda value: head + _text(value, "ascii", "strict") if value else bytes(4)
    size = {Code.IP4: 4, Code.IP6: 16, Code.GUID: 16}.get(field.code)
    if size is None:
        return lambda value: _text(value, "ascii", "strict")
    return lambda value: _text(value, "ascii", "strict").ljust(size, b"\0")[:size]


def _pointers(letter: str, value: Value | None) -> bytes:
    if value is None or isinstance(value, int | str | bytes):
        return b""
    return struct.pack(f"<{len(value)}{letter}", *value)


def _text(value: Value | None, encoding: str, errors: str) -> bytes:
    if isinstance(value, str):
        return value.encode(encoding, errors)
    return value if isinstance(value, bytes) else b""
