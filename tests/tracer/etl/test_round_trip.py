"""What is written is read back, record for record: any records, any container."""

from __future__ import annotations

import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record, pack
from fixtures.etl.writer import EtlWriter, WrittenTrace
from tests.tracer.traces import Everything, buffer_offsets, examples, kernel_payload, read
from tracer.columns import NO_STACK, UNKNOWN_ID, Who
from tracer.etl.headers import ClockType, HeaderType, LogFileMode, MessageOption
from tracer.events.pool import MOST_BYTES

pytestmark = pytest.mark.unjitted

KERNEL64 = (HeaderType.SYSTEM64, HeaderType.COMPACT64, HeaderType.PERFINFO64)
KERNEL32 = (HeaderType.SYSTEM32, HeaderType.COMPACT32, HeaderType.PERFINFO32)
PERFINFO = {HeaderType.PERFINFO32, HeaderType.PERFINFO64}
OPAQUE = (HeaderType.TIMED, HeaderType.ERROR, HeaderType.WNODE)
PROVIDERS = [uuid.UUID(int=n * 0x0123_4567_89AB_CDEF_1357) for n in range(1, 5)]
EXTENDED = [ExtendedItem(0x0C, b"traits"), ExtendedItem(0x01, bytes(16)), ExtendedItem(0x0B, b"")]
NARROW, WIDE = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
IDS = st.integers(0, 2**32 - 2)


@dataclass(frozen=True)
class Decoded:
    """A record whose payload has a layout, and what its fields must read as."""

    record: Record
    kind: str
    fields: dict[str, Any]


@st.composite
def pool_events(draw: st.DrawFn) -> Decoded:
    header = draw(st.sampled_from(KERNEL64 + KERNEL32))
    pointer = 4 if header in KERNEL32 else 8
    address = NARROW if pointer == 4 else WIDE
    size = NARROW if pointer == 4 else st.integers(0, MOST_BYTES)
    fields = {"type": draw(NARROW), "tag": draw(NARROW), "bytes": draw(size), "entry": draw(address)}
    hook = draw(st.sampled_from([0x0E20, 0x0E22]))
    return Decoded(kernel_record(draw, header, hook, kernel_payload(hook, pointer, fields)), "pool", fields)


@st.composite
def thread_names(draw: st.DrawFn) -> Decoded:
    header = draw(st.sampled_from(KERNEL64 + KERNEL32))
    name = draw(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12))
    fields = {"process": draw(NARROW), "thread": draw(NARROW), "name": name.encode("utf-16-le")}
    payload = kernel_payload(0x0548, 8, fields)
    return Decoded(kernel_record(draw, header, 0x0548, payload), "thread_name", fields)


def kernel_record(draw: st.DrawFn, header: HeaderType, hook: int, payload: bytes) -> Record:
    record = Record(header, 0, payload, thread=draw(IDS), process=draw(IDS), hook=hook, version=2)
    if header not in PERFINFO:
        return record
    return replace(record, counters=tuple(draw(st.lists(WIDE, max_size=3))), pebs=draw(st.none() | WIDE))


@st.composite
def counted_records(draw: st.DrawFn) -> Decoded:
    """Records that are counted only: any header, a hook, provider or number without a layout."""
    header = draw(st.sampled_from(list(HeaderType)))
    payload = draw(st.binary(max_size=48))
    if header in OPAQUE:
        return Decoded(Record(header, 0, payload.ljust(4, b"x")), "", {})
    options = MessageOption(draw(st.integers(0, 0xFF)) & ~MessageOption.PERF_TIMESTAMP)
    extended = tuple(draw(st.lists(st.sampled_from(EXTENDED), max_size=3)))
    record = Record(
        header, 0, payload, thread=draw(IDS), hook=0x0700 + draw(st.integers(0, 3)), opcode=3, options=options,
        provider=draw(st.sampled_from(PROVIDERS)), id=draw(st.integers(0, 9)), version=draw(st.integers(0, 3)),
        extended=extended,
    )  # fmt: skip
    return Decoded(record, "", {})


