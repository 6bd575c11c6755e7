"""The values of an event that describes itself (:mod:`tracer.events.self_described`), as JSON has them."""

from __future__ import annotations

import ipaddress
import math
import struct
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from tracer.events.self_described import DescribedField, Description, Flag, Form, Type

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

REST: Final = "not_decoded"
"""The field that holds what of the payload its description does not tell, as hexadecimal digits."""
_NUMBERS: Final[Mapping[int, str]] = {
    Type.INT8: "b",
    Type.UINT8: "B",
    Type.INT16: "h",
    Type.UINT16: "H",
    Type.INT32: "i",
    Type.UINT32: "I",
    Type.INT64: "q",
    Type.UINT64: "Q",
    Type.FLOAT: "f",
    Type.DOUBLE: "d",
    Type.BOOL32: "i",
    Type.FILETIME: "Q",
    Type.HEX_INT32: "I",
    Type.HEX_INT64: "Q",
}
_HEX_TYPES: Final = frozenset({Type.HEX_INT32, Type.HEX_INT64})
_HEX_FORMS: Final = frozenset({Form.HEX, Form.NTSTATUS, Form.HRESULT, Form.CODE_POINTER})
_COUNTED: Final = frozenset({Type.BINARY, Type.COUNTED_STRING, Type.COUNTED_ANSI_STRING, Type.COUNTED_BINARY})
_WIDE: Final = frozenset({Type.UNICODE_STRING, Type.COUNTED_STRING})
_NARROW: Final = frozenset({Type.ANSI_STRING, Type.COUNTED_ANSI_STRING})
_FAMILIES: Final[Mapping[int, slice]] = {2: slice(4, 8), 23: slice(8, 24)}
"""Where a SOCKADDR_IN and a SOCKADDR_IN6 of Windows have the address; the port stands before, in bytes 2 and 3."""
_SYSTEMTIME: Final = struct.Struct("<8H")
_MOST_VALUES: Final = 4
"""For each byte of an event, and 1,024 of any: structures and values without bytes could be more, without end."""


def values_of(description: Description, payload: bytes) -> dict[str, Json]:
    """Its fields by name; a name that comes again has a number behind it.

    What is behind the last field, or behind one that cannot be read, stands under :data:`REST`.
    """
    reader = _Values(payload)
    fields = _Fields()
    is_read = description.is_whole
    try:
        reader.structure(description.fields, fields)
    except _ShortError:
        is_read = False
    rest = payload[reader.at :]
    if rest or not is_read:
        fields.add(REST, rest.hex())
    return fields.by_name


class _ShortError(ValueError):
    """The payload ends inside a value, the value's type is not known, or there are too many values."""


class _Values:
    """Takes values one after the other; ``at``: where the next begins."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._left = 1_024 + _MOST_VALUES * len(payload)
        self.at = 0

    def structure(self, fields: Sequence[DescribedField], into: _Fields) -> None:
        """The values of some fields; those that were read stay when one cannot be."""
        for field in fields:
            before = self.at
            try:
                value = self._field(field)
            except _ShortError:
                self.at = before
                raise
            into.add(field.name, value)

    def _field(self, field: DescribedField) -> Json:
        if field.many == Flag.CUSTOM:
            return self._take(self._size()).hex()
        if not field.many:
            return self._value(field)
        count = field.count if field.many == Flag.FIXED else self._size()
        made: list[Json] = []
        for _ in range(count):
            before = self.at
            made.append(self._value(field))
            if self.at == before:  # values without bytes have no end
                raise _ShortError
        if field.type in (Type.INT8, Type.UINT8, Type.UINT16) and field.form in (Form.STRING, Form.UTF8):
            return "".join(map(str, made))
        return made

    def _value(self, field: DescribedField) -> Json:
        kind, form = field.type, field.form
        self._left -= 1
        if self._left < 0:
            raise _ShortError
        if kind == Type.STRUCT:
            members = _Fields()
            self.structure(field.fields, members)
            return members.by_name
        if kind == Type.NULL:
            return None
        if (code := _NUMBERS.get(kind)) is not None:
            return _number(kind, form, self._take(struct.calcsize(code)), code)
        if kind == Type.GUID:
            return str(uuid.UUID(bytes_le=self._take(16)))
        if kind == Type.SYSTEMTIME:
            return _system_time(self._take(16))
        if kind == Type.SID:
            return self._security_id()
        if kind in _WIDE | _NARROW | _COUNTED:
            raw = self._take(self._size()) if kind in _COUNTED else self._terminated(2 if kind in _WIDE else 1)
            return _text(kind, form, raw) if kind in _WIDE | _NARROW else _binary(form, raw)
        raise _ShortError

    def _size(self) -> int:
        return int.from_bytes(self._take(2), "little")

    def _take(self, count: int) -> bytes:
        if self.at + count > len(self._payload):
            raise _ShortError
        self.at += count
        return self._payload[self.at - count : self.at]

    def _terminated(self, width: int) -> bytes:
        end = self.at
        while self._payload[end : end + width] != bytes(width):
            end += width
            if end + width > len(self._payload):
                raise _ShortError
        return self._take(end + width - self.at)[:-width]

    def _security_id(self) -> str:
        revision, count = self._take(2)
        authority = int.from_bytes(self._take(6))
        parts = struct.unpack(f"<{count}I", self._take(4 * count))
        return "-".join(map(str, ("S", revision, authority, *parts)))


def _number(kind: int, form: int, raw: bytes, code: str) -> Json:
    value: int | float = struct.unpack(f"<{code}", raw)[0]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if kind == Type.BOOL32 or form == Form.BOOLEAN:
        return value != 0
    if form == Form.PORT:
        return int.from_bytes(raw)
    if form == Form.IPV4 and len(raw) == 4:
        return str(ipaddress.IPv4Address(raw))
    if form in (Form.STRING, Form.UTF8):
        return _text(Type.COUNTED_STRING if len(raw) == 2 else Type.COUNTED_ANSI_STRING, 0, raw)
    if kind in _HEX_TYPES or form in _HEX_FORMS:
        return f"0x{int.from_bytes(raw, 'little'):x}"
    return value


def _text(kind: int, form: int, raw: bytes) -> str:
    if kind in _WIDE:
        return raw[: len(raw) & ~1].decode("utf-16-le", "replace")
    return raw.decode("utf-8" if form == Form.UTF8 else "cp1252", "replace")


def _binary(form: int, raw: bytes) -> str:
    if form == Form.IPV6 and len(raw) == 16:
        return str(ipaddress.IPv6Address(raw))
    place = _FAMILIES.get(int.from_bytes(raw[:2], "little")) if form == Form.SOCKET_ADDRESS else None
    if place is not None and len(raw) >= place.stop:
        address = ipaddress.ip_address(raw[place])
        return f"{address if address.version == 4 else f'[{address}]'}:{int.from_bytes(raw[2:4])}"
    return raw.hex()


def _system_time(raw: bytes) -> str:
    year, month, _, day, hour, minute, second, milliseconds = _SYSTEMTIME.unpack(raw)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}"


class _Fields:
    """Values by name; of thousands of one name none looks through all the numbers that the others have."""

    def __init__(self) -> None:
        self.by_name: dict[str, Json] = {}
        self._next: dict[str, int] = {}

    def add(self, name: str, value: Json) -> None:
        unused = name
        while unused in self.by_name:
            number = self._next.get(name, 2)
            unused, self._next[name] = f"{name}{number}", number + 1
        self.by_name[unused] = value
