"""Schemas that traces carry, and descriptions that events bring, as their writers make them."""

from __future__ import annotations

import struct
import uuid

import numpy as np

from tracer.events.schema_fields import InType, PropertyFlag
from tracer.events.schemas import EVENT_INFO, MAP_ENTRY, MAP_INFO, PROPERTY

SOMEBODY = uuid.UUID("11111111-2222-3333-4444-555555555555")
Row = tuple[str, int, int, int, int, int]
"""Name, flags, in type, out type, count, length."""


class Texts:
    """Names behind a structure, and where they are."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.data = b""

    def place(self, text: str) -> int:
        at = self.start + len(self.data)
        self.data += text.encode("utf-16-le") + b"\0\0"
        return at


def schema_bytes(rows: list[Row], *, provider: uuid.UUID = SOMEBODY, event: int = 7, source: int = 0) -> bytes:
    texts = Texts(EVENT_INFO.itemsize + len(rows) * PROPERTY.itemsize)
    info = np.zeros(1, EVENT_INFO)
    info["provider"] = np.void(provider.bytes_le)
    info["event_guid"] = np.void(SOMEBODY.bytes_le)
    info["id"], info["version"], info["opcode"], info["source"] = event, 2, 9, source
    info["provider_name"], info["task_name"] = texts.place("Some-Provider "), texts.place("Leak")
    info["opcode_name"] = texts.place("win:Start")
    info["property_count"] = info["top_level_count"] = len(rows)
    properties = np.zeros(len(rows), PROPERTY)
    for row, (name, flags, in_type, out_type, count, length) in zip(properties, rows, strict=True):
        row["flags"], row["name"] = flags, texts.place(name)
        row["in_type"], row["out_type"], row["count"], row["length"] = in_type, out_type, count, length
    return info.tobytes() + properties.tobytes() + texts.data


def plain(name: str, in_type: InType, out_type: int = 0) -> Row:
    return (name, 0, in_type, out_type, 1, 0)


def counted(name: str, in_type: InType, flag: PropertyFlag, holder: int) -> Row:
    by_count = flag is PropertyFlag.PARAM_COUNT
    return (name, flag, in_type, 0, holder if by_count else 1, 0 if by_count else holder)


def map_bytes(flag: int, names: dict[int, str]) -> bytes:
    texts = Texts(MAP_INFO.itemsize + len(names) * MAP_ENTRY.itemsize)
    info = np.zeros(1, MAP_INFO)
    info["name"], info["flag"], info["count"] = texts.place("Reason"), flag, len(names)
    entries = np.array([(texts.place(f"{name} "), value) for value, name in names.items()], MAP_ENTRY)
    return SOMEBODY.bytes_le + info.tobytes() + entries.tobytes() + texts.data


def described(name: str, *fields: bytes, tags: bytes = b"\0") -> bytes:
    body = tags + name.encode() + b"\0" + b"".join(fields)
    return struct.pack("<H", len(body) + 2) + body


def field(name: str, kind: int, form: int | None = None, more: bytes = b"") -> bytes:
    chained = bytes([kind]) if form is None else bytes([kind | 0x80, form])
    return name.encode() + b"\0" + chained + more


def traits(name: str) -> bytes:
    body = name.encode() + b"\0" + struct.pack("<HB16s", 19, 1, bytes(16))
    return struct.pack("<H", len(body) + 2) + body
