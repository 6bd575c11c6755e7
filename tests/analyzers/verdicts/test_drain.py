"""A drain at a trace's end: late frees are told from leaks, and what only looks like a drain is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.drain import By, Drain, DrainWatch
from analyzers.findings import Cleared, Verdict
from analyzers.snapshot import Snapshot
from analyzers.verdicts.groups import groups
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from fixtures.kernel.machine import START_TICKS
from fixtures.session import drain_mark
from fixtures.settings import Drain as Recorded
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import analysed
from tracer.etl.file import EtlFile
from tracer.events import pool
from tracer.trace import Gap, Loss

SETTINGS = Settings(iterations=120, think_ns=20_000_000, drain_ns=4_000_000_000)
LATE_TAG = int.from_bytes(b"CtRq", "little")
ALLOCATIONS = {pool.ALLOC, pool.ALLOC_SESSION}
STACK_GROUP = 0x18


def story(scenario: str, recorded: Recorded, seed: int = 3) -> Simulation:
    return simulate(scenario, seed, replace(SETTINGS, drain=recorded))


def seen(scenario: str, recorded: Recorded, tmp_path: Path) -> Snapshot:
    simulation = story(scenario, recorded)
    simulation.write(tmp_path / "trace.etl")
    return analysed(tmp_path / "trace.etl")


def drain_of(snapshot: Snapshot) -> Drain | None:
    assert snapshot.coverage is not None
    return snapshot.coverage.drain


def late(snapshot: Snapshot) -> list[Cleared]:
    return [each for each in snapshot.diagnosis.cleared if each.tag == LATE_TAG and "late frees" in each.why]


@pytest.mark.parametrize(
    ("recorded", "by", "begins"),
    [
        (Recorded.MARKED, By.RECORDED, "when the drain began"),
        (Recorded.FREES, By.SEEN, "when allocations were no longer traced"),
    ],
)
def test_what_looks_like_a_leak_without_a_drain_is_cleared_with_one_that_frees_it(
    recorded: Recorded, by: By, begins: str, tmp_path: Path
) -> None:
    without = seen("late-frees", Recorded.NONE, tmp_path)
    assert [each.verdict for each in without.diagnosis.findings] == [Verdict.GROWTH]
    snapshot = seen("late-frees", recorded, tmp_path)
    drain = drain_of(snapshot)
    assert drain is not None
    assert drain.by is by
    assert drain.from_ns == pytest.approx(without.at_ns, rel=0.02)
    assert drain.to_ns == snapshot.at_ns
    assert snapshot.diagnosis.findings == ()
    [cleared] = late(snapshot)
    assert cleared.verdict is Verdict.TRANSIENT
    assert begins in cleared.why
    assert f"of the {without.diagnosis.findings[0].count:,} blocks" in cleared.why


@pytest.mark.parametrize("scenario", ["missing-free", "growth"])
def test_a_leak_stays_in_a_drain_and_is_surer_with_it(scenario: str, tmp_path: Path) -> None:
    [without] = seen(scenario, Recorded.NONE, tmp_path).diagnosis.findings
    for recorded in (Recorded.MARKED, Recorded.FREES):
        [found] = seen(scenario, recorded, tmp_path).diagnosis.findings
        assert (found.verdict, found.driver, found.count) == (without.verdict, without.driver, without.count)
        assert found.confidence > without.confidence
        assert found.bytes_per_hour == pytest.approx(without.bytes_per_hour, rel=0.1)
        [stayed] = [each for each in found.evidence if each.rule == "stayed-in-drain"]
        assert stayed.says.startswith("still there 4.0")
        assert stayed.inferred == (recorded is Recorded.FREES)


def test_others_of_the_tag_that_were_freed_in_the_drain_are_told_beside_what_stayed(tmp_path: Path) -> None:
    simulation = simulate("late-frees", 3, replace(SETTINGS, think_ns=4_000_000, drain=Recorded.FREES))
    frees = [at for at, record in enumerate(simulation.records) if _frees(record, LATE_TAG)]
    forgotten = set(frees[:: len(frees) // 60])
    snapshot = _of([each for at, each in enumerate(simulation.records) if at not in forgotten], tmp_path)
    [found] = snapshot.diagnosis.findings
    assert found.verdict is Verdict.MISSING_FREE
    assert 40 <= found.count <= len(forgotten)  # the others: their address is given out again, unseen, and freed
    [stayed] = [each for each in found.evidence if each.rule == "stayed-in-drain"]
    assert "others of the tag were freed since, 95 % of them within" in stayed.says


def test_what_a_cache_holds_when_the_load_ends_stays_and_is_no_leak(tmp_path: Path) -> None:
    for recorded in (Recorded.MARKED, Recorded.FREES):
        snapshot = seen("cache", recorded, tmp_path)
        assert drain_of(snapshot) is not None
        assert snapshot.diagnosis.findings == ()
        assert any("the last ones in use when the drain began" in each.why for each in snapshot.diagnosis.cleared)


def test_what_is_allocated_in_a_marked_drain_is_counted_and_not_judged(tmp_path: Path) -> None:
    snapshot = seen("growth", Recorded.MARKED, tmp_path)
    drain, [found] = drain_of(snapshot), snapshot.diagnosis.findings
    assert drain is not None
    born = snapshot.pool.outstanding.time_ns
    assert born[found.rows].max() <= drain.from_ns < born.max()
    later = [each for each in snapshot.diagnosis.cleared if "allocated after the drain began" in each.why]
    assert sum(each.count for each in later) == int((born > drain.from_ns).sum())


def _tag(record: Record) -> int:
    return int.from_bytes(record.payload[4:8], "little") & 0x7FFFFFFF


def _frees(record: Record, tag: int) -> bool:
    return record.hook == pool.FREE and _tag(record) == tag


def _of(records: list[Record], tmp_path: Path) -> Snapshot:
    data = EtlWriter(TraceOptions(processors=4, start_ticks=START_TICKS)).write_trace(records).data
    (tmp_path / "made.etl").write_bytes(data)
    return analysed(tmp_path / "made.etl")


def _one_tag(records: list[Record], _since: int) -> list[Record]:
    """As a session filters: of one driver's tag alone, whose load ended."""
    return [each for each in records if each.hook >> 8 != 0x0E or _tag(each) == LATE_TAG]


