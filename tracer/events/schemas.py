"""The schemas that merged traces carry: what events without a declared layout look like.

A merged trace holds, for the manifest events in it, a copy of what the system's Trace Data Helper knew of each:
classic records of one provider, opcode 32 being a TRACE_EVENT_INFO and opcode 33 an EVENT_MAP_INFO.

Sources: Microsoft's documents on both structures; offsets confirmed on the schemas of two real traces.
Offsets in them count from the structure's start; 0 means none. A schema is input like any other: everything is
checked before it is read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

import numpy as np

from tracer.data_classes import dataclass
from tracer.events.layout import Layout, ProviderId, layout
from tracer.events.schema_fields import Property, PropertyFlag, fields_of

PROVIDER: Final = uuid.UUID("bbccf6c1-6cd1-48c4-80ff-839482e37671")
EVENT_SCHEMA: Final = 32
VALUE_MAP: Final = 33
KIND: Final = "schema"

LAYOUTS: Final[tuple[Layout, ...]] = (
    layout(
        KIND,
        "schema carried by the trace",
        (ProviderId(PROVIDER, EVENT_SCHEMA), ProviderId(PROVIDER, VALUE_MAP)),
        0,
        "rest data",
    ),
)
"""The schema records themselves, as events: :class:`~tracer.events.schema_book.SchemaBook` reads their data."""

EVENT_INFO: Final = np.dtype(
    {
        "names": [
            "provider",
            "event_guid",
            "id",
            "version",
            "opcode",
            "source",
            "provider_name",
            "task_name",
            "opcode_name",
            "property_count",
            "top_level_count",
        ],
        "formats": ["V16", "V16", "<u2", "u1", "u1", "<u4", "<u4", "<u4", "<u4", "<u4", "<u4"],
        "offsets": [0x00, 0x10, 0x20, 0x22, 0x25, 0x30, 0x34, 0x44, 0x48, 0x64, 0x68],
        "itemsize": 0x70,
    }
)
"""TRACE_EVENT_INFO up to its properties, the fields that are used."""

PROPERTY: Final = np.dtype(
    [
        ("flags", "<u4"),
        ("name", "<u4"),
        ("in_type", "<u2"),
        ("out_type", "<u2"),
        ("map_name", "<u4"),
        ("count", "<u2"),
        ("length", "<u2"),
        ("reserved", "<u4"),
    ]
)
"""EVENT_PROPERTY_INFO, 24 bytes."""

MAP_INFO: Final = np.dtype([("name", "<u4"), ("flag", "<u4"), ("count", "<u4"), ("value_type", "<u4")])
"""EVENT_MAP_INFO up to its entries; the provider's GUID stands before it."""
MAP_ENTRY: Final = np.dtype([("output", "<u4"), ("value", "<u4")])
"""EVENT_MAP_ENTRY, 8 bytes."""

_GUID: Final = np.dtype("V16")
_SOURCE_MANIFEST: Final = 0
_SOURCE_WBEM: Final = 1
_MAP_FLAGS: Final[Mapping[int, bool]] = {0x01: False, 0x02: True}
"""Manifest value map and manifest bit map; whether the values are bits."""
MAX_NAME: Final = 512
"""Characters of a name that are accepted: names in manifests are far shorter, and a bound keeps reading cheap."""


class SchemaError(ValueError):
    """A schema record that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a trace says of one event.

    ``properties`` are in payload order, members of structures left out. ``opaque_from`` names the first property
    that ``layout`` leaves in its last field ``rest``, empty where the layout tells everything.
    """

    provider_name: str
    event_name: str
    event: ProviderId
    version: int
    properties: tuple[Property, ...]
    layout: Layout
    opaque_from: str


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Names of a property's values; with ``is_bits`` each value is one bit."""

    provider: uuid.UUID
    name: str
    is_bits: bool
    values: Mapping[int, str]


