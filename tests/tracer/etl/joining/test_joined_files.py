"""Files that belong together are read as the one trace that they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.rolling import rolled
from fixtures.etl.writer import EtlWriter
from fixtures.settings import StackMode
from tests.tracer.etl.joining.recordings import (
    BEGAN,
    SECOND,
    SMALL,
    START,
    alone,
    conclusions,
    files,
    joined,
    pool_records,
    simulated,
    written,
)
from tracer.columns import EventTable
from tracer.errors import DamageCode
from tracer.etl.joining.belonging import groups_of
from tracer.etl.joining.source import JoinedFiles
from tracer.events import afd, pool, tcpip
from tracer.trace import Gap

MANY = range(0, 100_000, 100)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("stacks", list(StackMode))
@pytest.mark.parametrize("scenario", ["winsock-loop", "missing-free", "churn"])
def test_the_parts_of_a_session_say_what_its_one_file_says(
    tmp_path: Path, scenario: str, stacks: StackMode, *, compressed: bool
) -> None:
    simulation = simulated(scenario, stacks=stacks, compressed=compressed)
    whole = tmp_path / "whole.etl"
    whole.write_bytes(simulation.data)
    (group,) = groups_of(files(tmp_path, rolled(simulation.data, (0.25, 0.5, 0.8)))[::-1])
    one, parts = alone(whole), joined(group)
    assert parts.pool.totals == one.pool.totals
    assert conclusions(parts) == conclusions(one)
    assert bool(conclusions(one)) == (scenario != "churn")
    assert (parts.loss, parts.damage) == (one.loss, ())


def test_what_is_freed_in_another_file_is_no_leak(tmp_path: Path) -> None:
    times = range(0, 5 * SECOND, SECOND // 80)
    freed = pool_records([5 * SECOND + at for at in times], hook=pool.FREE)
    data = EtlWriter(TraceOptions(session="s", log_file="f", buffer_size=SMALL)).write([*pool_records(times), *freed])
    first, second = files(tmp_path, rolled(data, (0.5,)))
    assert [finding.verdict for finding in alone(first).diagnosis.findings] == ["growth"]
    (group,) = groups_of([second, first])
    assert joined(group).diagnosis.findings == ()
    assert joined(group).pool.totals.outstanding_count == 0


def test_a_kernel_session_and_a_sockets_session_are_as_good_as_one_of_both(tmp_path: Path) -> None:
    simulation = simulated("winsock-loop")
    options = {"start_ticks": simulation.records[0].time, "processors": 4, "buffer_size": SMALL}
    is_socket = [record.provider in {afd.PROVIDER, tcpip.PROVIDER} for record in simulation.records]
    kernel = [record for record, other in zip(simulation.records, is_socket, strict=True) if not other]
    sockets = [record for record, other in zip(simulation.records, is_socket, strict=True) if other]
    assert sockets
    both = [
        written(tmp_path / "kernel.etl", kernel, session="kernel", **options),
        written(tmp_path / "sockets.etl", sockets, session="sockets", **options),
    ]
    whole = written(tmp_path / "whole.etl", simulation.records, session="kernel", **options)
    (group,) = groups_of(both)
    parts, one, kernel_alone = joined(group), alone(whole), alone(both[0])
    assert conclusions(parts) == conclusions(one)
    endpoints = [each.diagnosis.held_requests.endpoint.tolist() for each in (parts, one, kernel_alone)]
    assert endpoints[0] == endpoints[1]
    assert (all(endpoints[0]), any(endpoints[2])) == (True, False)


@pytest.mark.parametrize("apart", [0, 3])
def test_pool_events_that_two_sessions_recorded_are_counted_once(tmp_path: Path, apart: int) -> None:
    simulation = simulated("missing-free")
    options = {"processors": 4, "buffer_size": SMALL}
    first = written(tmp_path / "first.etl", simulation.records, session="first", **options)
    pools = [record for record in simulation.records if record.hook >> 8 == pool.ALLOC >> 8]
    again = [replace(record, time=record.time + apart) for record in pools]
    (group,) = groups_of([first, written(tmp_path / "second.etl", again, session="second", **options)])
    with JoinedFiles.open(group) as source:
        for _ in source.batches():
            pass
        usage = source.census.usage
        assert usage is not None
        assert usage.copies["pool"] == len(pools)
    assert joined(group).pool.totals == alone(first).pool.totals
    assert conclusions(joined(group)) == conclusions(alone(first))


def test_an_event_that_one_of_two_sessions_lost_is_told_by_the_other(tmp_path: Path) -> None:
    kept = [at for place, at in enumerate(MANY) if place % 10]
    blocks = pool_records(MANY)
    first = written(tmp_path / "first.etl", [each for place, each in enumerate(blocks) if place % 10], session="a")
    second = written(tmp_path / "second.etl", [each for place, each in enumerate(blocks) if place % 7], session="b")
    (group,) = groups_of([first, second])
    assert alone(first).pool.totals.allocations == len(kept)
    assert joined(group).pool.totals.allocations == len([place for place in range(len(MANY)) if place % 70])


def test_the_events_of_all_files_come_in_time_order_each_with_a_place_of_its_own(tmp_path: Path) -> None:
    (group,) = groups_of(files(tmp_path, rolled(simulated("winsock-loop").data, (0.3, 0.6))))
    order, time = [], []
    until = 0
    with JoinedFiles.open(group) as source:
        for batch in source.batches():
            tables: list[EventTable] = list(batch.tables.values())
            for table in tables:
                assert table.time.min() >= until or not batch.bytes_read
                order.append(table.order)
                time.append(table.time)
            until = batch.until_ns
    places, times = np.concatenate(order), np.concatenate(time)
    assert len(np.unique(places)) == len(places)
    assert np.all(np.diff(times[np.argsort(places)]) >= 0)


def test_an_offset_leads_back_to_its_file(tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("missing-free").data, (0.5,)))
    (group,) = groups_of(parts)
    seen = set()
    with JoinedFiles.open(group) as source:
        for batch in source.batches({"pool"}):
            for table in batch.tables.values():
                for offset, raw in zip(table.offset.tolist(), table.raw_time.tolist(), strict=True):
                    path, at = source.info.place(offset)
                    assert Path(path).read_bytes()[at + 8 : at + 16] == raw.to_bytes(8, "little")
                    seen.add(path)
    assert seen == set(map(str, parts))


def test_header_losses_damage_and_bytes_are_those_of_all_files(tmp_path: Path) -> None:
    first = written(tmp_path / "a.etl", pool_records(MANY), events_lost=3, buffers_lost=1, session="a")
    records = pool_records(MANY, cpu=1, first=9_000)
    second = written(tmp_path / "b.etl", records, events_lost=4, session="b", start_ticks=START + 50,
                     start_time=133_700_000_000_000_050)  # fmt: skip
    second.write_bytes(second.read_bytes() + b"no buffer" * 10)
    (group,) = groups_of([second, first])
    snapshot = joined(group)
    info, loss = snapshot.info, snapshot.loss
    assert info.paths == tuple(map(str, group.paths))
    assert info.start == 133_700_000_000_000_000
    assert info.end == max(file.end for file in info.joined)
    assert (loss.events_lost, loss.buffers_lost) == (3 + 4, 1)
    assert info.bytes == first.stat().st_size + second.stat().st_size == sum(
        (snapshot.bytes.headers, snapshot.bytes.records, snapshot.bytes.padding, snapshot.bytes.skipped)
    )  # fmt: skip
    assert [(place.code, place.file) for place in snapshot.damage] == [(DamageCode.BUFFER_SIZE, "b.etl")]


def test_buffers_that_are_in_none_of_the_parts_are_a_gap_between_them(tmp_path: Path) -> None:
    first, _, third = files(tmp_path, rolled(simulated("churn").data, (0.3, 0.6)))
    (group,) = groups_of([third, first])
    (gap,) = joined(group).loss.gaps
    assert (gap.reason, gap.file, gap.buffers > 0) == ("between-files", third.name, True)
    assert isinstance(gap, Gap)
    assert gap.from_ns <= gap.to_ns


def test_a_part_that_lies_beside_and_was_not_given_is_told(tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("churn").data, (0.3, 0.6)))
    (group,) = groups_of(parts[:2])
    rest = joined(group).info.rolled
    assert rest is not None
    assert (rest.beside, rest.goes_on) == ((parts[2].name,), True)
    assert joined(groups_of(parts)[0]).info.rolled is None


@pytest.mark.parametrize(("pause", "missing"), [(SECOND // 1000, False), (SECOND, True)])
def test_a_pause_between_two_sessions_of_one_name_is_a_gap(tmp_path: Path, pause: int, *, missing: bool) -> None:
    first = written(tmp_path / "a.etl", pool_records(MANY))
    began = MANY[-1] + pause
    later = [replace(record, time=record.time + began) for record in pool_records(MANY, first=9_000)]
    second = written(tmp_path / "b.etl", later, start_ticks=START + began, start_time=BEGAN + began)
    (group,) = groups_of([first, second])
    assert [gap.reason for gap in joined(group).loss.gaps] == ["between-files"] * missing
