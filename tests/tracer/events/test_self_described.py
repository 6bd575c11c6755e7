"""Events that describe themselves, built by the layout of TraceLoggingProvider.h: every type, arrays, structures."""

from __future__ import annotations

import struct
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record
from fixtures.etl.writer import EtlWriter
from tests.tracer.etl.small import pool_record
from tests.tracer.events.made_schemas import described, field, traits
from tracer.columns import EventTable
from tracer.etl.described import described_event
from tracer.etl.file import EtlFile
from tracer.etl.headers import ExtendedType, HeaderType
from tracer.events.described_values import REST, values_of
from tracer.events.schema_book import SchemaBook
from tracer.events.self_described import KIND, parse_description, provider_of

PROVIDER = uuid.UUID("0f4e2ad7-2d5b-4d5f-9d0e-7a7a2b3c4d5e")


def told(payload: bytes, *fields: bytes) -> dict[str, Any]:
    return values_of(parse_description(described("e", *fields)), payload)


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


@pytest.mark.parametrize(
    ("kind", "form", "payload", "value"),
    [
        (0, None, b"", None),
        (1, None, utf16("Grüße\0"), "Grüße"),
        (1, None, utf16("\0"), ""),
        (2, None, b"caf\xe9\0", "café"),
        (2, 35, "名前\0".encode(), "名前"),
        (3, None, b"\xff", -1),
        (4, None, b"\xff", 255),
        (4, 3, b"\x01", True),
        (4, 2, b"A", "A"),
        (5, None, b"\xfe\xff", -2),
        (6, 7, b"\x1f\x90", 8080),
        (6, 2, utf16("Z"), "Z"),
        (7, None, struct.pack("<i", -3), -3),
        (7, 15, struct.pack("<I", 0x80070005), "0x80070005"),
        (8, 8, bytes([192, 0, 2, 1]), "192.0.2.1"),
        (8, 5, struct.pack("<I", 4711), 4711),
        (9, None, struct.pack("<q", -(1 << 62)), -(1 << 62)),
        (10, 4, struct.pack("<Q", 255), "0xff"),
        (11, None, struct.pack("<f", 1.5), 1.5),
        (12, None, struct.pack("<d", float("nan")), None),
        (13, None, struct.pack("<i", 1), True),
        (14, None, b"\x02\0\xab\xcd", "abcd"),
        (14, 9, b"\x10\0" + bytes(15) + b"\1", "::1"),
        (15, None, PROVIDER.bytes_le, str(PROVIDER)),
        (17, None, struct.pack("<Q", 133_000_000_000_000_000), 133_000_000_000_000_000),
        (18, None, struct.pack("<8H", 2026, 3, 1, 9, 23, 59, 58, 7), "2026-03-09T23:59:58.007"),
        (19, None, bytes([1, 2, 0, 0, 0, 0, 0, 5]) + struct.pack("<2I", 32, 544), "S-1-5-32-544"),
        (20, None, struct.pack("<I", 0xC0000005), "0xc0000005"),
        (21, None, struct.pack("<Q", 0xFFFF_F800_0000_1000), "0xfffff80000001000"),
        (22, None, b"\x04\0" + utf16("ab"), "ab"),
        (23, 35, b"\x02\0" + "ü".encode(), "ü"),
        (25, 10, b"\x10\0" + struct.pack("<H", 2) + b"\x01\xbb" + bytes([192, 0, 2, 9]) + bytes(8), "192.0.2.9:443"),
        (25, 10, b"\x1c\0" + struct.pack("<H", 23) + b"\0\x50" + bytes(19) + b"\1" + bytes(4), "[::1]:80"),
    ],
)
def test_each_type_is_told(kind: int, form: int | None, payload: bytes, value: object) -> None:
    assert told(payload + b"\x2a", field("x", kind, form), field("after", 4)) == {"x": value, "after": 42}


def test_arrays_and_structures_are_lists_and_objects() -> None:
    point = (field("p", 24, 2), field("a", 4), field("b", 5))
    assert told(b"\1\2\0\7", *point, field("z", 4)) == {"p": {"a": 1, "b": 2}, "z": 7}
    nested = (field("o", 24, 2), *point, field("c", 4), field("z", 4))
    assert told(b"\1\2\0\3\7", *nested) == {"o": {"p": {"a": 1, "b": 2}, "c": 3}, "z": 7}
    several = (field("p", 24 | 0x40, 1), field("a", 4))
    assert told(b"\2\0\5\6", *several) == {"p": [{"a": 5}, {"a": 6}]}
    assert told(b"\1\2\3", field("n", 4 | 0x20, None, b"\3\0")) == {"n": [1, 2, 3]}
    words = (field("s", 2 | 0x40), field("t", 6 | 0x20, 2, b"\2\0"))
    assert told(b"\2\0a\0b\0" + utf16("cd"), *words) == {"s": ["a", "b"], "t": "cd"}


def test_characters_of_an_array_are_text() -> None:
    assert told(b"\2\0" + utf16("hi"), field("t", 6 | 0x40, 2)) == {"t": "hi"}
    assert told(b"\2\0hi", field("t", 4 | 0x40, 2)) == {"t": "hi"}


