"""Places that cannot be read are listed with offset and size, and the rest is read on."""

from __future__ import annotations

import random
import struct
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from tests.tracer.traces import Everything, buffer_offsets, kernel_payload, read
from tracer.errors import Damage, DamageCode
from tracer.etl.families import HEADER_SIZE
from tracer.etl.file import EtlFile
from tracer.etl.headers import HeaderType
from tracer.events.pool import MOST_ALLOCATED, MOST_BYTES

pytestmark = pytest.mark.unjitted

SIZE = 1_024
PER_BUFFER = (SIZE - 72) // 40
"""Pool records of 16 + 24 bytes in one buffer."""


def pool_records(count: int, *, cpus: int = 1) -> list[Record]:
    payload = kernel_payload(0x0E20, 8, {"tag": 0x20676154, "bytes": 64})
    return [
        Record(HeaderType.PERFINFO64, 1_000_000 + 10 * i, payload, cpu=i % cpus, hook=0x0E20, version=2)
        for i in range(count)
    ]


def trace_bytes(buffers: int = 6, **options: object) -> bytearray:
    """A trace of so many full buffers behind its header buffer."""
    made = TraceOptions(buffer_size=SIZE, session="s", log_file="f", flush_ns=0, **options)  # type: ignore[arg-type]
    return bytearray(EtlWriter(made).write(pool_records(buffers * PER_BUFFER)))


def read_bytes(data: bytes, folder: Path, **options: int) -> Everything:
    path = folder / "t.etl"
    path.write_bytes(data)
    return read(path, ["pool"], **options)


def pools(found: Everything) -> int:
    return len(found.tables["pool"]["time"]) if "pool" in found.tables else 0


def only(found: Everything) -> Damage:
    (place,) = found.damage
    assert place.what
    return place


def put(data: bytearray, at: int, form: str, value: int) -> bytearray:
    struct.pack_into(form, data, at, value)
    return data


def test_a_whole_trace_has_no_damage(tmp_path: Path) -> None:
    found = read_bytes(bytes(trace_bytes()), tmp_path)
    assert found.damage == ()
    assert pools(found) == 6 * PER_BUFFER


@pytest.mark.parametrize("stride", [0, 1, 71, 0xFFFFFFFF, (16 << 20) + 8])
def test_a_later_buffer_of_an_impossible_size_is_stepped_over(stride: int, tmp_path: Path) -> None:
    data = trace_bytes()
    place = only(found := read_bytes(bytes(put(data, 3 * SIZE, "<I", stride)), tmp_path))
    assert (place.offset, place.code, place.bytes_skipped) == (3 * SIZE, DamageCode.BUFFER_SIZE, SIZE)
    assert f"{stride:,}" in place.what
    assert pools(found) == 5 * PER_BUFFER
    assert found.bytes.skipped == SIZE
    assert [gap.reason for gap in found.loss.gaps] == ["sequence-gap:1"]


def test_a_buffer_header_of_nonsense_is_stepped_over(tmp_path: Path) -> None:
    data = trace_bytes()
    data[2 * SIZE : 2 * SIZE + 72] = b"\xa5" * 72
    place = only(found := read_bytes(bytes(data), tmp_path))
    assert (place.offset, place.bytes_skipped) == (2 * SIZE, SIZE)
    assert pools(found) == 5 * PER_BUFFER


