"""A snapshot is consistent and stays as it is, and the last one depends on the events alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.pool_tables import PoolSnapshot
from analyzers.pooltag import tag_hex
from analyzers.snapshot import Snapshot
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import NO_NAMES, analysed, assert_agrees, outstanding_documents, rewritten
from tracer.etl.file import WINDOW_BYTES, EtlFile
from tracer.trace import Batch

TINY = 4096
"""A window of one small buffer: many batches, and most user stacks and some kernel stacks are late."""
VARIATIONS = {
    "plain": Settings(iterations=20, user_stacks=1.0, buffer_size=4096),
    "keyed": Settings(iterations=40, user_stacks=1.0, buffer_size=4096, stacks=StackMode.KEYED),
    "no-stacks": Settings(iterations=20, buffer_size=4096, stacks=StackMode.NONE, cpus=16),
    "x86-compressed": Settings(iterations=20, user_stacks=0.5, buffer_size=4096, pointer_size=4, compressed=True),
    "lossy": Settings(iterations=30, user_stacks=0.5, buffer_size=4096, lost_events=0.1, lost_buffers=2),
}
each_variation = pytest.mark.parametrize("variation", VARIATIONS)


def trace(tmp_path: Path, variation: str, scenario: str = "winsock-loop") -> tuple[Path, Simulation]:
    simulation = simulate(scenario, 31, VARIATIONS[variation])
    path = tmp_path / "trace.etl"
    simulation.write(path)
    return path, simulation


def arrays(pool: PoolSnapshot) -> Iterator[np.ndarray[Any, Any]]:
    for part in (pool.tags, pool.sites, pool.outstanding):
        for column in fields(part):
            value = getattr(part, column.name)
            if isinstance(value, np.ndarray):
                yield value


def content(snapshot: Snapshot) -> dict[str, Any]:
    """All of the pool part in terms of the trace: no ids that depend on the order in which things were met."""
    pool, names = snapshot.pool, snapshot.names
    tags, sites, out = pool.tags, pool.sites, pool.outstanding
    counters = ("allocations", "frees", "outstanding_count", "outstanding_bytes")
    tag_names = [(tag_hex(tag), paged) for tag, paged in zip(tags.tag.tolist(), tags.paged.tolist(), strict=True)]
    frames = [names.frames(stack) for stack in sites.stack.tolist()]
    return {
        "totals": asdict(pool.totals),
        "tags": [
            (*tag_names[row], *(int(getattr(tags, name)[row]) for name in (*counters, "peak_bytes")), tags.driver[row])
            for row in range(len(tags.tag))
        ],
        "sites": {
            (tag_names[sites.tag_row[row]], frames[row]): (
                *(int(getattr(sites, name)[row]) for name in (*counters, "first_ns", "last_ns")),
                sites.driver[row],
            )
            for row in range(len(sites.stack))
        },
        "outstanding": [
            {**document, "type": kind, "user_stack": names.frames(user, pid)}
            for document, kind, user, pid in zip(
                outstanding_documents(snapshot),
                out.type.tolist(),
                out.user_stack.tolist(),
                out.process.tolist(),
                strict=True,
            )
        ],
        "by_process": pool.by_process,
        "by_driver": pool.by_driver,
    }


def batches(source: EtlFile) -> Iterator[Batch]:
    return source.batches(Analysis.KINDS)


def assert_consistent(pool: PoolSnapshot) -> None:
    totals, count, size = pool.totals, pool.totals.outstanding_count, pool.totals.outstanding_bytes
    assert totals.allocations == totals.matched + totals.replaced_without_free + count
    assert totals.frees == totals.matched + totals.frees_without_allocation
    assert len(pool.outstanding) == count
    assert int(pool.outstanding.size.sum()) == size
    for part in (pool.tags, pool.sites):
        assert int(part.outstanding_count.sum()) == count
        assert int(part.outstanding_bytes.sum()) == size
        assert int(part.allocations.sum()) == totals.allocations
    for groups in (pool.by_process, pool.by_driver):
        assert (sum(row.count for row in groups), sum(row.bytes for row in groups)) == (count, size)
    assert np.bincount(pool.outstanding.site, minlength=len(pool.sites.stack)).tolist() == (
        pool.sites.outstanding_count.tolist()
    )
    assert np.all(np.diff(pool.outstanding.time_ns) >= 0)
    assert np.all(pool.tags.peak_bytes >= pool.tags.outstanding_bytes)


@each_variation
def test_the_size_of_the_window_and_the_number_of_threads_make_no_difference(variation: str, tmp_path: Path) -> None:
    path, _ = trace(tmp_path, variation)
    whole = content(analysed(path))
    for threads in (2, 3, 16):
        assert content(analysed(path, threads=threads)) == whole
    for window in (TINY, 3 * TINY + 8):
        for threads in (1, 2, 3):
            assert content(analysed(path, window_bytes=window, threads=threads)) == whole


@pytest.mark.parametrize("options", [{"buffer_size": 1024}, {"buffer_size": 0x10000, "swapped": True}])
@each_variation
def test_how_the_records_lie_in_buffers_makes_no_difference(
    options: dict[str, Any], variation: str, tmp_path: Path
) -> None:
    path, simulation = trace(tmp_path, variation)
    other = tmp_path / "other.etl"
    other.write_bytes(rewritten(simulation, simulation.records, **options))
    assert content(analysed(other, window_bytes=TINY)) == content(analysed(path))


@pytest.mark.parametrize("variation", ["plain", "keyed"])
def test_late_user_stacks_reach_the_outstanding_allocations(variation: str, tmp_path: Path) -> None:
    path, simulation = trace(tmp_path, variation)
    with EtlFile.open(path, window_bytes=TINY) as source:
        analysis = Analysis(source, NO_NAMES)
        for batch in batches(source):
            analysis.feed(batch)
        snapshot = analysis.snapshot()
    assert analysis.late_stacks > 0
    with_user_stack = np.count_nonzero(snapshot.pool.outstanding.user_stack >= 0)
    assert with_user_stack > 0.3 * len(simulation.truth["outstanding"])


@each_variation
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_snapshots_on_the_way_are_consistent_and_do_not_change(variation: str, threads: int, tmp_path: Path) -> None:
    path, _ = trace(tmp_path, variation, "churn")
    taken: list[tuple[PoolSnapshot, list[bytes]]] = []
    with EtlFile.open(path, window_bytes=TINY, threads=threads) as source:
        analysis = Analysis(source, NO_NAMES)
        times = [analysis.snapshot().at_ns]
        for batch in batches(source):
            analysis.feed(batch)
            snapshot = analysis.snapshot()
            times.append(snapshot.at_ns)
            assert_consistent(snapshot.pool)
            taken.append((snapshot.pool, [array.tobytes() for array in arrays(snapshot.pool)]))
    assert len(taken) > 5
    assert times == sorted(times)
    counts = [pool.totals.allocations for pool, _ in taken]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    for pool, before in taken:
        assert [array.tobytes() for array in arrays(pool)] == before


def test_a_snapshot_shares_no_memory_with_the_one_before(tmp_path: Path) -> None:
    path, _ = trace(tmp_path, "plain")
    with EtlFile.open(path) as source:
        analysis = Analysis(source, NO_NAMES)
        for batch in batches(source):
            analysis.feed(batch)
        first, second = analysis.snapshot(), analysis.snapshot()
    for one in arrays(first.pool):
        assert not any(np.shares_memory(one, other) for other in arrays(second.pool))
    assert content(first) == content(second)


def test_before_the_first_batch_there_is_nothing(tmp_path: Path) -> None:
    path, _ = trace(tmp_path, "plain")
    with EtlFile.open(path) as source:
        snapshot = Analysis(source, NO_NAMES).snapshot(partial=True)
    assert_consistent(snapshot.pool)
    assert snapshot.pool.totals.allocations == len(snapshot.pool.tags.tag) == 0
    assert (snapshot.partial, snapshot.at_ns) == (True, 0)


def test_a_snapshot_is_partial_where_its_taker_says_so(tmp_path: Path) -> None:
    path, _ = trace(tmp_path, "plain")
    assert not analysed(path).partial


def test_a_trace_without_pool_events_has_an_empty_pool(tmp_path: Path) -> None:
    _, simulation = trace(tmp_path, "plain")
    path = tmp_path / "no-pool.etl"
    path.write_bytes(rewritten(simulation, (r for r in simulation.records if r.hook >> 8 != 0x0E), 4096))
    snapshot = analysed(path)
    assert_consistent(snapshot.pool)
    assert snapshot.pool.totals.allocations == len(snapshot.pool.outstanding) == 0
    assert snapshot.pool.by_process == snapshot.pool.by_driver == ()
    assert snapshot.names.process(4) == "System"


def test_a_trace_without_thread_process_and_image_events_is_still_matched(tmp_path: Path) -> None:
    _, simulation = trace(tmp_path, "plain")
    path = tmp_path / "no-names.etl"
    named = {0x03, 0x05, 0x14}
    path.write_bytes(rewritten(simulation, (r for r in simulation.records if r.hook >> 8 not in named), 4096))
    snapshot = analysed(path)
    assert_consistent(snapshot.pool)
    assert snapshot.pool.totals.outstanding_count == simulation.truth["pool"]["outstanding_count"]
    assert {row.name for row in snapshot.pool.by_process} <= {"", "System", "Idle"}
    assert {row.name for row in snapshot.pool.by_driver} == {""}


def test_the_driver_of_each_tag_is_the_module_that_the_truth_s_stacks_name(tmp_path: Path) -> None:
    path, simulation = trace(tmp_path, "plain")
    snapshot = analysed(path)
    assert_agrees(snapshot, simulation)
    functions, images = simulation.truth["functions"], {i["name"].split(".")[0]: i for i in simulation.truth["images"]}
    drivers = {tag_hex(t): d for t, d in zip(snapshot.pool.tags.tag.tolist(), snapshot.pool.tags.driver, strict=True)}
    for row in simulation.truth["outstanding"]:
        called = [functions[hex(frame)].split("!")[0] for frame in row["stack"]]
        outside = [module for module in called if module not in {"nt", "hal"}]
        expected = images[outside[0].lower()]["name"] if outside else "nt"
        if row["tag_hex"] in {tag.encode("ascii").hex() for tag in ("AfdE", "TcpE", "CM25", "File")}:
            assert drivers[row["tag_hex"]] == expected


def test_the_default_window_is_larger_than_these_traces(tmp_path: Path) -> None:
    """Otherwise the comparisons above would not compare one batch with many."""
    path, _ = trace(tmp_path, "plain")
    assert path.stat().st_size < WINDOW_BYTES