def parse_schema(payload: bytes) -> Schema:
    """Read an opcode 32 payload; :class:`SchemaError` where it is damaged or describes no event with an id."""
    info = _one(payload, EVENT_INFO)
    event = _event(info)
    properties = _properties(payload, int(info["property_count"]), int(info["top_level_count"]))
    provider_name = _text(payload, int(info["provider_name"])) or str(event.provider)
    parts = (_text(payload, int(info[name])).removeprefix("win:") for name in ("task_name", "opcode_name"))
    event_name = "/".join(filter(None, parts)) or str(event.event)
    version = int(info["version"])
    fields, opaque_from = fields_of(properties)
    kind = f"event:{provider_name}:{event_name}:{event.event}v{version}"
    shape = Layout(kind, event_name, (event,), version, fields, exact=True)
    return Schema(provider_name, event_name, event, version, properties, shape, opaque_from)


def parse_value_map(payload: bytes) -> ValueMap:
    """Read an opcode 33 payload; :class:`SchemaError` where it is damaged or no map of numbers to names."""
    provider = _guid(_one(payload, _GUID))
    body = payload[_GUID.itemsize :]
    info = _one(body, MAP_INFO)
    flag = int(info["flag"])
    if flag not in _MAP_FLAGS:
        raise SchemaError(f"a value map of kind {flag:#x} is not one of numbers to names")
    entries = _many(body, MAP_ENTRY, MAP_INFO.itemsize, int(info["count"]))
    values = {int(entry["value"]): _text(body, int(entry["output"])) for entry in entries}
    return ValueMap(provider, _text(body, int(info["name"])), _MAP_FLAGS[flag], values)


def _event(info: np.void) -> ProviderId:
    source = int(info["source"])
    if source == _SOURCE_MANIFEST:
        return ProviderId(_guid(info["provider"]), int(info["id"]))
    if source == _SOURCE_WBEM:
        return ProviderId(_guid(info["event_guid"]), int(info["opcode"]))
    raise SchemaError(f"decoding source {source} identifies no event by an id")


def _properties(payload: bytes, count: int, top_level: int) -> tuple[Property, ...]:
    if top_level > count:
        raise SchemaError(f"{top_level} properties at top level, of {count} in all")
    rows = _many(payload, PROPERTY, EVENT_INFO.itemsize, count)
    return tuple(_property(payload, row) for row in rows[:top_level])


def _property(payload: bytes, row: np.void) -> Property:
    flags = PropertyFlag(int(row["flags"]) & 0xFF)
    is_struct = bool(flags & PropertyFlag.STRUCT)
    return Property(
        name=_text(payload, int(row["name"])) or "Unnamed",
        flags=flags,
        in_type=0 if is_struct else int(row["in_type"]),
        out_type=0 if is_struct else int(row["out_type"]),
        count=int(row["count"]),
        length=int(row["length"]),
        map_name="" if is_struct else _text(payload, int(row["map_name"])),
    )


def _one(payload: bytes, dtype: np.dtype) -> np.void:
    row: np.void = _many(payload, dtype, 0, 1)[0]
    return row


def _many(payload: bytes, dtype: np.dtype, offset: int, count: int) -> np.ndarray:
    end = offset + count * dtype.itemsize
    if end > len(payload):
        raise SchemaError(f"needs {end} bytes and has {len(payload)}")
    return np.frombuffer(payload, dtype, count, offset) if count else np.empty(0, dtype)


def _text(payload: bytes, offset: int) -> str:
    """UTF-16 at an offset, up to its NUL or the payload's end.

    Without the spaces that Windows puts behind names, and with a dot for what a terminal might take as a command.
    """
    if offset == 0:
        return ""
    if offset >= len(payload):
        raise SchemaError(f"a name is said to be at {offset}, past the end at {len(payload)}")
    raw = payload[offset : offset + 2 * MAX_NAME + 2]
    text = raw[: len(raw) & ~1].decode("utf-16-le", "replace")
    name, end, _ = text.partition("\0")
    if not end and len(name) > MAX_NAME:
        raise SchemaError(f"a name at {offset} has more than {MAX_NAME} characters")
    name = name.rstrip()
    return name if name.isprintable() else "".join(letter if letter.isprintable() else "." for letter in name)


def _guid(raw: np.void) -> uuid.UUID:
    return uuid.UUID(bytes_le=raw.tobytes())
