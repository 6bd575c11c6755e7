"""The properties of a schema as the fields of a layout.

Sources: Microsoft's documents on EVENT_PROPERTY_INFO, PROPERTY_FLAGS and TDH_IN_TYPE; the comments of ``tdh.h``
for how many bytes each type takes. Offsets and the common types are confirmed on the schemas of real traces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum, IntFlag
from typing import Final

import numpy as np

from tracer.data_classes import dataclass
from tracer.events.layout import Code, Field


class PropertyFlag(IntFlag):
    """PROPERTY_FLAGS."""

    STRUCT = 0x01
    PARAM_LENGTH = 0x02
    PARAM_COUNT = 0x04
    WBEM_XML_FRAGMENT = 0x08
    PARAM_FIXED_LENGTH = 0x10
    PARAM_FIXED_COUNT = 0x20
    HAS_TAGS = 0x40
    HAS_CUSTOM_SCHEMA = 0x80


class InType(IntEnum):
    """TDH_IN_TYPE: how a property is stored."""

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
    BOOLEAN = 13
    BINARY = 14
    GUID = 15
    POINTER = 16
    FILETIME = 17
    SYSTEMTIME = 18
    SID = 19
    HEX_INT32 = 20
    HEX_INT64 = 21
    MANIFEST_COUNTED_STRING = 22
    MANIFEST_COUNTED_ANSI_STRING = 23
    MANIFEST_COUNTED_BINARY = 25
    COUNTED_STRING = 300
    COUNTED_ANSI_STRING = 301
    REVERSED_COUNTED_STRING = 302
    REVERSED_COUNTED_ANSI_STRING = 303
    UNTERMINATED_STRING = 304
    UNTERMINATED_ANSI_STRING = 305
    UNICODE_CHAR = 306
    ANSI_CHAR = 307
    SIZE_T = 308
    HEX_DUMP = 309
    WBEM_SID = 310


class OutType(IntEnum):
    """Those TDH_OUT_TYPE values that change how a property is read."""

    PORT = 22
    IPV4 = 23
    IPV6 = 24


Read = tuple[Code, str | None]
"""A field's code and its dtype, ``None`` for a blob."""

# A float keeps its bits in an unsigned column; a SYSTEMTIME is a blob of as many bytes as a GUID.
_FIXED: Final[Mapping[int, Read]] = {
    InType.INT8: (Code.U1, "i1"),
    InType.UINT8: (Code.U1, "u1"),
    InType.INT16: (Code.U2, "<i2"),
    InType.UINT16: (Code.U2, "<u2"),
    InType.INT32: (Code.U4, "<i4"),
    InType.UINT32: (Code.U4, "<u4"),
    InType.INT64: (Code.U8, "<i8"),
    InType.UINT64: (Code.U8, "<u8"),
    InType.FLOAT: (Code.U4, "<u4"),
    InType.DOUBLE: (Code.U8, "<u8"),
    InType.BOOLEAN: (Code.U4, "<u4"),
    InType.GUID: (Code.GUID, None),
    InType.POINTER: (Code.PTR, "<u8"),
    InType.FILETIME: (Code.U8, "<u8"),
    InType.SYSTEMTIME: (Code.GUID, None),
    InType.HEX_INT32: (Code.U4, "<u4"),
    InType.HEX_INT64: (Code.U8, "<u8"),
    InType.UNICODE_CHAR: (Code.U2, "<u2"),
    InType.ANSI_CHAR: (Code.U1, "u1"),
    InType.SIZE_T: (Code.PTR, "<u8"),
}
# Types that start with their own length in bytes: how that length is read.
_COUNTED: Final[Mapping[int, Read]] = {
    InType.MANIFEST_COUNTED_STRING: (Code.U2, "<u2"),
    InType.MANIFEST_COUNTED_ANSI_STRING: (Code.U2, "<u2"),
    InType.MANIFEST_COUNTED_BINARY: (Code.U2, "<u2"),
    InType.COUNTED_STRING: (Code.U2, "<u2"),
    InType.COUNTED_ANSI_STRING: (Code.U2, "<u2"),
    InType.REVERSED_COUNTED_STRING: (Code.BE2, "<u2"),
    InType.REVERSED_COUNTED_ANSI_STRING: (Code.BE2, "<u2"),
    InType.HEX_DUMP: (Code.U4, "<u4"),
}
_PREVIOUS: Final = -2  # length of a field whose length is the field just before, until that one's index is known
_TO_THE_END: Final = frozenset({InType.UNTERMINATED_STRING, InType.UNTERMINATED_ANSI_STRING})
_BY_OUT_TYPE: Final[Mapping[tuple[int, int], Read]] = {
    (InType.UINT16, OutType.PORT): (Code.BE2, "<u2"),
    (InType.UINT32, OutType.IPV4): (Code.IP4, None),
}
_BINARY_OF_SIZE: Final[Mapping[int, Code]] = {4: Code.IP4, 16: Code.IP6}


