"""Events that bring the description of their fields with them, as TraceLogging writes them.

The description is an extended item of the event (EVENT_HEADER_EXT_TYPE_EVENT_SCHEMA_TL), the provider's name another
(EVENT_HEADER_EXT_TYPE_PROV_TRAITS). Sources: "Provider Traits" on learn.microsoft.com; the enumerations TlgIn_t and
TlgOut_t of TraceLoggingProvider.h (Windows SDK); for the encoding what Microsoft's own writers of it do, that header
and ``System.Diagnostics.Tracing`` of .NET.

Description: u16 size of all of it; tags, bytes with the high bit set and one without; the event's name; fields.
Field: its name; type and flags, a byte; with :attr:`Flag.CHAIN` a byte for the form, and tags where that has its high
bit set; a u16 count for an array of fixed size, or a u16 size and as many bytes for a serializer of the provider's own.
Names are UTF-8 and end with a NUL. A structure has no bytes of its own: its form is how many of the fields behind it
are in it, a structure among them counting as one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from tracer.data_classes import dataclass
from tracer.events.layout import Layout, layout

KIND: Final = "self-described"
LAYOUT: Final[Layout] = layout(KIND, "event with its description", (), 0, "rest record")
"""``record``: all of the event, with its header and extended items."""

_MOST_NESTED: Final = 16


class Flag(IntEnum):
    """Bits of a field's type; two of them say how many values there are."""

    TYPE = 0x1F
    FIXED = 0x20
    VARIABLE = 0x40
    CUSTOM = 0x60
    CHAIN = 0x80


class Type(IntEnum):
    """TlgIn_t: how a value is stored."""

    NULL = 0
    UNICODE_STRING = 1
    ANSI_STRING = 2
    INT8 = 3
    UINT8 = 4
    INT16 = 5
    UINT16 = 6
    INT32 = 7
    UINT32 = 8
    INT64 = 9
    UINT64 = 10
    FLOAT = 11
    DOUBLE = 12
    BOOL32 = 13
    BINARY = 14
    GUID = 15
    FILETIME = 17
    SYSTEMTIME = 18
    SID = 19
    HEX_INT32 = 20
    HEX_INT64 = 21
    COUNTED_STRING = 22
    COUNTED_ANSI_STRING = 23
    STRUCT = 24
    COUNTED_BINARY = 25


class Form(IntEnum):
    """Those values of TlgOut_t that change how a value is told."""

    STRING = 2
    BOOLEAN = 3
    HEX = 4
    PORT = 7
    IPV4 = 8
    IPV6 = 9
    SOCKET_ADDRESS = 10
    NTSTATUS = 14
    HRESULT = 15
    UTF8 = 35
    CODE_POINTER = 37


@dataclass(frozen=True, slots=True)
class DescribedField:
    """``many``: one of :class:`Flag`'s counts, 0 for a single value; ``count``: of an array of fixed size.

    ``fields``: those of a structure.
    """

    name: str
    type: int
    form: int
    many: int
    count: int
    fields: tuple[DescribedField, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """Of an event. ``is_whole``: no field is missing, as far as can be told."""

    name: str
    fields: tuple[DescribedField, ...]
    is_whole: bool


def parse_description(data: bytes) -> Description:
    """What the extended item says, up to the first byte that cannot be."""
    reader = _Reader(data[: int.from_bytes(data[:2], "little")])
    name, fields = "", list[DescribedField]()
    try:
        reader.skip_tags()
        name = reader.name()
        while not reader.is_done:
            fields.append(reader.field(0))
    except _CutError:
        return Description(name, tuple(fields), is_whole=False)
    return Description(name, tuple(fields), is_whole=len(data) >= 2)


def provider_of(traits: bytes) -> str:
    """The provider's name; empty where its traits have none."""
    try:
        return _Reader(traits[: int.from_bytes(traits[:2], "little")]).name()
    except _CutError:
        return ""


class _CutError(ValueError):
    """The description ends before it should, or is nested too deeply."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 2

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._data)

    def skip_tags(self) -> None:
        while self._bytes(1)[0] & Flag.CHAIN:
            pass

    def name(self) -> str:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise _CutError
        text = self._bytes(end + 1 - self._at)[:-1].decode("utf-8", "replace")
        return "".join(letter if letter.isprintable() else "." for letter in text)

    def field(self, depth: int) -> DescribedField:
        name, kind = self.name(), self._bytes(1)[0]
        form = count = 0
        if kind & Flag.CHAIN:
            form = self._bytes(1)[0]
            if form & Flag.CHAIN:
                self.skip_tags()
        many = kind & Flag.CUSTOM
        if many in (Flag.FIXED, Flag.CUSTOM):
            count = int.from_bytes(self._bytes(2), "little")
        if many == Flag.CUSTOM:
            self._bytes(count)
        form &= ~Flag.CHAIN
        members: tuple[DescribedField, ...] = ()
        if kind & Flag.TYPE == Type.STRUCT:
            if depth == _MOST_NESTED:
                raise _CutError
            members = tuple(self.field(depth + 1) for _ in range(form))
        return DescribedField(name, kind & Flag.TYPE, form, many, count, members)

    def _bytes(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise _CutError
        self._at += count
        return self._data[self._at - count : self._at]
