"""Frees of what nobody saw allocated, held against what the pool's counters had before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.findings import Verdict
from analyzers.pool_tables import PoolSnapshot
from analyzers.verdicts.groups import unmatched_of_tags
from analyzers.verdicts.pre_trace import before_trace
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import NO_NAMES, analysed
from tracer.etl.file import EtlFile
from tracer.live.counters import PoolCounters


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("before") / "trace.etl"
    simulate("pre-trace-frees", 61, Settings(iterations=80)).write(path)
    return path


@pytest.fixture(scope="module")
def pool(trace: Path) -> PoolSnapshot:
    """Nothing is outstanding, and every tag has frees without allocation that the trace gives it."""
    found = analysed(trace).pool
    nothing = np.zeros(len(found.tags.tag), np.int64)
    return replace(found, tags=replace(found.tags, outstanding_count=nothing))


def counters(pool: PoolSnapshot, more: int) -> PoolCounters:
    """As many allocations of each tag as it has unmatched frees, and some more."""
    count = unmatched_of_tags(pool) + more
    return PoolCounters(pool.tags.tag, pool.tags.paged, count, np.zeros_like(count), count, count * 64)


def verdicts(pool: PoolSnapshot, baseline: PoolCounters | None) -> set[Verdict]:
    return {cleared.verdict for cleared in before_trace(pool, baseline)}


def test_without_counters_they_are_all_of_memory_from_before(pool: PoolSnapshot) -> None:
    assert verdicts(pool, None) == {Verdict.PRE_TRACE}
    assert all("whose allocation is not in the trace" in cleared.why for cleared in before_trace(pool, None))


def test_no_more_frees_than_there_were_allocations_bear_it_out(pool: PoolSnapshot) -> None:
    assert verdicts(pool, counters(pool, 0)) == {Verdict.PRE_TRACE}
    assert all("that were there when the trace began" in one.why for one in before_trace(pool, counters(pool, 3)))


def test_more_frees_than_there_were_allocations_are_not_explained(pool: PoolSnapshot) -> None:
    assert verdicts(pool, counters(pool, -1)) == {Verdict.UNKNOWN}


def test_a_tag_that_the_counters_do_not_know_is_not_explained(pool: PoolSnapshot) -> None:
    none = np.zeros(0, np.int64)
    empty = PoolCounters(np.zeros(0, np.uint32), np.zeros(0, np.bool_), none, none, none, none)
    found = before_trace(pool, empty)
    assert {cleared.verdict for cleared in found} == {Verdict.UNKNOWN}
    assert all("session pool" in cleared.why for cleared in found)


def test_an_analysis_that_was_given_counters_uses_and_keeps_them(trace: Path, pool: PoolSnapshot) -> None:
    with EtlFile.open(trace, threads=1) as source:
        analysis = Analysis(source, NO_NAMES, counters(pool, -1))
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        snapshot = analysis.snapshot()
    assert snapshot.baseline is not None
    before = [one for one in snapshot.diagnosis.cleared if one.count == 0]
    assert {one.verdict for one in before} <= {Verdict.UNKNOWN}
    assert len(before) == len(before_trace(snapshot.pool, None))
