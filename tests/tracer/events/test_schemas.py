import contextlib
import uuid
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracer.events.made_schemas import SOMEBODY, Row, counted, map_bytes, plain, schema_bytes
from tests.tracer.events.real_records import records
from tests.tracer.events.reference import read
from tracer.events import afd
from tracer.events.encode import encode
from tracer.events.layout import Code, ProviderId
from tracer.events.schema_book import SchemaBook
from tracer.events.schema_fields import InType, OutType, PropertyFlag
from tracer.events.schemas import (
    EVENT_SCHEMA,
    MAX_NAME,
    PROVIDER,
    VALUE_MAP,
    SchemaError,
    parse_schema,
    parse_value_map,
)

MERGED = ("merged-win8-x64-compressed.etl", "merged-server2022-compressed.etl")

LOCAL_SYSTEM = bytes.fromhex("010100000000000512000000")


@cache
def book_of(path: Path) -> SchemaBook:
    book = SchemaBook()
    for record in records(path):
        if isinstance(record.event, ProviderId) and record.event.provider == PROVIDER:
            book.add(record.event.event, record.payload)
    return book


def test_a_schema_becomes_a_layout_with_the_names_it_gives() -> None:
    schema = parse_schema(schema_bytes([plain("Bytes", InType.UINT32), plain("Owner", InType.POINTER)]))
    assert (schema.provider_name, schema.event_name, schema.version) == ("Some-Provider", "Leak/Start", 2)
    assert schema.event == ProviderId(SOMEBODY, 7)
    assert schema.layout.kind == "event:Some-Provider:Leak/Start:7v2"
    assert [(field.name, field.code) for field in schema.layout.fields] == [("Bytes", Code.U4), ("Owner", Code.PTR)]
    assert schema.opaque_from == ""


def test_a_wbem_schema_is_found_by_class_and_opcode() -> None:
    assert parse_schema(schema_bytes([], source=1)).event == ProviderId(SOMEBODY, 9)


def test_an_event_that_has_no_id_is_refused() -> None:
    with pytest.raises(SchemaError, match="decoding source 3"):
        parse_schema(schema_bytes([], source=3))


@pytest.mark.parametrize(
    ("row", "payload", "value"),
    [
        (plain("x", InType.INT16), b"\xfe\xff", -2),
        (plain("x", InType.UINT16, OutType.PORT), b"\x00\x50", 80),
        (plain("x", InType.UINT32, OutType.IPV4), b"\x7f\0\0\1", b"\x7f\0\0\1"),
        (plain("x", InType.BINARY, OutType.IPV6), bytes(15) + b"\1", bytes(15) + b"\1"),
        (plain("x", InType.SYSTEMTIME), bytes(range(16)), bytes(range(16))),
        (plain("x", InType.BOOLEAN), b"\1\0\0\0", 1),
        (plain("x", InType.UNICODE_STRING), b"a\0b\0\0\0", b"a\0b\0"),
        (plain("x", InType.ANSI_STRING), b"ab\0", b"ab"),
        (plain("x", InType.COUNTED_STRING), b"\4\0a\0b\0", b"a\0b\0"),
        (plain("x", InType.REVERSED_COUNTED_ANSI_STRING), b"\0\2ab", b"ab"),
        (plain("x", InType.HEX_DUMP), b"\3\0\0\0abc", b"abc"),
        (plain("x", InType.UNTERMINATED_ANSI_STRING), b"abc", b"abc"),
        (plain("x", InType.WBEM_SID), b"\1" + bytes(15) + LOCAL_SYSTEM, LOCAL_SYSTEM),
    ],
)
def test_a_property_is_read_by_its_type(row: Row, payload: bytes, value: object) -> None:
    schema = parse_schema(schema_bytes([row]))
    assert schema.opaque_from == ""
    decoded = read(schema.layout, 8, payload)
    assert decoded.left == b""
    assert decoded.values["x"] == value


