"""How an event's payload is declared: a name, the ids it goes by, and its fields in order.

A layout is written the way the documents write it::

    layout("pool", "alloc/free", hooks("0E20 0E22"), 2, "u4 type; u4 tag; ptr bytes; ptr entry")

and is read by the decoder (:mod:`tracer.events.decode`) and the encoder
(:mod:`tracer.events.encode`) alike. Fields are packed without padding.
"""

from __future__ import annotations

import functools
import uuid
from enum import IntEnum
from typing import Final

import numpy as np

from tracer.data_classes import dataclass


class Code(IntEnum):
    """What the decoder does for a field; fixed-width codes are their own width in bytes."""

    U1 = 1
    U2 = 2
    U4 = 4
    U8 = 8
    PTR = 16  # 4 or 8 bytes, by the record's header type
    BE2 = 17  # big-endian u16 (ports)
    IP4 = 18  # four address bytes in network order, as a blob
    IP6 = 19  # sixteen address bytes, as a blob
    GUID = 20  # sixteen bytes, as a blob
    WSTR = 21  # NUL-terminated UTF-16; unterminated: up to the payload's end
    ASTR = 22  # NUL-terminated ANSI
    SID = 23  # 4 zero bytes, or a TOKEN_USER of two pointers (which copies may have zeroed) and then a SID
    BIN = 24  # as many bytes as an earlier field says
    PTRS = 25  # as many pointers as an earlier field says, or up to the payload's end
    REST = 26  # all bytes up to the payload's end, as a blob


_SCALARS: Final[dict[str, tuple[Code, str]]] = {
    "u1": (Code.U1, "u1"),
    "u2": (Code.U2, "<u2"),
    "u4": (Code.U4, "<u4"),
    "u8": (Code.U8, "<u8"),
    "i1": (Code.U1, "i1"),
    "i2": (Code.U2, "<i2"),
    "i4": (Code.U4, "<i4"),
    "i8": (Code.U8, "<i8"),
    "ptr": (Code.PTR, "<u8"),
    "be2": (Code.BE2, "<u2"),
}
_BLOBS: Final[dict[str, Code]] = {
    "ip4": Code.IP4,
    "ip6": Code.IP6,
    "guid": Code.GUID,
    "wstr": Code.WSTR,
    "astr": Code.ASTR,
    "sid": Code.SID,
    "bin": Code.BIN,
    "ptrs": Code.PTRS,
    "rest": Code.REST,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, how it is read, the dtype of its column (``None``: a blob column).

    ``length`` is the index of the earlier field that holds the length, -1 for none.
    """

    name: str
    code: Code
    dtype: np.dtype | None
    length: int = -1

    @property
    def is_blob(self) -> bool:
        """Whether the column is a :class:`~tracer.columns.BlobColumn`."""
        return self.dtype is None


@dataclass(frozen=True, slots=True)
class KernelId:
    """A kernel event, by hook id (group << 8 | type)."""

    hook: int

    def __str__(self) -> str:
        return f"{self.hook:04X}"


@dataclass(frozen=True, slots=True)
class ProviderId:
    """An event of a manifest or classic provider, by GUID and event id (classic: opcode)."""

    provider: uuid.UUID
    event: int

    def __str__(self) -> str:
        return f"{self.provider}/{self.event}"


EventId = KernelId | ProviderId


@dataclass(frozen=True, slots=True)
class Layout:
    """A payload's shape.

    ``kind`` names the event table that its records end up in; several layouts share a kind.
    ``version`` is the first event version it holds for; it holds until a layout with a higher
    version for the same id; with ``exact`` for that version alone. A payload may end early at any
    field boundary: missing fields read as zero (or empty), a field cut in the middle makes the record
    ``short``. So does one of the first ``needed`` fields that is missing: they are in every version there ever was.
    """

    kind: str
    name: str
    ids: tuple[EventId, ...]
    version: int
    fields: tuple[Field, ...]
    exact: bool = False
    needed: int = 0

    def field(self, name: str) -> Field:
        """The field of that name; ``KeyError`` where there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


def fields(text: str) -> tuple[Field, ...]:
    """Fields from ``"u4 type; u4 tag; ptr bytes; u4 length; bin:length address"``."""
    out: list[Field] = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        kind, name = part.split()
        kind, _, length_name = kind.partition(":")
        length = next(i for i, f in enumerate(out) if f.name == length_name) if length_name else -1
        out.append(_field(kind, name, length))
    return tuple(out)


@functools.cache  # 1,800 are declared, a fifth of them different
def _field(kind: str, name: str, length: int) -> Field:
    code, dtype = _SCALARS[kind] if kind in _SCALARS else (_BLOBS[kind], None)
    return Field(name, code, None if dtype is None else np.dtype(dtype), length)


def hooks(text: str) -> tuple[KernelId, ...]:
    """Kernel ids from ``"0E20 0E22"``."""
    return tuple(KernelId(int(word, 16)) for word in text.split())


def layout(
    kind: str, name: str, ids: tuple[EventId, ...], version: int, text: str, *, needed: int = 0
) -> Layout:  # fmt: skip
    """A layout from the short form shown on top of this module."""
    return Layout(kind, name, ids, version, fields(text), needed=needed)
