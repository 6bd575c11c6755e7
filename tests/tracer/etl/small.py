"""Small traces with a record of every kind."""

from __future__ import annotations

import struct
import uuid

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record
from fixtures.etl.writer import EtlWriter
from tests.tracer.traces import kernel_payload
from tracer.etl.headers import HeaderType

POOL = kernel_payload(0x0E20, 8, {"tag": 1, "bytes": 64, "entry": 0xFFFF_8000_0000_1000})


def pool_record(time: int, cpu: int = 0) -> Record:
    return Record(HeaderType.PERFINFO64, time, POOL, cpu=cpu, hook=0x0E20, version=2)


def stack_record(event_time: int, logged: int, frames: list[int], hook: int = 0x1820) -> Record:
    name = "key" if hook in {0x1825, 0x1826} else "frames"
    values = {"event_time": event_time, "thread": 8, "process": 4, name: frames[0] if name == "key" else frames}
    return Record(HeaderType.PERFINFO64, logged, kernel_payload(hook, 8, values), hook=hook, version=2)


def mixed_records(events: int = 40) -> list[Record]:
    """Every header type, stacks plain and by key, extended items."""
    records = []
    for i in range(events):
        time = 1_000_000 + 100 * i
        records.append(pool_record(time, i % 2))
        records.append(stack_record(time, time + 1, [0xFFFF_8000_0000_0000 + 16 * (i % 3), 0xFFFF_8000_0000_0040]))
        records.append(stack_record(time, time + 2, [0x1234_0000 + i % 4], 0x1825 if i % 2 else 0x1826))
    definition = kernel_payload(0x1823, 8, {"key": 0x1234_0001, "frames": [0x7FF6_0000_1000]})
    records.append(Record(HeaderType.PERFINFO64, 1_004_500, definition, hook=0x1823, version=2))
    for kind in HeaderType:
        stack = ExtendedItem(0x06, struct.pack("<3Q", 0, 0xFFFF_8000_0000_0000, 0x7FF6_0000_2000))
        provider = uuid.UUID(int=0x1357_9BDF << 64 | 5)
        records.append(Record(kind, 1_005_000, b"payload!", provider=provider, id=3, extended=(stack,)))
    return records


def small_trace(*, compressed: bool, events: int = 40) -> bytes:
    options = TraceOptions(
        buffer_size=1_024, processors=2, session="s", log_file="f", flush_ns=0, compressed=compressed
    )
    return EtlWriter(options).write(mixed_records(events))