@pytest.mark.parametrize(
    ("row", "payload", "value"),
    [
        (counted("x", InType.BINARY, PropertyFlag.PARAM_LENGTH, 0), b"\3\0\0\0abc", b"abc"),
        (counted("x", InType.ANSI_STRING, PropertyFlag.PARAM_LENGTH, 0), b"\2\0\0\0ab", b"ab"),
        (counted("x", InType.UINT8, PropertyFlag.PARAM_COUNT, 0), b"\2\0\0\0ab", b"ab"),
        (counted("x", InType.POINTER, PropertyFlag.PARAM_COUNT, 0), b"\1\0\0\0" + b"\7" + bytes(7), (7,)),
    ],
)
def test_a_length_may_stand_in_an_earlier_property(row: Row, payload: bytes, value: object) -> None:
    schema = parse_schema(schema_bytes([plain("Length", InType.UINT32), row]))
    assert schema.opaque_from == ""
    decoded = read(schema.layout, 8, payload)
    assert decoded.values["x"] == value
    assert not decoded.left


@pytest.mark.parametrize(
    "row",
    [
        ("x", PropertyFlag.STRUCT, 0, 1, 1, 0),
        ("x", PropertyFlag.PARAM_FIXED_COUNT, InType.UINT32, 0, 4, 0),
        ("x", PropertyFlag.PARAM_COUNT, InType.UINT32, 0, 0, 0),
        ("x", PropertyFlag.PARAM_LENGTH, InType.UNICODE_STRING, 0, 1, 0),
        ("x", PropertyFlag.PARAM_FIXED_LENGTH, InType.UNICODE_STRING, 0, 1, 8),
        ("x", 0, InType.SID, 0, 1, 0),
        ("x", 0, 4711, 0, 1, 0),
        ("x", PropertyFlag.PARAM_LENGTH, InType.BINARY, 0, 1, 9),
        ("x", PropertyFlag.PARAM_LENGTH, InType.BINARY, 0, 1, 1),
    ],
)
def test_what_no_field_can_express_is_left_whole_and_said_so(row: Row) -> None:
    schema = parse_schema(schema_bytes([plain("Count", InType.UINT32), row, plain("After", InType.UINT32)]))
    assert schema.opaque_from == "x"
    assert [field.name for field in schema.layout.fields] == ["Count", "rest"]
    assert read(schema.layout, 8, b"\1\0\0\0abcdef").values["rest"] == b"abcdef"


def test_properties_of_one_name_get_columns_of_their_own() -> None:
    rows = [plain("x", InType.UINT8), plain("x", InType.UINT64), plain("x2", InType.UINT8), plain("x", InType.GUID)]
    names = [field.name for field in parse_schema(schema_bytes(rows)).layout.fields]
    assert len(set(names)) == len(rows)


def test_many_properties_of_one_name_cost_no_more_than_others() -> None:
    rows = [plain("x", InType.COUNTED_STRING)] * 2000
    assert len({field.name for field in parse_schema(schema_bytes(rows)).layout.fields}) == 4000


def test_a_name_cannot_command_a_terminal() -> None:
    schema = parse_schema(schema_bytes([plain("\x1b[2Jx", InType.UINT8)]))
    assert schema.layout.fields[0].name == ".[2Jx"


def test_a_name_past_the_end_or_endless_is_refused() -> None:
    payload = bytearray(schema_bytes([]))
    payload[0x34:0x38] = b"\xff\xff\0\0"
    with pytest.raises(SchemaError, match="past the end"):
        parse_schema(bytes(payload))
    with pytest.raises(SchemaError, match="more than"):
        parse_schema(schema_bytes([plain("x" * (MAX_NAME + 1), InType.UINT8)]))


def test_more_properties_than_bytes_are_refused() -> None:
    payload = bytearray(schema_bytes([plain("x", InType.UINT8)]))
    payload[0x64:0x6C] = b"\xff" * 8
    with pytest.raises(SchemaError, match="needs"):
        parse_schema(bytes(payload))
    payload[0x64:0x68] = bytes(4)
    with pytest.raises(SchemaError, match="at top level"):
        parse_schema(bytes(payload))


@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(payload: bytes) -> None:
    for parse in (parse_schema, parse_value_map):
        with contextlib.suppress(SchemaError):
            assert parse(payload)


