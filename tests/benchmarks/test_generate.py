from __future__ import annotations

import struct
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.generate import Expected, generate
from benchmarks.size import MIB
from tests.benchmarks.plain_reader import ALLOC, FREE, STACK, SWITCH, PlainLedger, PlainRecord, buffers, records
from tracer.trace import SIMULATED_SESSION

OUTSTANDING = 1_000


@pytest.fixture(scope="module", params=[1, 8], ids=["1 cpu", "8 cpus"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Expected]:
    path = tmp_path_factory.mktemp("generate") / "simulated.etl"
    return path, generate(path, size=MIB, cpus=request.param, outstanding=OUTSTANDING, stacks=200)


@pytest.fixture(scope="module")
def read(written: tuple[Path, Expected]) -> list[PlainRecord]:
    return list(records(written[0]))


def test_the_file_has_the_buffers_and_records_it_says(written: tuple[Path, Expected], read: list[PlainRecord]) -> None:
    path, expected = written
    sequence = [number for number, _, _ in buffers(path.read_bytes())]
    assert sequence == list(range(expected.buffers))
    assert path.stat().st_size == expected.bytes == expected.buffers * 65_536
    assert len(read) == expected.records
    counts = {hook: sum(record.hook == hook for record in read) for hook in (ALLOC, FREE, STACK, SWITCH)}
    assert counts[ALLOC] + counts[FREE] == expected.pool_records
    assert counts[STACK] == expected.stack_records
    assert counts[SWITCH] == expected.switch_records > 0


def test_the_size_is_about_what_was_asked_for(written: tuple[Path, Expected]) -> None:
    assert 0.8 * MIB < written[1].bytes < 1.6 * MIB


def test_the_header_names_a_simulated_session_and_counts_its_buffers(
    written: tuple[Path, Expected], read: list[PlainRecord]
) -> None:
    header = read[0].payload
    assert read[0].hook == 0
    assert header[0x118:].decode("utf-16-le").startswith(SIMULATED_SESSION)
    assert struct.unpack_from("<I", header, 0x24) == (written[1].buffers,)
    end, frequency, start, clock = struct.unpack_from("<q232xqqI", header, 0x10)
    assert (frequency, clock) == (10_000_000, 1)
    assert end - start >= max(record.time for record in read) - read[0].time


def test_time_never_goes_back_on_a_cpu(read: list[PlainRecord]) -> None:
    last: dict[int, int] = {}
    for record in read:
        assert record.time >= last.get(record.cpu, 0)
        last[record.cpu] = record.time


def test_a_plain_ledger_finds_what_the_generator_says(written: tuple[Path, Expected], read: list[PlainRecord]) -> None:
    expected, ledger = written[1], PlainLedger()
    for record in sorted(read, key=lambda record: record.time):
        if record.hook in {ALLOC, FREE}:
            ledger.add(record)
    assert (ledger.allocations, ledger.frees, ledger.matched) == (
        expected.allocations,
        expected.frees,
        expected.matched,
    )
    assert ledger.replaced == 0
    assert ledger.frees - ledger.matched == expected.frees_without_allocation > 0
    assert (len(ledger.live), sum(ledger.live.values())) == (expected.outstanding_count, expected.outstanding_bytes)
    assert abs(expected.outstanding_count - OUTSTANDING) < 0.2 * OUTSTANDING


def test_addresses_are_used_again(read: list[PlainRecord]) -> None:
    addresses = [struct.unpack_from("<Q", record.payload, 16) for record in read if record.hook == ALLOC]
    assert len(set(addresses)) < len(addresses)


def test_every_pool_record_is_followed_by_its_stack_of_the_running_thread(read: list[PlainRecord]) -> None:
    pool: dict[int, PlainRecord] = {}
    running: dict[int, int] = {}
    distinct: defaultdict[tuple[int, ...], int] = defaultdict(int)
    for record in read:
        if record.hook in {ALLOC, FREE}:
            assert record.cpu not in pool
            pool[record.cpu] = record
        elif record.hook == SWITCH:
            new, old = struct.unpack_from("<II", record.payload)
            assert running.get(record.cpu, old) == old
            running[record.cpu] = new
        elif record.hook == STACK:
            event_time, _, thread = struct.unpack_from("<QII", record.payload)
            frames = struct.unpack_from(f"<{(len(record.payload) - 16) // 8}Q", record.payload, 16)
            assert event_time == pool.pop(record.cpu).time < record.time
            assert running.setdefault(record.cpu, thread) == thread
            assert 8 <= len(frames) <= 24
            distinct[frames] += 1
    assert not pool
    assert 100 < len(distinct) <= 200
    assert max(distinct.values()) > 10 * min(distinct.values())


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.etl", "b.etl", "c.etl")]
    for path, seed in zip(paths, (3, 3, 4), strict=True):
        generate(path, size=MIB // 2, outstanding=100, seed=seed)
    first, same, other = (path.read_bytes() for path in paths)
    assert first == same
    assert first != other


def test_more_outstanding_allocations_than_the_trace_can_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too few for 1000000 outstanding"):
        generate(tmp_path / "never.etl", size=MIB, outstanding=1_000_000)
    assert not (tmp_path / "never.etl").exists()