@st.composite
def containers(draw: st.DrawFn) -> TraceOptions:
    buffer_size = draw(st.sampled_from([512, 1_024, 4_096, 0x10000, 1 << 20]))
    processors = draw(st.sampled_from([1, 2, 5, 300]))
    large = buffer_size >= 0x10000
    ring = draw(st.sampled_from([0, 0, 2, 7]))
    return TraceOptions(
        session="s",
        log_file="f",
        buffer_size=buffer_size,
        processors=min(processors, 3) if large else processors,
        processor_index=processors > 256 or draw(st.booleans()),
        pointer_size=draw(st.sampled_from([4, 8])),
        clock=draw(st.sampled_from([ClockType.QPC, ClockType.SYSTEM_TIME, ClockType.CPU_CYCLES])),
        frequency=draw(st.sampled_from([10_000_000, 2_337_949, 14_318_180, 1])),
        cpu_mhz=draw(st.sampled_from([1, 2_712, 5_100])),
        compressed=draw(st.booleans()),
        end_markers=draw(st.booleans()) or not ring,
        flush_ns=0 if large else draw(st.sampled_from([0, 1_000_000])),
        mode=draw(st.sampled_from([LogFileMode.CIRCULAR, LogFileMode.BUFFERING])) if ring else LogFileMode.SEQUENTIAL,
        ring_buffers=ring,
        swapped=draw(st.booleans()),
        finalised=draw(st.booleans()),
        relogged=draw(st.booleans()),
        preallocated=draw(st.sampled_from([0, 0, 1, 5_000])),
        group_masks=((), (7,)),
    )


@st.composite
def stories(draw: st.DrawFn) -> tuple[TraceOptions, list[Decoded]]:
    options = draw(containers())
    drawn = draw(st.lists(pool_events() | thread_names() | counted_records(), max_size=25))
    steps = draw(st.lists(st.sampled_from([0, 0, 1, 3, 700, 50_000]), min_size=1, max_size=5))
    out, time = [], options.start_ticks
    for position in range(len(drawn) * draw(st.sampled_from([1, 1, 4]))):
        time += steps[position % len(steps)]
        item = drawn[position % len(drawn)]
        cpu = (position * 7 + len(item.record.payload)) % options.processors
        out.append(replace(item, record=replace(item.record, time=time, cpu=cpu)))
    return options, out


@given(
    story=stories(),
    window_bytes=st.sampled_from([1, 600, 3_000, 4 << 20]),
    threads=st.sampled_from([1, 2, 3]),
)
@settings(max_examples=examples(150))
def test_what_is_written_is_read_back_record_for_record(
    story: tuple[TraceOptions, list[Decoded]], window_bytes: int, threads: int
) -> None:
    options, given_records = story
    trace = EtlWriter(options).write_trace([item.record for item in given_records])
    kept = [given_records[position] for position in trace.kept]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.etl"
        path.write_bytes(trace.data)
        found = read(path, window_bytes=window_bytes, threads=threads)
    assert found.damage == ()
    check_counts(found, kept, options)
    check_bytes(found, kept, trace, options)
    for kind in ("pool", "thread_name"):
        check_table(found, [item for item in kept if item.kind == kind], kind, trace, options)
    check_order(found)


def check_counts(found: Everything, kept: Sequence[Decoded], options: TraceOptions) -> None:
    own = HeaderType.SYSTEM32 if options.pointer_size == 4 else HeaderType.SYSTEM64
    headers = Counter([own.name] * 3 + [item.record.header.name for item in kept])
    hooks = Counter([0, 5, 5] + [r.hook for r in (item.record for item in kept) if r.header in KERNEL64 + KERNEL32])
    provided = [r.provider for r in (item.record for item in kept) if r.header in WITH_PROVIDER]
    assert found.census.by_header == headers or options.ring_buffers  # a ring may lose the second group mask
    assert sum(found.census.by_header.values()) == found.census.total
    missing = sum((hooks - Counter(found.census.kernel_events)).values())
    assert missing == 0 or (options.ring_buffers and missing == 1)
    assert found.census.providers == Counter(provided)


WITH_PROVIDER = {kind for kind in HeaderType if kind.name[:-2] in {"EVENT", "FULL", "INSTANCE"}}