@given(st.data())
def test_a_damaged_schema_is_read_or_refused(data: st.DataObject) -> None:
    rows = [plain("Length", InType.UINT16), counted("x", InType.BINARY, PropertyFlag.PARAM_LENGTH, 0)]
    payload = bytearray(schema_bytes(rows))
    for _ in range(data.draw(st.integers(1, 6))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(payload[: data.draw(st.integers(0, len(payload)))])
    try:
        schema = parse_schema(cut)
    except SchemaError:
        return
    layout = schema.layout
    assert all(-1 <= field.length < index for index, field in enumerate(layout.fields))
    assert all(layout.fields[field.length].dtype is not None for field in layout.fields if field.length >= 0)
    assert isinstance(encode(layout, 8, {}), bytes)


def test_a_value_map_names_values_or_bits() -> None:
    names = {0: "none", 4: "late"}
    found = parse_value_map(map_bytes(1, names))
    assert (found.provider, found.name, found.is_bits, found.values) == (SOMEBODY, "Reason", False, names)
    assert parse_value_map(map_bytes(2, names)).is_bits
    with pytest.raises(SchemaError, match="not one of numbers"):
        parse_value_map(map_bytes(4, names))


def test_a_book_gives_layouts_of_exactly_the_versions_it_knows() -> None:
    book = SchemaBook()
    book.add(EVENT_SCHEMA, schema_bytes([plain("x", InType.UINT8)]))
    book.add(VALUE_MAP, map_bytes(1, {0: "none"}))
    book.add(99, b"nothing known")
    event = ProviderId(SOMEBODY, 7)
    assert book.layout_for(event, 2) == book.schemas[0].layout
    assert book.layout_for(event, 3) is None
    assert book.provider_name(SOMEBODY) == "Some-Provider"
    assert book.value_map(SOMEBODY, "Reason") is not None
    assert book.refused == 0


def test_a_declared_layout_goes_before_a_schema() -> None:
    book = SchemaBook()
    book.add(EVENT_SCHEMA, schema_bytes([plain("x", InType.UINT8)], provider=afd.PROVIDER, event=afd.CREATE))
    assert book.schemas == ()


def test_providers_that_share_a_name_do_not_share_a_table() -> None:
    book = SchemaBook()
    book.add(EVENT_SCHEMA, schema_bytes([plain("x", InType.UINT8)]))
    book.add(EVENT_SCHEMA, schema_bytes([plain("x", InType.UINT64)], provider=uuid.UUID(int=9)))
    assert len(book.schemas) == book.refused == 1
    assert "same name" in book.reasons[0]


def test_a_book_remembers_only_the_first_reasons() -> None:
    book = SchemaBook()
    for _ in range(100):
        book.add(EVENT_SCHEMA, b"short")
    assert book.refused == 100
    assert len(book.reasons) < 10


@pytest.mark.parametrize(("name", "schemas", "maps"), [(MERGED[0], 61, 24), (MERGED[1], 31, 14)])
def test_every_schema_of_a_real_trace_is_read(samples: Path, name: str, schemas: int, maps: int) -> None:
    found = Counter[int]()
    for record in records(samples / name):
        if isinstance(record.event, ProviderId) and record.event.provider == PROVIDER:
            parse = parse_schema if record.event.event == EVENT_SCHEMA else parse_value_map
            assert parse(record.payload)
            found[record.event.event] += 1
    assert found == {EVENT_SCHEMA: schemas, VALUE_MAP: maps}
    assert book_of(samples / name).refused == 0


@pytest.mark.parametrize("name", MERGED)
def test_real_events_end_where_their_schema_ends(samples: Path, name: str) -> None:
    book = book_of(samples / name)
    seen = set[str]()
    wrong = Counter[str]()
    for record in records(samples / name):
        layout = book.layout_for(record.event, record.version)
        if layout is None:
            continue
        decoded = read(layout, record.pointer_size, record.payload)
        seen.add(layout.kind)
        if decoded.short or decoded.left or len(decoded.values) != len(layout.fields):
            wrong[layout.name] += 1
    assert seen == {schema.layout.kind for schema in book.schemas}
    # PerfView declares a level of four bytes and writes eight; nothing else differs from its schema.
    assert wrong == ({"ClrEnableParameters": 2} if name == MERGED[1] else {})


def test_the_schema_of_a_real_process_start_tells_its_image(samples: Path) -> None:
    book = book_of(samples / MERGED[0])
    event = ProviderId(uuid.UUID("22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"), 1)
    layout = book.layout_for(event, 1)
    assert layout is not None
    record = next(record for record in records(samples / MERGED[0]) if record.event == event)
    image = read(layout, record.pointer_size, record.payload).values["ImageName"]
    assert isinstance(image, bytes)
    assert image.decode("utf-16-le").endswith("Test.x64.exe")
