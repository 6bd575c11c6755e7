"""Clocks that differ between CPUs: found where many blocks are freed before they are allocated, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest

from analyzers.clocks import clock_shifts, mends, supposed_shifts
from analyzers.ledger import Ledger
from analyzers.ledger.reversed_pairs import CPUS, NEVER, REPLACED, REVERSED
from analyzers.tags import TagNames
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.analyzers.plain_ledger import PoolEvent, pool_table
from tests.tracer.traces import kernel_payload, write
from tracer.arrays import Structured
from tracer.etl.headers import HeaderType
from tracer.trace import ClockShift
from tui.reading.trace import read_snapshot

TAG, OTHER = 0x31676154, 0x32676154
START, MS = 1_000_000, 10_000
"""Ticks of 100 ns."""
BEHIND = 2 * MS


def blocks(
    count: int, *, cpu: int = 0, free_cpu: int = 1, life: range = range(1, MS), base: int = 0x1000, tag: int = TAG
) -> list[PoolEvent]:
    """Allocated on one CPU, freed on another, in true time."""
    chance = Random(count + cpu)
    made = []
    for i in range(count):
        time = START + 5 * MS * i + chance.randrange(MS)
        address = base + 64 * i
        made += [
            PoolEvent(time, False, address, tag=tag, cpu=cpu),
            PoolEvent(time + chance.choice(life), True, address, tag=tag, cpu=free_cpu),
        ]
    return made


def stamped(events: list[PoolEvent], behind: dict[int, int]) -> tuple[ClockShift, ...]:
    """What is found where the events have the times of clocks that are behind by so many ticks."""
    moved = [
        PoolEvent(
            event.time - behind.get(event.cpu, 0), event.is_free, event.address, event.size, event.tag, cpu=event.cpu
        )
        for event in events
    ]
    ledger = Ledger()
    ledger.feed(pool_table(sorted(moved, key=lambda event: event.time)))
    return clock_shifts(*ledger.reversed_pairs())


def test_a_cpu_that_is_behind_is_named_with_how_much(tmp_path: Path) -> None:
    (shift,) = stamped(blocks(200), {1: BEHIND})
    assert (shift.cpu, shift.pairs) == (1, 200)
    assert 0.9 * BEHIND * 100 < shift.behind_ns <= BEHIND * 100


def test_of_three_cpus_the_one_that_differs_is_named() -> None:
    events = blocks(60) + blocks(60, cpu=2, base=0x90000) + blocks(60, cpu=1, free_cpu=0, base=0x20000)
    (shift,) = stamped(events, {1: BEHIND})
    assert shift.cpu == 1
    assert shift.behind_ns > 0
    ahead = blocks(60, cpu=1, free_cpu=0) + blocks(60, cpu=1, free_cpu=2, base=0x90000)
    (shift,) = stamped(ahead, {0: BEHIND, 2: BEHIND})
    assert shift.cpu == 1
    assert -BEHIND * 100 <= shift.behind_ns < -0.8 * BEHIND * 100


def test_clocks_that_agree_are_not_said_to_differ() -> None:
    assert stamped(blocks(200), {}) == ()


def test_a_few_pairs_say_nothing() -> None:
    assert stamped(blocks(19), {1: BEHIND}) == ()
    assert stamped(blocks(20), {1: BEHIND}) != ()


def recycled(
    count: int, *, wait: list[int], cpus: tuple[tuple[int, int], ...], freed_later: bool = False
) -> tuple[ClockShift, ...]:
    """Blocks from before the trace are freed, and their addresses handed out again after ``wait`` ticks."""
    made = []
    for i in range(count):
        free_cpu, cpu = cpus[i % len(cpus)]
        time, address = START + 5 * MS * i, 0x1000 + 64 * i
        made.append(PoolEvent(time, True, address, tag=TAG, cpu=free_cpu))
        made.append(PoolEvent(time + wait[i % len(wait)], False, address, tag=TAG, cpu=cpu))
        if freed_later:
            made.append(PoolEvent(time + wait[i % len(wait)] + 3 * MS, True, address, tag=TAG, cpu=free_cpu))
    return stamped(made, {})


def test_addresses_handed_out_again_after_chance_waits_are_no_sign() -> None:
    chance = Random(5)
    waits = [int(chance.expovariate(1 / MS)) + 1 for _ in range(400)]
    assert recycled(400, wait=waits, cpus=((1, 0),)) == ()


def test_addresses_handed_out_again_in_both_directions_are_no_sign() -> None:
    assert recycled(400, wait=[MS], cpus=((1, 0), (0, 1))) == ()


def test_addresses_handed_out_again_and_freed_again_are_no_sign() -> None:
    assert recycled(400, wait=[MS], cpus=((1, 0),), freed_later=True) == ()


def test_addresses_handed_out_again_at_once_are_no_sign() -> None:
    """Less than 10 microseconds, of 100 ns each."""
    ticks = 100
    assert recycled(400, wait=[ticks - 1], cpus=((1, 0),)) == ()
    assert recycled(400, wait=[ticks], cpus=((1, 0),)) != ()


def test_another_tag_at_a_freed_address_is_no_sign() -> None:
    freed = [event for event in blocks(200) if event.is_free]
    made = [event for event in blocks(200, tag=OTHER) if not event.is_free]
    assert stamped(freed + made, {1: BEHIND}) == ()


def test_one_block_that_lived_too_short_on_its_way_back_refutes_it() -> None:
    events = blocks(200)
    back = [
        PoolEvent(START, False, 0x99000, tag=OTHER, cpu=1),
        PoolEvent(START + MS // 2 - BEHIND, True, 0x99000, tag=OTHER, cpu=0),
    ]
    assert stamped(events, {1: BEHIND})
    assert stamped([*events, *back], {1: BEHIND}) == ()


def test_two_cpus_that_would_be_behind_each_other_are_not_believed() -> None:
    """Each of two pairs says that the other CPU is behind."""
    one = recycled(200, wait=[MS], cpus=((1, 0), (2, 1), (0, 2)))
    assert one == ()


def trace(path: Path, behind: int) -> Path:
    """Blocks allocated on CPU 0 and freed on CPU 1, whose clock is behind; and a few that CPU 0 keeps."""
    kept = [PoolEvent(START + 50 * MS * i, False, 0x900000 + 64 * i, tag=OTHER) for i in range(5)]
    events = sorted([*blocks(100), *kept], key=lambda event: event.time)
    _write_events(path, [(event.time - behind * event.cpu, event) for event in events], processors=2)
    return path


def _write_events(path: Path, events: list[tuple[int, PoolEvent]], *, processors: int) -> None:
    """A trace of events with the times that are stamped on them."""
    records = [
        Record(
            HeaderType.PERFINFO64,
            time,
            kernel_payload(event.hook, 8, {"type": 512, "tag": event.tag, "bytes": 64, "entry": event.address}),
            cpu=event.cpu,
            hook=event.hook,
            version=2,
        )
        for time, event in events
    ]
    write(path, records, TraceOptions(processors=processors, buffer_size=4096, session="s"))


@pytest.mark.parametrize("behind", [0, BEHIND])
def test_a_trace_with_such_clocks_is_read_again_with_its_times_corrected(behind: int, tmp_path: Path) -> None:
    snapshot = read_snapshot(trace(tmp_path / "c.etl", behind), TagNames(()), quiet=True)
    totals = snapshot.pool.totals
    assert (totals.allocations, totals.frees, totals.matched) == (105, 100, 100)
    assert (totals.frees_without_allocation, totals.outstanding_count) == (0, 5)
    assert [shift.cpu for shift in snapshot.info.clock_shifts] == ([1] if behind else [])
    assert snapshot.census.total == 205 + 2


def _handed_out_again(path: Path, shift: dict[int, int]) -> Path:
    """Four CPUs that each hand out last what they freed last; half of the blocks are freed on another CPU."""
    chance = Random(4)
    lists: dict[int, list[int]] = {cpu: [] for cpu in range(4)}
    living: list[tuple[int, int, int]] = []
    made: list[PoolEvent] = []

    def free_until(time: int) -> None:
        for at, address, cpu in sorted(each for each in living if each[0] <= time):
            made.append(PoolEvent(at, True, address, tag=TAG, cpu=cpu))
            lists[cpu].append(address)
            living.remove((at, address, cpu))

    for number in range(4000):
        time, cpu = START + MS * number // 10, chance.randrange(4)
        free_until(time)
        address = lists[cpu].pop() if lists[cpu] else 0x10000 + 64 * number
        made.append(PoolEvent(time, False, address, tag=TAG, cpu=cpu))
        living.append((time + chance.randrange(50, 2 * MS), address, chance.choice([cpu, chance.randrange(4)])))
    free_until(START + 10_000 * MS)
    moved = [(event.time + shift.get(event.cpu, 0), event) for event in made]
    _write_events(path, sorted(moved, key=lambda each: each[0]), processors=4)
    return path


@pytest.mark.parametrize("ticks", [-BEHIND, BEHIND])
def test_clocks_differ_although_addresses_are_handed_out_again_within_the_difference(
    ticks: int, tmp_path: Path
) -> None:
    snapshot = read_snapshot(_handed_out_again(tmp_path / "c.etl", {1: ticks}), TagNames(()), quiet=True)
    [shift] = snapshot.info.clock_shifts
    assert shift.cpu == 1
    assert -1.0 <= shift.behind_ns / (ticks * 100) <= -0.8
    assert snapshot.pool.totals.frees_without_allocation < 40
    assert snapshot.loss.inferred is None


def test_clocks_that_agree_are_left_alone_where_addresses_are_handed_out_again(tmp_path: Path) -> None:
    snapshot = read_snapshot(_handed_out_again(tmp_path / "c.etl", {}), TagNames(()), quiet=True)
    assert snapshot.info.clock_shifts == ()
    assert snapshot.pool.totals.matched == 4000


def test_a_shift_that_does_not_mend_anything_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.analysis.Analysis.clock_shifts", lambda _self: (ClockShift(0, 10**9, 20),))
    snapshot = read_snapshot(trace(tmp_path / "c.etl", 0), TagNames(()), quiet=True)
    assert snapshot.info.clock_shifts == ()
    assert snapshot.pool.totals.frees_without_allocation == 0


def _pairs(early: Sequence[int], *, cpu: int = 0, free_cpu: int = 1, slot: int = REPLACED) -> Structured:
    """Frees on one CPU that are so many nanoseconds before their allocation on another."""
    pairs = np.zeros(len(early), REVERSED)
    pairs["early"], pairs["cpu"], pairs["free_cpu"], pairs["slot"] = early, cpu, free_cpu, slot
    return pairs


def _shifts(*those: Structured, freed: int = 0) -> dict[int, int]:
    """By CPU, by how much it is behind. ``freed``: how many of the last had their allocation freed again."""
    pairs = np.concatenate(those)
    kept = np.arange(len(pairs)) < len(pairs) - freed
    found = clock_shifts(pairs, kept, np.full((CPUS, CPUS), NEVER))
    return {shift.cpu: shift.behind_ns for shift in found}


BEHIND_NS = 200_000


@pytest.mark.parametrize(("opposite", "tells"), [(10, True), (11, False)])
def test_a_tenth_of_the_pairs_may_go_the_other_way_or_be_freed_again(opposite: int, tells: bool) -> None:
    those = _pairs([BEHIND_NS] * 100)
    assert bool(_shifts(those, _pairs([BEHIND_NS] * opposite, cpu=1, free_cpu=0))) is tells
    assert bool(_shifts(those, _pairs([BEHIND_NS] * opposite), freed=opposite)) is tells


@pytest.mark.parametrize(("most", "tells"), [(2.4, True), (2.6, False)])
def test_differences_of_clocks_end_sharply(most: float, tells: bool) -> None:
    """One in five is so many times the others."""
    assert bool(_shifts(_pairs([BEHIND_NS] * 80 + [int(most * BEHIND_NS)] * 20))) is tells


@pytest.mark.parametrize(("times", "counts"), [(1.4, True), (1.6, False)])
def test_what_is_much_earlier_than_nearly_all_is_a_coincidence(times: float, counts: bool) -> None:
    found = _shifts(_pairs([BEHIND_NS] * 99 + [int(times * BEHIND_NS)]))
    assert found == {1: int(times * BEHIND_NS) if counts else BEHIND_NS}


@pytest.mark.parametrize(("share", "alike"), [(0.83, True), (0.77, False)])
def test_differences_that_differ_by_a_fifth_are_those_of_one_clock(share: float, alike: bool) -> None:
    less = int(share * BEHIND_NS)
    found = _shifts(
        _pairs([BEHIND_NS] * 40), _pairs([less] * 40, free_cpu=2), _pairs([BEHIND_NS] * 40, cpu=3),
        _pairs([less] * 40, cpu=3, free_cpu=2),
    )  # fmt: skip
    assert len(set(found.values())) == (1 if alike else 2)


def _supposed(one_way: int, opposite: int = 0, *, freed: int = 0, elsewhere: int = 20) -> bool:
    """Whether the CPU of the frees is supposed to be behind; ``elsewhere``: pairs of CPUs that go both ways."""
    both_ways = [_pairs([BEHIND_NS] * elsewhere, cpu=4 + at, free_cpu=5 - at) for at in range(2)]
    those = [_pairs([BEHIND_NS] * one_way), _pairs([BEHIND_NS] * opposite, cpu=1, free_cpu=0)]
    pairs = np.concatenate([*both_ways, *those, _pairs([BEHIND_NS] * freed)])
    return bool(supposed_shifts(pairs, np.arange(len(pairs)) < len(pairs) - freed))


def test_where_addresses_are_handed_out_at_once_half_may_go_the_other_way_or_be_freed_again() -> None:
    assert _supposed(20, 10)
    assert not _supposed(20, 11)
    assert _supposed(20, freed=10)
    assert not _supposed(20, freed=11)


def test_six_pairs_of_two_cpus_and_twelve_of_all_are_enough_to_try_it() -> None:
    assert _supposed(6)
    assert not _supposed(5)
    assert _supposed(12, elsewhere=0)
    assert not _supposed(11, elsewhere=0)


def test_supposed_shifts_must_mend_four_of_five_frees_without_allocation() -> None:
    assert mends(100, 20, supposed=True)
    assert not mends(100, 21, supposed=True)
