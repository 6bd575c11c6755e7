"""What a trace brings to describe its events: manifests' schemas, maps of values, descriptions of TraceLogging.

Of an input the first byte says which of these it is; of a description two bytes then say how long it is, and the
payload of an event follows.
"""

from __future__ import annotations

import struct
import uuid
from typing import Final

from tests.fuzzing.mutations import binary
from tests.fuzzing.small_traces import description, schema, value_map
from tests.fuzzing.target import Target, insist
from tests.tracer.events.made_schemas import described, field
from tracer.etl.described import described_event
from tracer.etl.headers import EVENT_HEADER
from tracer.events.described_values import values_of
from tracer.events.schema_book import SchemaBook
from tracer.events.schemas import EVENT_SCHEMA, VALUE_MAP
from tracer.events.self_described import parse_description, provider_of

_MOST_FIELDS: Final = 1 << 16
_MANIFEST, _MAP, _DESCRIBED, _RECORD = range(4)


def _seeds() -> list[bytes]:
    plain = told, payload = description()
    record = (
        bytes(EVENT_HEADER.itemsize) + struct.pack("<4H", 8 + len(told) + 7 & ~7, 11, 0, len(told)) + told + payload
    )
    return [
        *(bytes([_MANIFEST]) + schema(kind) for kind in range(4)),
        bytes([_MAP]) + value_map(),
        *(bytes([_DESCRIBED]) + struct.pack("<H", len(told)) + told + payload for told, payload in (plain, *_many())),
        bytes([_RECORD]) + record,
    ]


def _many() -> list[tuple[bytes, bytes]]:
    """Thousands of fields of one name, and a structure of values without bytes, many times: little that says much."""
    same = described("e", *[field("n", 0)] * 1_200)
    empty = described("e", field("p", 24 | 0x40, 100), *[field("n", 0)] * 99, field("b", 4))
    return [(same, b""), (empty, struct.pack("<H", 500) + bytes(500))]


def check(data: bytes) -> None:
    kind, rest = (data[0] % 4 if data else 0), data[1:]
    if kind == _DESCRIBED:
        length = int.from_bytes(rest[:2], "little")
        _check_description(rest[2 : 2 + length], rest[2 + length :])
    elif kind == _RECORD:
        if len(rest) >= EVENT_HEADER.itemsize:
            event = described_event(rest)
            insist(event.payload in rest, "a payload of elsewhere")
            _check_description(event.description, event.payload)
            provider_of(event.traits)
    else:
        _check_book(EVENT_SCHEMA if kind == _MANIFEST else VALUE_MAP, rest)


def _check_book(opcode: int, payload: bytes) -> None:
    book = SchemaBook()
    book.add(opcode, payload)
    insist(book.refused in (0, 1) and len(book.reasons) == book.refused, "refused without a reason")
    for each in book.schemas:
        names = [field.name for field in each.layout.fields]
        insist(len(set(names)) == len(names), f"a layout has a name twice: {names}")
        insist(each.event_name and each.provider_name.isprintable(), "a name that cannot be shown")
        insist(book.layout_for(each.event, each.version) is each.layout, "another layout")
        insist(isinstance(each.event.provider, uuid.UUID), "no provider")


def _check_description(told: bytes, payload: bytes) -> None:
    found = parse_description(told)
    insist(found.name.isprintable() and len(found.fields) <= _MOST_FIELDS, "a name that cannot be shown")
    insist(isinstance(values_of(found, payload), dict), "no values")


TARGET = Target(check, _seeds, binary(), 2_000)
