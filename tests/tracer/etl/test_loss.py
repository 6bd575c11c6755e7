"""What a session lost: its own counters, and where in time the file shows it."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.tracer.traces import Everything, buffer_offsets, read, write
from tracer.etl.headers import HeaderType, LogFileMode

SIZE = 1_024
PER_BUFFER = (SIZE - 72) // 40
NS = 100
"""Nanoseconds of a tick of the default clock."""


def records(count: int, *, cpus: int = 1, lost: frozenset[int] = frozenset()) -> list[Record]:
    return [
        Record(HeaderType.PERFINFO64, 1_000_000 + i, bytes(24), cpu=i % cpus, hook=0x0E20, version=2, lost=i in lost)
        for i in range(count)
    ]


def trace(folder: Path, given: list[Record], **options: Any) -> Everything:
    path = folder / "t.etl"
    write(path, given, TraceOptions(buffer_size=SIZE, session="s", log_file="f", flush_ns=0, **options))
    return read(path, {"pool"})


def test_a_trace_that_lost_nothing_has_no_gap(tmp_path: Path) -> None:
    loss = trace(tmp_path, records(500, cpus=3), processors=3, swapped=True).loss
    assert (loss.events_lost, loss.buffers_lost, loss.gaps) == (0, 0, ())


def test_the_headers_counters_are_told(tmp_path: Path) -> None:
    loss = trace(tmp_path, records(5), events_lost=7, buffers_lost=3).loss
    assert (loss.events_lost, loss.buffers_lost) == (7, 3)


def test_lost_events_are_a_gap_of_their_cpu_between_the_buffers_around(tmp_path: Path) -> None:
    given = records(10 * PER_BUFFER, cpus=2, lost=frozenset({4 * PER_BUFFER + 1}))
    loss = trace(tmp_path, given, processors=2).loss
    (gap,) = loss.gaps
    assert (loss.events_lost, gap.cpu, gap.reason) == (1, 1, "events-lost")
    assert gap.from_ns <= (4 * PER_BUFFER + 1) * NS <= gap.to_ns
    assert gap.to_ns - gap.from_ns < 6 * PER_BUFFER * NS


def test_events_lost_in_a_cpus_last_buffer_are_a_gap_up_to_the_end(tmp_path: Path) -> None:
    (gap,) = trace(tmp_path, records(3 * PER_BUFFER, lost=frozenset({3 * PER_BUFFER - 2}))).loss.gaps
    assert gap.to_ns == (3 * PER_BUFFER - 1) * NS


def test_a_buffer_that_never_reached_the_file_is_a_hole_and_a_flag(tmp_path: Path) -> None:
    loss = trace(tmp_path, records(8 * PER_BUFFER), dropped=frozenset({4})).loss
    assert loss.buffers_lost == 1
    flagged, hole = sorted(loss.gaps, key=lambda gap: gap.reason)
    assert (flagged.reason, flagged.cpu) == ("buffer-lost", 0)
    assert (hole.reason, hole.cpu, hole.buffers) == ("sequence-gap:1", -1, 1)
    assert flagged.buffers == 0
    assert (hole.from_ns, hole.to_ns) == (2 * PER_BUFFER * NS, 4 * PER_BUFFER * NS)


@pytest.mark.parametrize("mode", [LogFileMode.CIRCULAR, LogFileMode.BUFFERING])
def test_the_front_of_a_wrapped_file_is_no_gap(mode: LogFileMode, tmp_path: Path) -> None:
    found = trace(tmp_path, records(20 * PER_BUFFER), mode=mode, ring_buffers=6)
    assert found.info.buffers == 7
    assert found.loss.gaps == ()


def test_a_hole_inside_a_wrapped_file_is_a_gap(tmp_path: Path) -> None:
    found = trace(
        tmp_path, records(20 * PER_BUFFER), mode=LogFileMode.CIRCULAR, ring_buffers=6, dropped=frozenset({18})
    )
    assert "sequence-gap:1" in [gap.reason for gap in found.loss.gaps]


def test_gaps_come_in_time_order(tmp_path: Path) -> None:
    gaps = trace(tmp_path, records(30 * PER_BUFFER), dropped=frozenset({5, 11, 12, 20})).loss.gaps
    assert [gap.from_ns for gap in gaps] == sorted(gap.from_ns for gap in gaps)
    assert sorted(gap.reason for gap in gaps).count("sequence-gap:2") == 1


def uneven(count: int, *, every: int) -> list[Record]:
    """CPU 0 logs all the time, CPU 1 only now and then: its buffer reaches far back."""
    return [replace(record, cpu=int(i % every == 0)) for i, record in enumerate(records(count))]


def test_what_was_not_overwritten_is_complete_from_the_start(tmp_path: Path) -> None:
    assert trace(tmp_path, records(20 * PER_BUFFER)).loss.complete_from_ns == 0
    unwrapped = trace(tmp_path, records(3 * PER_BUFFER), mode=LogFileMode.CIRCULAR, ring_buffers=6)
    assert unwrapped.loss.complete_from_ns == 0


def test_an_overwritten_file_is_complete_from_where_the_oldest_buffer_of_every_cpu_has_begun(tmp_path: Path) -> None:
    given = uneven(20 * PER_BUFFER, every=PER_BUFFER)
    found = trace(tmp_path, given, mode=LogFileMode.CIRCULAR, ring_buffers=6, processors=2)
    begins = [int(found.tables["pool"]["time"][found.tables["pool"]["cpu"] == cpu].min()) for cpu in (0, 1)]
    assert begins[1] < begins[0]
    assert found.loss.complete_from_ns == begins[0]


def test_a_cpu_that_logged_nothing_takes_nothing_from_the_others(tmp_path: Path) -> None:
    found = trace(tmp_path, records(20 * PER_BUFFER), mode=LogFileMode.CIRCULAR, ring_buffers=6, processors=4)
    assert found.loss.complete_from_ns == 14 * PER_BUFFER * NS


def test_where_the_last_buffers_of_some_cpus_are_overwritten_nothing_is_complete(tmp_path: Path) -> None:
    given = records(8 * 4 * PER_BUFFER, cpus=8)
    found = trace(tmp_path, given, mode=LogFileMode.CIRCULAR, ring_buffers=4, processors=8)
    assert found.loss.complete_from_ns == (len(given) - 1) * NS


def renumbered(data: bytes, change: dict[int, int], *, mode: int | None = None) -> bytes:
    """The file with other sequence numbers of data buffers, and another mode."""
    out = bytearray(data)
    for at in buffer_offsets(data)[1:]:
        (number,) = struct.unpack_from("<q", data, at + 0x18)
        struct.pack_into("<q", out, at + 0x18, change.get(number, number))
    if mode is not None:
        struct.pack_into("<I", out, 72 + 32 + 0x20, mode)
    return bytes(out)


def changed(folder: Path, count: int, change: dict[int, int], *, mode: int | None = None, **options: Any) -> Everything:
    path = folder / "changed.etl"
    data = write(path, records(count), TraceOptions(buffer_size=SIZE, session="s", log_file="f", flush_ns=0, **options))
    path.write_bytes(renumbered(data, change, mode=mode))
    return read(path, {"pool"})


def later(first: int, by: int) -> dict[int, int]:
    return {number: number + by for number in range(first, 100)}


def test_a_number_that_no_buffer_had_is_no_loss_where_the_header_accounts_for_all(tmp_path: Path) -> None:
    found = changed(tmp_path, 8 * PER_BUFFER, later(3, 1) | later(6, 3))
    assert (found.loss.gaps, found.damage, found.info.continues) == ((), (), False)


def test_the_first_number_may_be_unused_too(tmp_path: Path) -> None:
    found = changed(tmp_path, 8 * PER_BUFFER, later(1, 1))
    assert (found.loss.gaps, found.info.continues) == ((), False)


@pytest.mark.parametrize("told", [{"events_lost": 1}, {"buffers_lost": 1}, {"finalised": False}])
def test_an_unused_number_is_a_gap_where_anything_tells_of_loss_or_nobody_counted(
    told: dict[str, Any], tmp_path: Path
) -> None:
    found = changed(tmp_path, 8 * PER_BUFFER, later(3, 1), **told)
    assert [gap.reason for gap in found.loss.gaps if gap.reason != "events-lost"] == ["sequence-gap:1"]


def test_more_holes_than_numbers_went_unused_are_gaps(tmp_path: Path) -> None:
    """The header counts a buffer that is not in the file: one of the two numbers that are missing was used."""
    path = tmp_path / "cut.etl"
    data = write(path, records(8 * PER_BUFFER), TraceOptions(buffer_size=SIZE, flush_ns=0))
    whole = renumbered(data, later(3, 1))
    offsets = buffer_offsets(whole)
    path.write_bytes(whole[: offsets[6]] + whole[offsets[7] :])
    assert sum(gap.buffers for gap in read(path, {"pool"}).loss.gaps) == 2


@pytest.mark.parametrize(
    ("by", "mode", "continues"),
    [
        (907, LogFileMode.NEWFILE, True),
        (2, LogFileMode.NEWFILE, True),
        (1, LogFileMode.NEWFILE, False),
        (907, None, True),
        (17, None, True),
        (16, None, False),
    ],
)
def test_a_file_that_continues_another_has_no_gap_before_its_first_buffer(
    by: int, mode: LogFileMode | None, continues: bool, tmp_path: Path
) -> None:
    found = changed(tmp_path, 8 * PER_BUFFER, later(1, by), mode=mode)
    assert (found.info.continues, found.loss.gaps, found.damage) == (continues, (), ())


def test_a_hole_behind_the_first_buffer_of_a_file_that_continues_another_is_still_a_gap(tmp_path: Path) -> None:
    found = changed(tmp_path, 8 * PER_BUFFER, later(1, 907) | later(4, 908), mode=LogFileMode.NEWFILE, buffers_lost=1)
    assert found.info.continues
    assert [gap.reason for gap in found.loss.gaps] == ["sequence-gap:1"]


def test_a_file_that_continues_another_may_count_the_buffers_of_both(tmp_path: Path) -> None:
    path = tmp_path / "sum.etl"
    data = bytearray(write(path, records(8 * PER_BUFFER), TraceOptions(buffer_size=SIZE, flush_ns=0)))
    struct.pack_into("<I", data, 72 + 32 + 0x24, 20 + len(buffer_offsets(bytes(data))))
    path.write_bytes(renumbered(bytes(data), later(1, 20), mode=LogFileMode.NEWFILE))
    found = read(path, {"pool"})
    assert (found.damage, found.loss.gaps, found.info.continues) == ((), (), True)


def test_a_wrapped_file_continues_none(tmp_path: Path) -> None:
    found = trace(tmp_path, records(40 * PER_BUFFER), mode=LogFileMode.CIRCULAR, ring_buffers=6)
    assert not found.info.continues


def test_what_only_a_counter_tells_lies_anywhere_in_the_file(tmp_path: Path) -> None:
    gaps = trace(tmp_path, records(5), events_lost=7, buffers_lost=3).loss.gaps
    assert [(gap.from_ns, gap.to_ns, gap.cpu) for gap in gaps] == [(0, 4 * NS, -1)] * 2
    assert sorted(gap.reason for gap in gaps) == ["buffer-lost", "events-lost"]


@pytest.mark.parametrize("number", [2, 7, 12, 17])
@pytest.mark.parametrize("every", [4, 4 * PER_BUFFER])
def test_the_hole_of_a_missing_buffer_holds_its_events_however_slowly_its_cpu_filled_it(
    every: int, number: int, tmp_path: Path
) -> None:
    given = uneven(20 * PER_BUFFER, every=every)
    whole, found = (trace(tmp_path, given, processors=2, dropped=frozenset(gone)) for gone in ((), (number,)))
    missing = set(whole.tables["pool"]["time"].tolist()) - set(found.tables["pool"]["time"].tolist())
    (hole,) = [gap for gap in found.loss.gaps if gap.reason == "sequence-gap:1"]
    assert missing
    assert hole.from_ns <= min(missing)
    assert max(missing) <= hole.to_ns


def test_the_front_that_was_overwritten_has_its_end_on_each_cpu(tmp_path: Path) -> None:
    found = trace(
        tmp_path, uneven(20 * PER_BUFFER, every=4), processors=2, mode=LogFileMode.CIRCULAR, ring_buffers=6
    ).loss
    ends = {gap.cpu: gap.to_ns for gap in found.overwritten}
    assert {gap.reason for gap in found.overwritten} == {"overwritten"}
    assert set(ends) == {0, 1}
    assert found.complete_from_ns == max(ends.values())