def _cut_cpu(records: list[Record], since: int) -> list[Record]:
    """The last buffers of the CPU that allocates most are not there, as in a file of a machine that crashed."""
    made = [each.cpu for each in records if each.hook in ALLOCATIONS]
    busiest = max(set(made), key=made.count)
    return [each for each in records if each.cpu != busiest or each.time < since]


def _never_allocated(records: list[Record], _since: int) -> list[Record]:
    return [each for each in records if each.hook not in ALLOCATIONS]


def _short(records: list[Record], since: int) -> list[Record]:
    """What is freed as a program exits, in one moment after the load."""
    until = since + 20_000 * 10
    return [each for each in records if each.time <= until]


@pytest.mark.parametrize("what", [_one_tag, _cut_cpu, _never_allocated, _short])
def test_what_only_looks_like_a_drain_is_none(
    what: Callable[[list[Record], int], list[Record]], tmp_path: Path
) -> None:
    records = list(story("late-frees", Recorded.FREES).records)
    assert drain_of(_of(records, tmp_path)) is not None
    since = max(each.time for each in records if each.hook in ALLOCATIONS)
    assert drain_of(_of(what(records, since), tmp_path)) is None


def test_a_load_that_goes_down_and_does_not_stop_is_no_drain(tmp_path: Path) -> None:
    records = story("late-frees", Recorded.MARKED).records
    since = START_TICKS + 24_000_000
    kept, made, left_out = [], 0, False
    for record in records[:-2]:
        left_out = left_out and record.hook >> 8 == STACK_GROUP
        if record.hook in ALLOCATIONS and record.time > since:
            made += 1
            left_out = made % 20 != 0
        if not left_out:
            kept.append(record)
    assert made > 100
    assert drain_of(_of(kept, tmp_path)) is None


def test_a_mark_that_allocations_follow_is_of_another_recording(tmp_path: Path) -> None:
    records = list(story("growth", Recorded.NONE).records)
    half = len(records) // 2
    mark = drain_mark(records[half // 2].time, records[half].time, SETTINGS)
    assert drain_of(_of([*records[:half], mark, *records[half:]], tmp_path)) is None
    assert drain_of(_of([*records[:half], mark], tmp_path)) is not None


def test_where_buffers_of_its_time_are_missing_and_in_a_live_capture_nothing_is_seen(tmp_path: Path) -> None:
    story("late-frees", Recorded.FREES).write(tmp_path / "trace.etl")
    watch = DrainWatch()
    with EtlFile.open(tmp_path / "trace.etl") as source:
        for batch in source.batches(Analysis.KINDS):
            watch.feed(batch)
    snapshot = analysed(tmp_path / "trace.etl")
    found = watch.drain(snapshot.pool, Loss(0, 0, ()), snapshot.at_ns)
    assert found == drain_of(snapshot)
    assert found is not None
    assert watch.drain(snapshot.pool, Loss(0, 0, ()), snapshot.at_ns, is_file=False) is None
    gap = Gap(found.from_ns - 1, found.from_ns + 1, -1, "sequence-gap:1", 1)
    assert watch.drain(snapshot.pool, Loss(0, 0, (gap,)), snapshot.at_ns) is None
    assert watch.drain(snapshot.pool, Loss(0, 0, (), complete_from_ns=found.to_ns), snapshot.at_ns) is None


def test_what_held_requests_keep_in_a_drain_is_as_sure_as_before_it(tmp_path: Path) -> None:
    """The load is over, so that no more of them come: that is no sign that their thread takes them at times."""
    [without] = seen("winsock-loop", Recorded.NONE, tmp_path).diagnosis.findings
    [found] = seen("winsock-loop", Recorded.MARKED, tmp_path).diagnosis.findings
    assert (found.verdict, found.count) == (Verdict.PENDING_APC, without.count)
    assert found.confidence >= without.confidence


def test_frees_of_what_was_allocated_unseen_in_a_drain_show_no_loss(tmp_path: Path) -> None:
    snapshot = seen("growth", Recorded.FREES, tmp_path)
    drain, whole = drain_of(snapshot), snapshot.pool
    assert drain is not None
    explained = np.zeros(len(whole.outstanding), np.bool_)
    every, before = (
        sum(each.unmatched for each in groups(whole, explained, until_ns=until)) for until in (None, drain.from_ns)
    )
    assert before < every / 4
    marked = seen("growth", Recorded.MARKED, tmp_path).pool
    explained = np.zeros(len(marked.outstanding), np.bool_)
    alike = [
        sum(each.unmatched for each in groups(marked, explained, until_ns=until)) for until in (None, drain.from_ns)
    ]
    assert alike[0] == pytest.approx(alike[1])