@dataclass(frozen=True, slots=True)
class Property:
    """One property as the schema states it.

    ``count`` and ``length`` are numbers, or the index of the property that holds the number when ``flags`` has
    PARAM_COUNT or PARAM_LENGTH. ``map_name`` names the value map that the property's values are spelled by.
    """

    name: str
    flags: PropertyFlag
    in_type: int
    out_type: int
    count: int
    length: int
    map_name: str

    @property
    def is_array(self) -> bool:
        """Whether it is more than one value of its type."""
        counted = PropertyFlag.PARAM_COUNT | PropertyFlag.PARAM_FIXED_COUNT
        return bool(self.flags & counted) or self.count > 1


def fields_of(properties: Sequence[Property]) -> tuple[tuple[Field, ...], str]:
    """The fields of a payload, and the first property that no field can express (empty for none).

    From that property on the payload is one field ``rest``. What cannot be expressed: structures, arrays of
    anything but bytes and pointers, strings of a fixed or given number of characters (ANSI ones with a given
    length can), binary data of a fixed length other than 4 and 16, bare SIDs, and types not known here.
    """
    out: list[Field] = []
    numbers: dict[str, int] = {}  # name → number that its next namesake gets
    place: dict[int, int] = {}  # property index → index of the field that holds its value
    for index, item in enumerate(properties):
        added = tuple(_fields(item, place))
        if not added:
            return (*out, Field(_unused("rest", numbers), Code.REST, None)), item.name
        for field in added:
            length = len(out) - 1 if field.length == _PREVIOUS else field.length
            out.append(Field(_unused(field.name, numbers), field.code, field.dtype, length))
        if out[-1].dtype is not None:
            place[index] = len(out) - 1
    return tuple(out), ""


def _fields(item: Property, place: Mapping[int, int]) -> Iterator[Field]:
    """One field, two for a type that carries its own length, none where no field can express it."""
    if item.flags & (PropertyFlag.STRUCT | PropertyFlag.HAS_CUSTOM_SCHEMA | PropertyFlag.WBEM_XML_FRAGMENT):
        return
    if item.is_array:
        yield from _array(item, place)
    elif (read := _BY_OUT_TYPE.get((item.in_type, item.out_type)) or _FIXED.get(item.in_type)) is not None:
        yield _plain(item.name, read)
    elif (read := _COUNTED.get(item.in_type)) is not None:
        yield _plain(f"{item.name}Length", read)
        yield Field(item.name, Code.BIN, None, _PREVIOUS)
    elif (code := _blob(item)) is not None:
        yield Field(item.name, code, None)
    elif item.flags & PropertyFlag.PARAM_LENGTH and item.in_type in {InType.ANSI_STRING, InType.BINARY}:
        yield from _of_length(item.name, Code.BIN, place.get(item.length))


def _array(item: Property, place: Mapping[int, int]) -> Iterator[Field]:
    if not item.flags & PropertyFlag.PARAM_COUNT:
        return
    if item.in_type in {InType.POINTER, InType.SIZE_T}:
        yield from _of_length(item.name, Code.PTRS, place.get(item.count))
    elif item.in_type in {InType.INT8, InType.UINT8, InType.ANSI_CHAR}:
        yield from _of_length(item.name, Code.BIN, place.get(item.count))


def _blob(item: Property) -> Code | None:
    """The code of a blob whose length no other property tells."""
    if item.in_type in _TO_THE_END:
        return Code.REST
    if item.in_type == InType.WBEM_SID:
        return Code.SID
    if item.flags & PropertyFlag.PARAM_LENGTH:
        return None
    if item.in_type == InType.BINARY:
        implied = 16 if item.out_type == OutType.IPV6 else 0
        return _BINARY_OF_SIZE.get(item.length or implied)
    if item.length == 0:
        return {int(InType.UNICODE_STRING): Code.WSTR, int(InType.ANSI_STRING): Code.ASTR}.get(item.in_type)
    return None


def _of_length(name: str, code: Code, length: int | None) -> Iterator[Field]:
    if length is not None:
        yield Field(name, code, None, length)


def _plain(name: str, read: Read) -> Field:
    code, dtype = read
    return Field(name, code, None if dtype is None else np.dtype(dtype))


def _unused(name: str, numbers: dict[str, int]) -> str:
    """The name, or with a number behind it where it is taken."""
    unused = name
    while unused in numbers:
        unused = f"{name}{numbers[name]}"
        numbers[name] += 1
    numbers[unused] = 2
    return unused
