"""Files that nobody's session wrote: cut anywhere, flipped anywhere, made to be slow or large."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record, pack
from fixtures.etl.writer import EtlWriter
from tests.tracer.etl.small import pool_record, small_trace, stack_record
from tests.tracer.traces import UNJITTED, Everything, buffer_offsets, examples, kernel_payload, read
from tracer.arrays import I64, U8
from tracer.errors import DamageCode, InputError
from tracer.etl import buffers
from tracer.etl.headers import HeaderType

pytestmark = pytest.mark.unjitted

LEAST, MOST = -(2**63), 2**63 - 1


def try_read(path: Path, kinds: Collection[str] | None = None, **options: int) -> Everything | None:
    """Read everything; the only exception that may come is the typed one, with all its parts."""
    try:
        return read(path, kinds, **options)
    except InputError as error:
        if not all((error.code, error.what, error.where, error.why, error.next)):
            raise AssertionError(f"{error!r} does not say all") from error
        return None


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_at_any_byte_gives_every_record_of_the_buffers_before_the_cut(
    compressed: bool, tmp_path: Path
) -> None:
    whole = small_trace(compressed=compressed, events=4)
    path = tmp_path / "t.etl"
    path.write_bytes(whole)
    starts = buffer_offsets(whole)
    totals = {0: 0}
    for length in [*starts[1:], len(whole)]:
        path.write_bytes(whole[:length])
        totals[length] = read(path, ["pool"]).census.total
    for length in list(telling_cuts(whole))[::STEP]:
        path.write_bytes(whole[:length])
        found = try_read(path, ["pool"])
        before = max(end for end in totals if end <= length)
        assert before == 0 or found is not None
        if found is not None:
            assert found.census.total >= totals[before]
            assert found.damage, "a cut is never silent, not even between two buffers"


def telling_cuts(whole: bytes) -> Iterator[int]:
    """Every length of the file; in a stretch of bytes that are all alike every eighth."""
    return (n for n in range(len(whole)) if n % 8 == 0 or len(set(whole[max(0, n - 8) : n + 8])) > 1)


STEP = 17 if UNJITTED else 1
"""Plain Python tries one cut in so many."""


@given(
    seed=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=12),
    compressed=st.booleans(),
    window_bytes=st.sampled_from([1, 2_000, 4 << 20]),
    threads=st.sampled_from([1, 2, 3]),
)
@settings(max_examples=examples(250))
def test_flipped_bytes_never_raise_anything_but_the_typed_error(
    seed: list[tuple[int, int]],
    compressed: bool,
    window_bytes: int,
    threads: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = bytearray(small_trace(compressed=compressed))
    for position, value in seed:
        data[position % len(data)] ^= value
    path = tmp_path_factory.getbasetemp() / "flipped.etl"
    path.write_bytes(data)
    try_read(path, window_bytes=window_bytes, threads=threads)


@given(
    fields=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 17), st.integers(0, 2**32 - 1)), min_size=1, max_size=4
    ),
    window_bytes=st.sampled_from([1, 4 << 20]),
)
@example(fields=[(0, 10, 65536), (0, 13, 128)], window_bytes=1)  # no buffer is left to number
@settings(max_examples=examples(250))
def test_any_buffer_headers_never_raise_anything_but_the_typed_error(
    fields: list[tuple[int, int, int]], window_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(small_trace(compressed=False))
    starts = buffer_offsets(bytes(data))
    for buffer, word, value in fields:
        struct.pack_into("<I", data, starts[buffer % len(starts)] + 4 * word, value)
    path = tmp_path_factory.getbasetemp() / "headers.etl"
    path.write_bytes(data)
    try_read(path, window_bytes=window_bytes)


@given(
    times=st.lists(st.sampled_from([LEAST, LEAST + 1, -1, 0, 1, 1_000_000, MOST - 1, MOST]) | st.integers(LEAST, MOST),
                   min_size=1, max_size=30),
    window_bytes=st.sampled_from([1, 700, 4 << 20]),
    origin=st.sampled_from([LEAST, 0, 1_000_000, MOST]),
)  # fmt: skip
@settings(max_examples=examples(250))
def test_any_times_are_read_and_stay_in_order_inside_a_batch(
    times: list[int], window_bytes: int, origin: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = TraceOptions(buffer_size=512, processors=3, session="s", log_file="f", flush_ns=0, finalised=False)
    records = [pool_record(time, i % 3) for i, time in enumerate(times)]
    data = bytearray(EtlWriter(options).write(records))
    struct.pack_into("<q", data, 72 + 16, origin)
    path = tmp_path_factory.getbasetemp() / "times.etl"
    path.write_bytes(data)
    found = read(path, ["pool"], window_bytes=window_bytes)
    assert sorted(found.tables["pool"]["raw_time"].tolist()) == sorted(times)
    assert found.codes() <= {DamageCode.TIME_BACKWARD}
    spans = [(time - origin) * 100 for time in times]
    inside = {span for span in spans if abs(span) < MOST - 10**9}
    assert inside <= set(found.tables["pool"]["time"].tolist())
    if len(inside) < len(set(spans)):
        assert any("292 years" in place.what for place in found.damage)
    ordered = window_bytes == 4 << 20
    assert not ordered or found.tables["pool"]["raw_time"].tolist() == sorted(times)


def test_many_buffers_of_one_time_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.etl.reading.MOST_BYTES", 40_000)
    path = tmp_path / "t.etl"
    options = TraceOptions(buffer_size=1_024, session="s", log_file="f", flush_ns=0)
    path.write_bytes(EtlWriter(options).write([pool_record(1_000_000)] * 4_000))
    found = read(path, ["pool"], window_bytes=4_096)
    assert found.batches > 3
    assert len(found.tables["pool"]["time"]) == 4_000


def test_buffers_that_overlap_beyond_all_measure_are_read_out_of_order_and_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.etl.reading.MOST_BYTES", 8_000)
    options = TraceOptions(buffer_size=1_024, processors=64, session="s", log_file="f", flush_ns=0)
    records = [pool_record(1_000_000 + i, i % 64) for i in range(64 * 40)]
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(options).write(records))
    found = read(path, ["pool"], window_bytes=1_024)
    assert len(found.tables["pool"]["time"]) == len(records)
    assert any("overlap" in place.what for place in found.damage)
    monkeypatch.undo()
    again = read(path, ["pool"], window_bytes=1_024)
    assert again.damage == ()
    assert again.tables["pool"]["raw_time"].tolist() == [record.time for record in records]


def test_more_providers_than_two_bytes_can_number_are_counted_each(tmp_path: Path) -> None:
    count = 2_000 if UNJITTED else 70_000
    records = [
        Record(HeaderType.EVENT64, 1_000_000 + i, provider=uuid.UUID(int=i << 64 | 5)) for i in range(1, count + 1)
    ]
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(TraceOptions()).write(records))
    found = read(path, ())
    assert len(found.census.providers) == count
    assert set(found.census.providers.values()) == {1}


@pytest.mark.parametrize("frames", [[], [1] * 5_000])
def test_a_stack_without_frames_or_with_thousands_is_read(frames: list[int], tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    records = [pool_record(1_000_000), stack_record(1_000_000, 1_000_001, frames)]
    path.write_bytes(EtlWriter(TraceOptions()).write(records))
    found = read(path, ["pool"])
    (stack,) = found.tables["pool"]["user_stack"].tolist()
    assert found.stacks.frames(stack).tolist() == frames


@pytest.mark.parametrize("length", [0, 7, 9, 24, 0xFFFF])
@pytest.mark.parametrize("data_size", [0, 16, 0xFFFF])
def test_extended_items_of_impossible_length_leave_the_event_counted(
    length: int, data_size: int, tmp_path: Path
) -> None:
    stack = ExtendedItem(0x06, struct.pack("<2Q", 0, 0xFFFF_8000_0000_0000))
    record = Record(HeaderType.EVENT64, 1_000_000, b"rest", provider=uuid.UUID(int=77), extended=(stack, stack))
    raw = pack(record)
    data = bytearray(EtlWriter(TraceOptions()).write([record, pool_record(1_000_001)]))
    at = bytes(data).index(raw) + 80
    struct.pack_into("<H", data, at, length)
    struct.pack_into("<H", data, at + 6, data_size)
    path = tmp_path / "t.etl"
    path.write_bytes(data)
    found = read(path)
    assert found.census.providers == {uuid.UUID(int=77): 1}
    assert len(found.tables["pool"]["time"]) == 1
    assert found.damage == ()


def test_a_stack_event_with_a_stack_of_its_own_gives_it_to_nobody(tmp_path: Path) -> None:
    class_guid = uuid.UUID("def2fe46-7bd6-4b80-bd94-f57fe20d0ce3")
    item = ExtendedItem(0x06, struct.pack("<2Q", 0, 0xFFFF_8000_0000_0000))
    payload = kernel_payload(0x1820, 8, {"event_time": 1_000_000, "frames": [0xFFFF_8000_0000_0010]})
    stack = Record(HeaderType.EVENT64, 1_000_001, payload, provider=class_guid, id=0x20, extended=(item, item))
    path = tmp_path / "t.etl"
    path.write_bytes(EtlWriter(TraceOptions()).write([pool_record(1_000_000), stack]))
    found = read(path, ["pool"])
    (joined,) = found.tables["pool"]["stack"].tolist()
    assert found.stacks.frames(joined).tolist() == [0xFFFF_8000_0000_0010]
    assert len(found.stacks) == 1


def test_many_broken_buffers_are_searched_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = TraceOptions(buffer_size=512, session="s", log_file="f", flush_ns=0)
    data = bytearray(EtlWriter(options).write([pool_record(1_000_000 + i) for i in range(2_000)]))
    starts = buffer_offsets(bytes(data))
    for start in starts[1::2]:
        struct.pack_into("<I", data, start, 0)
    looks: list[int] = []
    real = buffers.candidates

    def counted(chunk: U8, logger_id: int) -> I64:
        looks.append(len(chunk))
        return real(chunk, logger_id)

    monkeypatch.setattr(buffers, "candidates", counted)
    path = tmp_path / "t.etl"
    path.write_bytes(data)
    found = read(path, ["pool"])
    assert len(found.damage) == len(starts[1::2])
    assert sum(looks) <= len(data)


@pytest.mark.parametrize(("window_bytes", "threads"), [(1, 1), (4 << 20, 1), (4 << 20, 3)])
def test_a_few_bytes_that_unpack_to_very_many_are_left_out_from_some_number_of_them_on(
    window_bytes: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.etl.loading._MOST_BEYOND", 5 << 20)
    whole = small_trace(compressed=True)
    first = buffer_offsets(whole)[1]
    header = bytearray(whole[first : first + 72])
    literal_and_match = b"\xff\xff\xff\x7f\0\x07\0\x0f\xff\0\0" + struct.pack("<I", (1 << 20) - 72 - 4)
    struct.pack_into("<2I", header, 0, 72 + len(literal_and_match), 1 << 20)
    path = tmp_path / "t.etl"
    path.write_bytes(whole + (bytes(header) + literal_and_match) * 8)
    found = read(path, ["pool"], window_bytes=window_bytes, threads=threads)
    told = [place.code for place in found.damage if "256 times its size" in place.what]
    assert told == [DamageCode.COMPRESSION_CORRUPT] * 3
    assert len(found.tables["pool"]["time"]) == 40