def check_bytes(found: Everything, kept: Sequence[Decoded], trace: WrittenTrace, options: TraceOptions) -> None:
    count = found.bytes
    assert count.skipped == 0
    assert count.headers == 72 * trace.buffers
    assert found.info.buffers == trace.buffers
    assert found.info.compressed_buffers == trace.compressed_buffers
    if not options.compressed:
        assert count.records >= sum(len(pack(item.record)) for item in kept)
        assert count.padding >= options.preallocated


def check_table(found: Everything, want: list[Decoded], kind: str, trace: WrittenTrace, options: TraceOptions) -> None:
    want = sorted(want, key=lambda item: (item.record.time, item.record.cpu))
    table = found.tables.get(kind)
    if table is None:
        assert not want
        return
    records = [item.record for item in want]
    has_ids = [record.header not in PERFINFO for record in records]
    assert table["raw_time"].tolist() == [record.time for record in records]
    assert table["time"].tolist() == [nanoseconds(record.time, options) for record in records]
    assert table["cpu"].tolist() == [record.cpu for record in records]
    pairs = list(zip(records, has_ids, strict=True))
    assert table["thread"].tolist() == [record.thread if known else UNKNOWN_ID for record, known in pairs]
    assert table["process"].tolist() == [record.process if known else UNKNOWN_ID for record, known in pairs]
    assert table["who"].tolist() == [Who.HEADER if known else Who.UNKNOWN for known in has_ids]
    assert table["event"].tolist() == [record.hook for record in records]
    assert set(table["stack"].tolist()) | set(table["user_stack"].tolist()) <= {NO_STACK}
    for name in want[0].fields if want else ():
        assert table[f"field {name}"].tolist() == [item.fields[name] for item in want]
    check_offsets(table["offset"].tolist(), records, trace.data, options)


def check_offsets(offsets: list[int], records: list[Record], data: bytes, options: TraceOptions) -> None:
    starts = set(buffer_offsets(data))
    for offset, record in zip(offsets, records, strict=True):
        raw = pack(record)
        assert data[offset : offset + len(raw)] == raw or (options.compressed and offset in starts)


def check_order(found: Everything) -> None:
    order = np.concatenate([np.zeros(0, np.int64), *(table["order"] for table in found.tables.values())])
    time = np.concatenate([np.zeros(0, np.int64), *(table["time"] for table in found.tables.values())])
    assert len(np.unique(order)) == len(order)
    assert np.all(np.diff(time[np.argsort(order)]) >= 0)
    assert not len(order) or (order.min() >= 0 and order.max() < found.census.total)


def nanoseconds(raw: int, options: TraceOptions) -> int:
    frequency = {
        ClockType.QPC: options.frequency,
        ClockType.SYSTEM_TIME: 10_000_000,
        ClockType.CPU_CYCLES: options.cpu_mhz * 1_000_000,
    }[options.clock]
    return (raw - options.start_ticks) * 1_000_000_000 // frequency


def test_cpus_beyond_256_are_told_apart(tmp_path: Path) -> None:
    payload = kernel_payload(0x0E20, 8, {"tag": 1})
    records = [
        Record(HeaderType.PERFINFO64, 1_000_000 + cpu, payload, cpu=cpu, hook=0x0E20, version=2) for cpu in range(2_000)
    ]
    path = tmp_path / "t.etl"
    path.write_bytes(
        EtlWriter(TraceOptions(buffer_size=512, processors=2_000, session="s", log_file="f")).write(records)
    )
    assert read(path, ["pool"]).tables["pool"]["cpu"].tolist() == list(range(2_000))


def test_a_whole_buffer_of_one_megabyte_is_read(tmp_path: Path) -> None:
    payload = kernel_payload(0x0E20, 8, {"tag": 1})
    count = ((1 << 20) - 72) // 40
    records = [Record(HeaderType.PERFINFO64, 1_000_000, payload, hook=0x0E20, version=2)] * count
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(TraceOptions(buffer_size=1 << 20)).write(records))
    found = read(path, ["pool"])
    assert len(found.tables["pool"]["time"]) == count
    assert found.info.buffers == 2
