"""What stands on a line whole or not at all, and what gives way where a line is short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.text import Text

from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import analysed
from tests.tui.session import opened
from tracer.live.profile import Recording, xperf_lines
from tui.report.recording import HOW_IN_SHORT
from tui.report.wrapping import wrapped
from tui.tables.columns import Column, Heading, NumberColumn, labels_of
from tui.tables.fitting import fit
from tui.widgets.chart import ChartData, ChartMark, mark_line
from tui.widgets.trace_bar import that_fit


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


def with_losses(snapshot: Snapshot) -> Snapshot:
    totals = replace(snapshot.pool.totals, replaced_without_free=32, failed_allocations=7)
    loss = replace(snapshot.loss, events_lost=155)
    return replace(snapshot, pool=replace(snapshot.pool, totals=totals), loss=loss)


def test_totals_that_have_no_room_are_left_out_whole() -> None:
    parts = [Text("outstanding 5"), Text("  allocs 12"), Text("  frees 7"), Text(", 3 older")]
    assert that_fit(parts, 42).plain == "outstanding 5  allocs 12  frees 7, 3 older"
    assert that_fit(parts, 41).plain == "outstanding 5  allocs 12  frees 7"
    assert that_fit(parts, 24).plain == "outstanding 5  allocs 12"
    assert that_fit(parts, 5).plain == "outstanding 5"


@pytest.mark.parametrize(("width", "end"), [(60, "allocs 6,745"), (80, "+ 32 lost"), (120, "40 unmatched")])
async def test_the_totals_of_a_trace_with_losses_end_with_a_whole_number(demo: Snapshot, width: int, end: str) -> None:
    async with opened(with_losses(demo), (width, 24)) as it:
        assert "7 failed  allocs 6,745" in it.lines[1]
        assert it.lines[1].endswith(end)


@pytest.mark.parametrize(
    ("change", "title", "words"),
    [(lambda whole: whole, "Older", "12 of them of older blocks"), (with_losses, "Extra", "12 unmatched")],
)
async def test_allocations_frees_and_what_is_outstanding_add_up_by_a_column_of_the_tags(
    demo: Snapshot, change: Callable[[Snapshot], Snapshot], title: str, words: str
) -> None:
    async with opened(change(demo), (80, 30), "tags") as it:
        tags = demo.pool.tags
        older = [int(text or 0) for text in it.column("older")]
        assert title in it.text
        sums = [int(sum(column[list(it.table.view.order)])) for column in (tags.allocations, tags.frees)]
        assert sums[0] - sums[1] + sum(older) == demo.pool.totals.outstanding_count
        await it.press("down", "down", "down")
        assert f"236 allocs, 239 frees, {words}" in it.panel


@pytest.mark.parametrize("width", [30, 40, 60])
async def test_the_retention_tree_has_names_on_the_smallest_terminals(demo: Snapshot, width: int) -> None:
    async with opened(demo, (width, 20), "retention") as it:
        assert any("- client.exe" in line and "KiB" in line for line in it.lines), it.text


async def test_reasons_of_the_retention_tree_are_whole_at_100_columns(demo: Snapshot) -> None:
    async with opened(demo, (100, 30), "retention") as it:
        assert "~completed, not yet delivered" in it.text
        assert "holds the request's IRP" in it.text
        assert "…" not in it.text


def test_a_column_that_tells_nothing_takes_no_room() -> None:
    def column(key: str, values: list[int]) -> NumberColumn:
        return NumberColumn(Heading(key, key), np.array(values), lambda value: str(value) if value else "-")

    nobody = labels_of(Heading("nobody", "nobody"), ["-", ""])
    columns: list[Column] = [column("none", [0, 0]), column("some", [0, 3]), nobody, column("all", [3, 3])]
    assert [each.heading.key for each, _ in fit(columns, 80)] == ["some", "all"]
    assert [each.heading.key for each, _ in fit([columns[0]], 80)] == ["none"], "a table has a column"


def test_a_finding_is_marked_in_full_whatever_else_is_there() -> None:
    nothing = np.ones(10, np.int64)
    marks = (*(ChartMark(step, "!") for step in range(10)), ChartMark(2, "F1"), ChartMark(9, "F2"))
    chart = ChartData(nothing, nothing, 1, marks)
    assert mark_line(chart, 3, 10) == "!!F1!!!!F2"
    assert mark_line(chart, 5, 10) == "!!F1!^!!F2"


async def test_the_last_of_many_keys_is_whole_at_80_columns(demo: Snapshot) -> None:
    async with opened(demo, (80, 24), "tags") as it:
        await it.press("enter")
        assert "esc Back" in it.lines[-1]
        assert it.lines[-1].endswith("^p Palette")


@pytest.mark.parametrize(("view", "end"), [("tags", "driver:"), ("findings", "verdict:"), ("allocations", "tag:")])
async def test_what_a_filter_offers_is_whole_and_is_not_about_ids_first(demo: Snapshot, view: str, end: str) -> None:
    async with opened(demo, (80, 24), view) as it:
        await it.press("slash")
        line = it.lines[-2]
        assert line.rpartition("  ")[0].rstrip().endswith(f"  {end}"), line
        assert "rank" not in line
        assert "address" not in line


@pytest.mark.parametrize("view", ["tags", "held-requests", "sockets"])
async def test_how_to_record_what_is_not_there_fits_a_small_terminal(view: str, empty_snapshot: Snapshot) -> None:
    async with opened(empty_snapshot, (80, 24), view) as it:
        shown = " ".join(it.text.split())
        assert " ".join(HOW_IN_SHORT.split()) in shown
        assert "Open" not in it.lines[-1], "there is nothing to open"
        await it.press("0")
        assert all(line in it.view.copied() for line in xperf_lines(Recording())), "where it leads to"


async def test_a_tree_is_filtered_by_the_name_of_its_column(demo: Snapshot) -> None:
    for view, term in (("retention", "what-holds:afdsend"), ("stacks", "frames:ntfs")):
        async with opened(demo, (80, 24), view) as it:
            before = len(it.table.view)
            assert it.view.narrow(term) == ""
            assert 0 < len(it.table.view) < before


def test_a_sentence_behind_a_short_table_goes_on_in_its_column() -> None:
    for start in ("  Nbuf Nonp  72.0 KiB  ", "  MmSt Paged 4.50 KiB  ", "  how much  "):
        first, second, *_ = wrapped([Text(f"{start}younger than this kind usually gets before it is freed")], 50)
        assert first.plain.startswith(f"{start}younger")
        assert len(second.plain) - len(second.plain.lstrip()) == len(start)
