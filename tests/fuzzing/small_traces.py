"""Traces of some KiB that the code makes, simulated all of them: what traces are mutated from."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable
from functools import cache

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record
from fixtures.etl.rolling import appended
from fixtures.etl.writer import EtlWriter
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.laws.breaking import BREAKS
from tests.laws.made import Made
from tests.tracer.etl.small import mixed_records, pool_record
from tests.tracer.events.made_schemas import SOMEBODY, counted, described, field, map_bytes, plain, schema_bytes, traits
from tracer.etl.headers import POINTER_SIZE, ClockType, ExtendedType, HeaderType
from tracer.events import image, pool, stack
from tracer.events.encode import Value, encode
from tracer.events.layout import KernelId
from tracer.events.registry import layout_for
from tracer.events.schema_fields import InType, PropertyFlag
from tracer.events.schemas import EVENT_SCHEMA, PROVIDER, VALUE_MAP

MOST_BYTES = 20 << 10
_START = 1_000_000
_NARROW, _WIDE = 0xFFFF_FFFF, (1 << 64) - 1
"""Bits of a pointer."""
_KERNEL, _DRIVER = 0xFFFF_F800_0000_0000, 0xFFFF_F800_0100_0000
_RUNDOWN_OF_IMAGES = 0x1403
"""At the end of a trace: the images are told at its beginning already."""


def schema(kind: int = 0) -> bytes:
    """A schema of one of four shapes."""
    rows = (
        [plain("Bytes", InType.UINT32), plain("Owner", InType.POINTER)],
        [plain("Length", InType.UINT32), counted("Data", InType.BINARY, PropertyFlag.PARAM_LENGTH, 0)],
        [
            plain("Count", InType.UINT16),
            counted("Each", InType.POINTER, PropertyFlag.PARAM_COUNT, 0),
            plain("Name", InType.UNICODE_STRING),
        ],
        [plain("x", InType.COUNTED_STRING)] * 40,
    )
    return schema_bytes(rows[kind], event=7 + kind)


def value_map() -> bytes:
    """A map of values to names."""
    return map_bytes(1, {0: "none", 4: "late", 1 << 31: "most"})


def description() -> tuple[bytes, bytes]:
    """A description of TraceLogging, with arrays and structures, and a payload of it."""
    point = (field("p", 24 | 0x40, 2), field("a", 4), field("b", 5))
    told = described(
        "Started", field("count", 8), field("name", 2), *point, field("t", 6 | 0x20, 2, b"\2\0"), field("end", 19)
    )
    payload = struct.pack("<I", 7) + b"abc\0" + b"\2\0\1\2\0\3\4\0" + "hi".encode("utf-16-le")
    return told, payload + bytes([1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0])


def _options(**more: object) -> TraceOptions:
    known: dict[str, object] = {"buffer_size": 1_024, "processors": 4, "flush_ns": 0}
    return TraceOptions(**(known | more))  # type: ignore[arg-type]


def _record(header: HeaderType, time: int, hook: int, cpu: int = 0, **values: Value) -> Record:
    """An event of version 2 by its declared layout."""
    layout = layout_for(KernelId(hook), 2)
    assert layout is not None
    return Record(header, time, encode(layout, POINTER_SIZE[header], values), cpu=cpu, hook=hook, version=2)


def _images(pointer: int) -> Iterable[Record]:
    header, mask = (HeaderType.SYSTEM32, _NARROW) if pointer == 4 else (HeaderType.SYSTEM64, _WIDE)
    for base, name in (
        (_KERNEL, "\\SystemRoot\\system32\\ntoskrnl.exe"),
        (_DRIVER, "\\SystemRoot\\System32\\drivers\\contoso.sys"),
    ):
        yield _record(header, _START, image.RUNDOWN_START, base=base & mask, size=0x40_0000, file_name=name)


def leak_records(pointer: int = 8, blocks: int = 48) -> list[Record]:
    """A driver that frees what one of two functions allocates, and never what the other does; each with its stack."""
    header, mask = (HeaderType.PERFINFO32, _NARROW) if pointer == 4 else (HeaderType.PERFINFO64, _WIDE)
    block: dict[str, Value] = {"type": 512, "tag": int.from_bytes(b"CtFl", "little"), "bytes": 0x130}
    records, waiting = list(_images(pointer)), list[int]()
    for number in range(blocks):
        time, cpu = _START + 10_000 * (number + 1), number % 4
        keeps, address = number % 2, (0xFFFF_9A80_0000_1000 + 0x140 * number) & mask
        frames = [(_KERNEL + 0x1000) & mask, (_DRIVER + 0x200 + 0x100 * keeps) & mask, (_DRIVER + 0x900) & mask]
        called: dict[str, Value] = {"event_time": time, "process": 4, "thread": 8 + cpu, "frames": frames}
        records.append(_record(header, time, pool.ALLOC, cpu, entry=address, **block))
        records.append(_record(header, time + 1, stack.STACK, cpu, **called))
        waiting += [] if keeps else [address]
        if not keeps and number > 2:
            records.append(_record(header, time + 500, pool.FREE, cpu, entry=waiting.pop(0), **block))
    return records


@cache
def leak() -> bytes:
    """A whole trace of them."""
    return EtlWriter(_options()).write(leak_records())


def _described() -> list[Record]:
    """What a merged trace carries, events of its schemas, and one that brings its description."""
    told, payload = description()
    records = [
        Record(HeaderType.FULL64, _START + kind, schema(kind), provider=PROVIDER, opcode=EVENT_SCHEMA)
        for kind in range(3)
    ]
    records.append(Record(HeaderType.FULL64, _START + 3, value_map(), provider=PROVIDER, opcode=VALUE_MAP))
    items = (ExtendedItem(ExtendedType.PROV_TRAITS, traits("Contoso")), ExtendedItem(ExtendedType.SCHEMA_TL, told))
    for number in range(6):
        time = _START + 100 + 10 * number
        body = struct.pack("<IQ", 3, 0xFFFF_9A80_0000_0000) + b"abcdef" + "x\0".encode("utf-16-le")
        records.append(Record(HeaderType.EVENT64, time, body, provider=SOMEBODY, id=7 + number % 3, version=2))
        records.append(Record(HeaderType.EVENT64, time + 1, payload, provider=uuid.UUID(int=77), id=1, extended=items))
        records.append(pool_record(time + 2))
    return records


def _scenario(name: str, **settings: object) -> bytes:
    """The first of a simulated scenario, as much as a small trace holds."""
    usual: dict[str, object] = {
        "cpus": 2,
        "iterations": 1,
        "think_ns": 1_000,
        "stray_frees": 2,
        "user_stacks": 0.02,
        "buffer_size": 1_024,
    }
    played = simulate(name, 1, Settings(**(usual | settings)))  # type: ignore[arg-type]
    records = [record for record in played.records if record.hook != _RUNDOWN_OF_IMAGES]
    options = _options(processors=2, pointer_size=played.settings.pointer_size)
    while len(data := EtlWriter(options).write(records)) > MOST_BYTES:
        del records[len(records) * MOST_BYTES // len(data) :]
    return data


@cache
def plain_traces() -> tuple[bytes, ...]:
    """Those without compressed buffers, which the mutations take apart."""
    options = _options()
    stories = []
    for _, play in BREAKS[::6]:
        made = Made()
        play(made)
        if len(data := EtlWriter(options).write(made.records)) <= MOST_BYTES:
            stories.append(data)
    mixed = mixed_records(30)
    return (
        leak(),
        EtlWriter(_options(pointer_size=4)).write(leak_records(4)),
        EtlWriter(_options(clock=ClockType.SYSTEM_TIME, finalised=False)).write(mixed),
        EtlWriter(_options(events_lost=3, dropped=frozenset({2, 5}), swapped=True)).write(leak_records()),
        EtlWriter(_options(preallocated=700, relogged=True)).write(_described()),
        appended(
            [EtlWriter(options).write(mixed[:40]), EtlWriter(_options(start_ticks=500_000)).write(leak_records(8, 9))]
        ),
        *stories,
        _scenario("winsock-loop"),
        _scenario("undrained-port-posts"),
        _scenario("driver-never-completes", pointer_size=4),
        _scenario("missing-free", stacks=StackMode.KEYED),
    )


@cache
def packed_traces() -> tuple[bytes, ...]:
    """Those with compressed buffers."""
    return tuple(
        EtlWriter(_options(compressed=True)).write(records)
        for records in (leak_records(), mixed_records(30), _described())
    )