def test_a_serializer_of_the_providers_own_is_left_as_it_is() -> None:
    own = field("x", 14 | 0x60, None, struct.pack("<H", 3) + b"abc")
    assert told(b"\2\0\xca\xfe\7", own, field("z", 4)) == {"x": "cafe", "z": 7}


def test_tags_are_skipped_and_names_that_come_again_get_numbers() -> None:
    tagged = b"x\0" + bytes([4 | 0x80, 4 | 0x80, 0x81, 0x02])
    data = described("tagged", tagged, field("x", 4), tags=b"\x81\x82\x03")
    found = parse_description(data)
    assert (found.name, found.is_whole) == ("tagged", True)
    assert values_of(found, b"\x10\x11") == {"x": "0x10", "x2": 17}


def test_what_is_not_decoded_is_told() -> None:
    assert told(b"\1\2\3", field("a", 4)) == {"a": 1, REST: "0203"}
    assert told(b"\1\2", field("a", 4), field("b", 7)) == {"a": 1, REST: "02"}
    assert told(b"\1\2", field("a", 4), field("b", 16)) == {"a": 1, REST: "02"}
    assert told(b"\xff\xff", field("n", 0 | 0x40)) == {REST: "ffff"}
    cut = described("e", field("a", 4), b"unfinished")
    assert values_of(parse_description(cut), b"\1\2") == {"a": 1, REST: "02"}
    assert values_of(parse_description(b""), b"\1\2") == {REST: "0102"}
    deep = described("deep", *(field("s", 24, 1) for _ in range(40)), field("x", 4))
    assert values_of(parse_description(deep), b"\1") == {REST: "01"}


def test_fields_of_one_name_are_all_there_and_values_without_bytes_are_bounded() -> None:
    many = 20_000
    assert list(told(bytes(many), *[field("n", 4)] * many))[-1] == f"n{many}"
    empty = (field("p", 24 | 0x40, 100), *[field("n", 0)] * 99, field("b", 4))
    payload = b"\xff\xff" + bytes(0xFFFF)
    assert list(told(payload, *empty)) == [REST]
    assert len(told(b"\2\0\5\6", *empty)["p"]) == 2


@given(st.binary(max_size=80), st.binary(max_size=60))
def test_no_bytes_are_too_strange(description: bytes, payload: bytes) -> None:
    for data in (description, described("e", description)):
        values_of(parse_description(data), payload)
    provider_of(description)


def _read(tmp_path: Path, *records: Record) -> tuple[EventTable, EtlFile]:
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(TraceOptions()).write([*records, pool_record(1_000_900)]))
    with EtlFile.open(path) as trace:
        [table] = [batch.tables[KIND] for batch in trace.batches({KIND, "pool"}, SchemaBook()) if KIND in batch.tables]
        assert trace.damage == ()
        return table, trace


@pytest.mark.parametrize("header", [HeaderType.EVENT32, HeaderType.EVENT64])
def test_an_event_comes_with_its_description_its_provider_and_its_stack(header: HeaderType, tmp_path: Path) -> None:
    stack = ExtendedItem(ExtendedType.STACK64, struct.pack("<2Q", 0, 0xFFFF_8000_0000_0000))
    items = (
        ExtendedItem(ExtendedType.PROV_TRAITS, traits("Contoso.Provider")),
        stack,
        ExtendedItem(ExtendedType.SCHEMA_TL, described("Started", field("count", 8))),
    )
    payload = struct.pack("<I", 7)
    record = Record(header, 1_000_000, payload, provider=PROVIDER, version=1, thread=8, process=4, extended=items)
    plain = Record(header, 1_000_001, payload, provider=PROVIDER, id=3, extended=(stack,))
    table, trace = _read(tmp_path, record, plain)
    event = described_event(table.blob("record").bytes(0))
    assert (len(table), table.thread[0], table.process[0], event.provider, event.version) == (1, 8, 4, PROVIDER, 1)
    assert provider_of(event.traits) == "Contoso.Provider"
    assert values_of(parse_description(event.description), event.payload) == {"count": 7}
    assert trace.stacks.frames(int(table.stack[0])).tolist() == [0xFFFF_8000_0000_0000]


def test_the_events_of_real_traces_are_decoded_whole(samples: Path) -> None:
    """The same 36 events, with the same values, as etl-parser 1.0.1 reads."""
    found = []
    for name in ("events-lost.etl", "more/no-per-processor-buffering.etl"):
        if not (samples / name).is_file():
            pytest.skip("a real trace with such events is not on this machine")
        with EtlFile.open(samples / name) as trace:
            for table in (batch.tables.get(KIND) for batch in trace.batches({KIND}, SchemaBook())):
                records = [] if table is None else map(table.blob("record").bytes, range(len(table)))
                found += [described_event(record) for record in records]
    assert {provider_of(event.traits) for event in found} == {"AmsiTrace", "Microsoft.Windows.WaaSMedic.Local"}
    values = [values_of(parse_description(event.description), event.payload) for event in found]
    assert len(values) == 36
    assert not any(REST in each for each in values)
    assert {tuple(each) for each in values} == {("Engine", "Script", "Raw Script"), ("m",)}
