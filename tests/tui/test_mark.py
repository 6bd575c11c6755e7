"""What counts after a mark: in the header, in every view, and what says how to get rid of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.formatting import number, size
from analyzers.selection.query import EVERYTHING, Interval, Lifetime, Query
from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import NO_NAMES
from tests.tui.session import Session, opened
from tracer.etl.file import EtlFile
from tui.views.registry import VIEWS
from tui.views.scene import narrowed_to


@dataclass(frozen=True)
class Moments:
    """One trace at about its middle and at its end."""

    then: Snapshot
    now: Snapshot


def moments(path: Path) -> Moments:
    with EtlFile.open(path, window_bytes=1 << 14, threads=1) as source:
        batches = list(source.batches(Analysis.KINDS))
        analysis = Analysis(source, NO_NAMES)
        for batch in batches[: len(batches) // 2]:
            analysis.feed(batch)
        then = analysis.snapshot()
        for batch in batches[len(batches) // 2 :]:
            analysis.feed(batch)
        return Moments(then, analysis.snapshot())


@pytest.fixture(scope="module")
def demo() -> Moments:
    return moments(DEMO_TRACE)


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Moments:
    path = tmp_path_factory.mktemp("mark") / "two.etl"
    simulate("two-leaks", 3, Settings()).write(path)
    return moments(path)


def since(at: Moments, scope: Query = EVERYTHING) -> Snapshot:
    return narrowed_to(at.now, scope, at.then)


async def marked(it: Session, at: Moments) -> None:
    """Mark the moment then, and go on to now."""
    it.screen.show(at.then)
    await it.press("M")
    it.screen.show(at.now)
    await it.press()


def test_allocations_and_frees_are_all_that_came_after_the_mark(demo: Moments) -> None:
    shown, now, then = since(demo).pool, demo.now.pool, demo.then.pool
    assert int(shown.tags.allocations.sum()) == int(now.tags.allocations.sum()) - int(then.tags.allocations.sum()) > 0
    assert int(shown.tags.frees.sum()) == int(now.tags.frees.sum()) - int(then.tags.frees.sum()) > 0
    assert int(shown.sites.allocations.sum()) == now.totals.allocations - then.totals.allocations
    gone = shown.tags.allocations - shown.tags.outstanding_count
    assert (gone >= 0).all()
    assert (gone > 0).any(), "what was made and freed since the mark counts as well"


def test_what_is_outstanding_was_made_after_the_mark(demo: Moments) -> None:
    shown = since(demo).pool
    assert (shown.outstanding.time_ns >= demo.then.at_ns).all()
    expected = demo.now.pool.outstanding.time_ns >= demo.then.at_ns
    assert len(shown.outstanding) == int(expected.sum()) == int(shown.tags.outstanding_count.sum()) > 0


def test_a_site_that_was_not_there_at_the_mark_counts_from_nothing(demo: Moments) -> None:
    nothing = narrowed_to(demo.then, Query(stack=-7))
    whole = narrowed_to(demo.now, EVERYTHING, nothing).pool
    assert int(whole.tags.allocations.sum()) == int(demo.now.pool.tags.allocations.sum())


def test_an_interval_is_cut_at_the_mark(demo: Moments) -> None:
    whole = Query(interval=Interval(0, demo.now.at_ns + 1, Lifetime.INSIDE_KEPT))
    assert len(since(demo, whole).pool.outstanding) == len(since(demo).pool.outstanding)


def test_findings_and_held_requests_count_what_came_after_the_mark(demo: Moments, leaks: Moments) -> None:
    shown = since(demo).diagnosis
    assert 0 < len(shown.held_requests) < len(demo.now.diagnosis.held_requests)
    assert (shown.held_requests.issued_ns >= demo.then.at_ns).all()
    for finding in since(leaks).diagnosis.findings:
        whole = next(one for one in leaks.now.diagnosis.findings if one.rank == finding.rank)
        assert 0 < finding.count < whole.count
        scope = Query(tag=(finding.tag, finding.paged), driver=finding.driver, finding=finding.rank)
        assert finding.count == len(since(leaks, scope).pool.outstanding)


async def test_the_header_says_since_when_and_how_to_clear_it(demo: Moments) -> None:
    async with opened(demo.then, (120, 40), "tags") as it:
        await marked(it, demo)
        assert "SINCE" in it.lines[0]
        assert "C Clears" in it.lines[0]
        now, then = demo.now.pool.totals, demo.then.pool.totals
        made, freed = now.allocations - then.allocations, now.frees - then.frees
        assert f"allocs {number(made)}  frees {number(freed)}" in it.lines[1]
        assert f"pool +{size(now.outstanding_bytes - then.outstanding_bytes)}" in it.lines[1]
        await it.press("C")
        assert "SINCE" not in it.text
        assert f"allocs {number(now.allocations)}" in it.lines[1]


async def test_the_tags_show_frees_and_the_panel_adds_them_up(demo: Moments) -> None:
    async with opened(demo.then, (200, 40), "tags") as it:
        await marked(it, demo)
        assert set(it.column("frees")) != {"0"}
        made, freed, kept = (int(it.column(key)[0].replace(",", "")) for key in ("allocations", "frees", "outstanding"))
        assert freed == made - kept  # none of an older block, of which nothing is said then
        assert f"since the mark: {made:,} allocs, {freed:,} frees;" in it.panel
        titles = [column.heading.title for column in it.table.view.model.columns]
        assert len(titles) == len(set(titles))
        assert "Change since mark" in titles
        assert "Allocs since mark" not in titles


async def test_an_empty_view_says_that_only_what_came_after_counts_and_what_clears_it(demo: Moments) -> None:
    async with opened(demo.then, (120, 40)) as it:
        await marked(it, Moments(demo.then, demo.then))
        for key in ("findings", "tags", "stacks", "processes", "held-requests", "allocations"):
            await it.press(next(view.number for view in VIEWS if view.key == key))
            assert "Only what came after the mark" in it.text, key
            assert "C Clears the mark" in it.text, key


async def test_a_trace_that_is_complete_or_has_ended_takes_no_mark(demo: Moments) -> None:
    async with opened(demo.now, (120, 40), "tags") as it:
        before = it.text
        await it.press("M")
        assert "nothing comes after a mark" in it.told[0]
        assert it.column("tag")
        assert "SINCE" not in it.text
        it.screen.show(demo.now)
        it.screen.show(demo.now, "SESSION ENDED", ended=True)
        await it.press("M")
        assert "SINCE" not in it.text
        assert before.splitlines()[3:10] == it.lines[3:10]


def test_no_count_since_a_mark_is_below_nothing(leaks: Moments) -> None:
    shown = since(leaks).pool
    for table in (shown.tags, shown.sites):
        assert (np.minimum(table.allocations, table.frees) >= 0).all()