def test_a_file_of_garbage_behind_its_first_buffers_is_counted_as_skipped(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(3 << 20)
    place = only(found := read_bytes(bytes(trace_bytes(2)) + noise, tmp_path))
    assert place.bytes_skipped == len(noise)
    assert pools(found) == 2 * PER_BUFFER


def test_zeros_between_buffers_are_skipped_and_zeros_at_the_end_are_padding(tmp_path: Path) -> None:
    data = trace_bytes()
    data[3 * SIZE : 5 * SIZE] = bytes(2 * SIZE)
    place = only(found := read_bytes(bytes(data) + bytes(5_000), tmp_path))
    assert (place.offset, place.bytes_skipped) == (3 * SIZE, 2 * SIZE)
    assert found.bytes.padding >= 5_000
    assert pools(found) == 4 * PER_BUFFER


RECORD = 2 * SIZE + 72 + 3 * 40
"""The fourth record of the second buffer of records."""


@pytest.mark.parametrize(
    ("at", "form", "value", "code"),
    [
        (4, "<H", 0, DamageCode.RECORD_SIZE),
        (4, "<H", 15, DamageCode.RECORD_SIZE),
        (2, "B", 0x77, DamageCode.RECORD_TYPE),
        (3, "B", 0x11, DamageCode.RECORD_TYPE),
        (0, "<I", 0, DamageCode.RECORD_SIZE),
        (4, "<H", 0xFFFF, DamageCode.RECORD_CUT),
    ],
)
def test_a_broken_record_ends_its_buffer_and_is_found_at_its_offset(
    at: int, form: str, value: int, code: DamageCode, tmp_path: Path
) -> None:
    place = only(found := read_bytes(bytes(put(trace_bytes(), RECORD + at, form, value)), tmp_path))
    assert (place.offset, place.code) == (RECORD, code)
    assert place.bytes_skipped == (PER_BUFFER - 3) * 40 == found.bytes.skipped
    assert pools(found) == 5 * PER_BUFFER + 3


@pytest.mark.parametrize("window_bytes", [1, 1_500, 1 << 20])
def test_a_broken_record_is_found_at_its_offset_in_every_window(window_bytes: int, tmp_path: Path) -> None:
    place = only(read_bytes(bytes(put(trace_bytes(), RECORD + 4, "<H", 0)), tmp_path, window_bytes=window_bytes))
    assert place.offset == RECORD


def test_a_broken_record_of_a_compressed_buffer_has_the_buffers_offset(tmp_path: Path) -> None:
    options = TraceOptions(buffer_size=SIZE, session="s", log_file="f", flush_ns=0, compressed=True)
    bad = Record(HeaderType.ERROR, 0, b"\0" * 8)
    records = pool_records(PER_BUFFER * 2)
    records[PER_BUFFER + 2] = bad
    data = EtlWriter(options).write(records)
    start = buffer_offsets(data)[2]
    found = read_bytes(data, tmp_path)
    assert found.damage == ()
    broken = data.replace(b"\x0c\x00\x0d\xc0", b"\x0c\x00\x77\xc0", 1)
    assert broken != data  # the compressor stored these four bytes as literals
    assert {place.offset for place in read_bytes(broken, tmp_path).damage} == {start}


def test_a_valid_length_beyond_the_buffer_is_cut_to_it(tmp_path: Path) -> None:
    data = put(trace_bytes(end_markers=False), 2 * SIZE + 4, "<I", 5_000)
    found = read_bytes(bytes(data), tmp_path)
    assert DamageCode.BUFFER_LENGTH in found.codes()
    assert pools(found) == 6 * PER_BUFFER


def test_a_buffer_that_does_not_say_how_much_is_valid_is_read_up_to_its_end_marker(tmp_path: Path) -> None:
    data = put(put(trace_bytes(), 2 * SIZE + 4, "<I", 0), 2 * SIZE + 0x30, "<I", 0)
    found = read_bytes(bytes(data), tmp_path)
    assert pools(found) == 6 * PER_BUFFER
    assert found.codes() == {DamageCode.BUFFER_LENGTH}


def test_a_header_buffer_that_does_not_say_how_much_is_valid_is_normal(tmp_path: Path) -> None:
    found = read_bytes(bytes(put(put(trace_bytes(), 4, "<I", 0), 0x30, "<I", 0)), tmp_path)
    assert found.damage == ()
    assert found.census.kernel_events[0] == 1


def test_the_last_buffer_cut_short_is_read_up_to_the_cut(tmp_path: Path) -> None:
    data = bytes(trace_bytes())[: 6 * SIZE + 72 + 5 * 40 + 11]
    place = only(found := read_bytes(data, tmp_path))
    assert (place.offset, place.code, place.bytes_skipped) == (6 * SIZE, DamageCode.BUFFER_CUT, 11)
    assert pools(found) == 5 * PER_BUFFER + 5


def test_a_tail_shorter_than_a_buffer_header_is_damage(tmp_path: Path) -> None:
    place = only(read_bytes(bytes(trace_bytes()) + b"\x01" * 40, tmp_path))
    assert (place.code, place.bytes_skipped) == (DamageCode.FILE_TAIL, 40)


@pytest.mark.parametrize("left", [0, 64])
def test_a_file_cut_between_buffers_or_inside_a_header_says_how_many_buffers_are_missing(
    tmp_path: Path, left: int
) -> None:
    whole = bytes(trace_bytes())
    buffers = len(whole) // SIZE
    found = read_bytes(whole[: (buffers - 2) * SIZE + left], tmp_path)
    said = [place.what for place in found.damage if place.code is DamageCode.BUFFERS_MISSING]
    assert said == [f"2 of the {buffers} buffers that the session wrote are missing: the file was cut"]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_shrinks_while_it_is_read_is_read_up_to_its_new_end(
    compressed: bool, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.etl.reading._HELPED_BYTES", 0)
    path = tmp_path / "t.etl"
    data = bytes(trace_bytes(compressed=compressed))
    path.write_bytes(data)
    with EtlFile.open(path, threads=threads) as trace:
        assert len(trace.index.buffers) == 7
        path.write_bytes(data[: buffer_offsets(data)[4] + 100])
        trace.scan()
        damage, count = trace.damage, trace.bytes
    assert [place.code for place in damage] == [DamageCode.FILE_CHANGED, *[DamageCode.FILE_SHRANK] * 3]
    assert count.headers + count.records + count.padding + count.skipped == len(data)
    assert trace.census.kernel_events[0x0E20] >= 3 * PER_BUFFER


@pytest.mark.parametrize("change", [-500, -40, 40, 900, 1 << 20])
def test_a_compressed_buffer_that_lies_about_its_size_gives_what_it_holds(change: int, tmp_path: Path) -> None:
    data = trace_bytes(compressed=True)
    at = buffer_offsets(bytes(data))[3]
    saved = struct.unpack_from("<I", data, at + 4)[0]
    put(data, at + 4, "<I", saved + change)
    found = read_bytes(bytes(data), tmp_path)
    assert DamageCode.COMPRESSION_CORRUPT in found.codes()
    assert {place.offset for place in found.damage} == {at}
    kept = PER_BUFFER if change > 0 else (saved + change - 72) // 40
    assert pools(found) == 5 * PER_BUFFER + kept


def test_corrupt_compressed_data_is_damage_of_its_buffer_alone(tmp_path: Path) -> None:
    data = trace_bytes(compressed=True)
    at = buffer_offsets(bytes(data))[3]
    data[at + 72 : at + 76] = b"\xff" * 4  # all flags say: match, before anything was written
    place = only(found := read_bytes(bytes(data), tmp_path))
    assert (place.offset, place.code) == (at, DamageCode.COMPRESSION_CORRUPT)
    assert "before its start" in place.what
    assert pools(found) == 5 * PER_BUFFER


@pytest.mark.parametrize(("form", "name"), [(2, "LZNT1"), (4, "XPRESS-HUFFMAN")])
def test_a_compression_that_is_not_read_is_named(form: int, name: str, tmp_path: Path) -> None:
    data = put(trace_bytes(compressed=True), 0x2C, "<I", form)
    found = read_bytes(bytes(data), tmp_path)
    assert found.codes() == {DamageCode.COMPRESSION_UNSUPPORTED}
    assert len(found.damage) == 6
    assert all(name in place.what for place in found.damage)
    assert found.census.kernel_events[0] == 1


def test_time_that_goes_backward_inside_a_buffer_is_counted(tmp_path: Path) -> None:
    data = put(trace_bytes(), RECORD + 8, "<q", 5)
    place = only(found := read_bytes(bytes(data), tmp_path))
    assert place.code is DamageCode.TIME_BACKWARD
    assert place.bytes_skipped == 0
    assert pools(found) == 6 * PER_BUFFER


def test_a_record_that_ends_inside_a_field_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    payload = kernel_payload(0x0E20, 8, {"tag": 7, "bytes": 64, "entry": 9})[:18]
    path.write_bytes(EtlWriter(TraceOptions()).write([Record(HeaderType.PERFINFO64, 1_000_000, payload, hook=0x0E20)]))
    found = read(path, ["pool"])
    assert only(found).code is DamageCode.PAYLOAD_SHORT
    assert found.tables["pool"]["field bytes"].tolist() == [64]
    assert found.tables["pool"]["field entry"].tolist() == [0]


def test_a_size_that_no_pool_has_is_damage_at_its_record_and_counts_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    sizes = [MOST_BYTES, 64, MOST_BYTES + 1, 1 << 63]
    payloads = [kernel_payload(0x0E20, 8, {"bytes": size, "entry": 16 * at}) for at, size in enumerate(sizes, 1)]
    payloads.append(kernel_payload(0x0E20, 8, {"bytes": 1 << 63}))  # it failed, and may have asked for any size
    records = [Record(HeaderType.PERFINFO64, 1_000_000 + at, each, hook=0x0E20) for at, each in enumerate(payloads)]
    data = EtlWriter(TraceOptions()).write(records)
    path.write_bytes(data)
    place = only(found := read(path, ["pool"]))
    assert (place.code, place.bytes_skipped) == (DamageCode.PAYLOAD_IMPOSSIBLE, 0)
    assert place.offset == data.index(payloads[2]) - 16
    assert place.what.startswith("2 pool events")
    assert found.tables["pool"]["field bytes"].tolist() == [MOST_BYTES, 64, 0, 0, 1 << 63]


def test_sizes_that_no_sum_holds_are_damage_and_frees_and_failures_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    most = MOST_ALLOCATED // MOST_BYTES
    uncounted = [(0x0E22, {"bytes": 1 << 63, "entry": 16}), (0x0E20, {"bytes": 1 << 63})]
    made = [(0x0E20, {"bytes": MOST_BYTES, "entry": 16 * at}) for at in range(1, most + 1)]
    last = [(0x0E20, {"bytes": size, "entry": 8}) for size in (1 << 20, 0)]
    records = [
        Record(HeaderType.PERFINFO64, 1_000_000 + at, kernel_payload(hook, 8, values), hook=hook)
        for at, (hook, values) in enumerate((*uncounted, *made, *last))
    ]
    for window_bytes in (50_000, 1 << 22):
        path.write_bytes(EtlWriter(TraceOptions()).write(records))
        place = only(found := read(path, ["pool"], window_bytes=window_bytes))
        assert (place.code, place.what[:15]) == (DamageCode.PAYLOAD_IMPOSSIBLE, "1 pool events, ")
        assert found.tables["pool"]["field bytes"].tolist()[-4:] == [MOST_BYTES, MOST_BYTES, 0, 0]
        assert found.tables["pool"]["field bytes"].tolist()[:2] == [1 << 63, 1 << 63]


def test_a_pool_event_without_an_address_is_cut_short_and_one_without_a_session_is_not(tmp_path: Path) -> None:
    path = tmp_path / "t.etl"
    whole = kernel_payload(0x0E21, 8, {"tag": 7, "bytes": 64, "entry": 9})[:24]
    for payload, codes in ((whole, set()), (whole[:16], {DamageCode.PAYLOAD_SHORT}), (b"", {DamageCode.PAYLOAD_SHORT})):
        record = Record(HeaderType.PERFINFO64, 1_000_000, payload, hook=0x0E21)
        path.write_bytes(EtlWriter(TraceOptions()).write([record]))
        assert read(path, ["pool"]).codes() == codes


POOL = Record(HeaderType.PERFINFO64, 0, kernel_payload(0x0E20, 8, {"tag": 7, "bytes": 64, "entry": 9}), hook=0x0E20)
POOL_32 = Record(HeaderType.PERFINFO32, 0, kernel_payload(0x0E20, 4, {"tag": 7, "bytes": 64, "entry": 9}), hook=0x0E20)
SWITCH = Record(HeaderType.COMPACT64, 0, bytes(24), hook=0x0524)
MANIFEST = Record(HeaderType.EVENT64, 0, bytes(24), provider=uuid.UUID(int=5), id=3)
CLASSIC = Record(HeaderType.FULL64, 0, bytes(24), provider=uuid.UUID(int=6), opcode=3)
MESSAGE = Record(HeaderType.MESSAGE, 0, bytes(24), id=3)
STACK = Record(HeaderType.PERFINFO64, 0, struct.pack("<qII2Q", 1_000_000, 4, 8, (1 << 64) - 16, 16), hook=0x1820)
KEY = Record(HeaderType.PERFINFO64, 0, struct.pack("<qIIQ", 1_000_000, 4, 8, 0x5000), hook=0x1821)
FRAMES = Record(HeaderType.PERFINFO64, 0, struct.pack("<2Q", 0x5000, (1 << 64) - 16), hook=0x1824)
BY_SIZE_AT_4 = {HeaderType.PERFINFO64, HeaderType.PERFINFO32, HeaderType.COMPACT64}


def swallowing(first: Record, behind: Sequence[Record], *, taken: int, later: int = 10) -> tuple[bytes, int, int]:
    """A trace in which a record says a length that takes in so many of those behind it; its offset, and their bytes.

    ``later``: ticks between two records.
    """
    records = [replace(each, time=1_000_000 + later * at) for at, each in enumerate((first, *behind))]
    data = bytearray(EtlWriter(TraceOptions()).write(records))
    begin = data.index(first.payload or b"none") - HEADER_SIZE[first.header]
    sizes = [int(HEADER_SIZE[each.header]) + len(each.payload) + 7 & ~7 for each in records[: taken + 1]]
    put(data, begin + (4 if first.header in BY_SIZE_AT_4 else 0), "<H", sum(sizes))
    return bytes(data), begin, sum(sizes[1:])


@pytest.mark.parametrize("taken", [1, 2, 3])
@pytest.mark.parametrize("behind", [POOL, POOL_32, SWITCH, MANIFEST, CLASSIC])
@pytest.mark.parametrize("first", [POOL, POOL_32, MANIFEST, CLASSIC, STACK, KEY, FRAMES])
def test_a_record_that_takes_in_those_behind_it_is_damage(
    first: Record, behind: Record, taken: int, tmp_path: Path
) -> None:
    first = replace(first, payload=first.payload[:-4] + b"last")
    data, offset, inside = swallowing(first, [behind, MESSAGE, behind, POOL], taken=taken)
    place = only(found := read_bytes(data, tmp_path))
    assert (place.code, place.offset, place.bytes_skipped) == (DamageCode.PAYLOAD_LONG, offset, inside)
    assert found.bytes.skipped == inside
    assert found.tables["pool"]["time"][-1] == found.tables["pool"]["time"].max()


def test_what_only_looks_like_records_is_none(tmp_path: Path) -> None:
    earlier, *_ = swallowing(replace(POOL, payload=POOL.payload + b"last"), [SWITCH], taken=1, later=-10)
    assert DamageCode.PAYLOAD_LONG not in read_bytes(earlier, tmp_path).codes()
    whole = bytearray(swallowing(replace(STACK, payload=STACK.payload[:-4] + b"last"), [POOL, POOL], taken=2)[0])
    inner = whole.rindex(struct.pack("<HBBHH", 0, 0x11, 0xC0, 40, 0x0E20))
    assert DamageCode.PAYLOAD_LONG in read_bytes(bytes(whole), tmp_path).codes()
    assert DamageCode.PAYLOAD_LONG not in read_bytes(bytes(put(whole, inner + 4, "<H", 48)), tmp_path).codes()
