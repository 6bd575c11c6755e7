"""What changed since other traces, and where each row leads in the last one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.comparison.changes import compare
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from tests.tui.comparing import compared
from tests.tui.session import Session, opened, running
from tui.app import PoolscopeApp
from tui.reading.compared import Compared

LEAK = "CtFl (nonpaged)"


@pytest.fixture(scope="module")
def leak(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """A clean trace, then one that leaks; long enough for a rate."""
    return compared(["cache", "missing-free"], think_ns=20_000_000, folder=tmp_path_factory.mktemp("leak"))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    return compared(["missing-free", "cache", "cache"], folder=tmp_path_factory.mktemp("series"))


def app(found: Compared) -> PoolscopeApp:
    return PoolscopeApp(found.snapshots[-1], compared=found)


async def at(it: Session, what: str, by: str) -> None:
    """The cursor on a row."""
    view = it.table.view
    columns = [view.model.column(key) for key in ("what", "by")]
    rows = [row for row in view.order.tolist() if (columns[0].text(row), columns[1].text(row)) == (what, by)]
    assert len(rows) == 1, it.text
    it.table.action_move_to(view.order.tolist().index(rows[0]))
    await it.pilot.pause()


async def test_it_opens_on_what_changed_first(leak: Compared) -> None:
    async with running(app(leak), (120, 40)) as it:
        assert it.place == "changes"
        assert "CHANGED: 5 new" in it.text
        assert it.column("what")[0] == LEAK
        assert it.column("change")[:6] == ["new"] * 5 + ["steady"]
        assert it.column("by")[:5] == ["tag", "driver", "call site", "process", "verdict"]
        assert it.column("sure")[5:] == ["-"] * (len(it.table.view) - 5)
        assert "99 % sure; two runs of one load do not differ by so much" in it.panel
        assert "a second more" in it.panel


async def test_a_steady_row_has_no_growth_to_tell(leak: Compared) -> None:
    async with running(app(leak), (120, 40)) as it:
        await it.press("end")
        assert "what is kept differs by no more than in two runs of one load" in it.panel
        assert "growth:" not in it.panel
        assert set(it.column("rate")[5:]) == {""}


@pytest.mark.parametrize(
    ("by", "what", "place"),
    [
        ("tag", LEAK, "stacks"),
        ("driver", "contosoflt.sys", "findings"),
        ("driver", "netio.sys", "stacks"),
        ("process", "backup.exe", "stacks"),
        ("verdict", "missing-free: contosoflt.sys", "findings"),
    ],
)
async def test_enter_leads_to_what_a_row_is_about(leak: Compared, by: str, what: str, place: str) -> None:
    difference = next(
        each for each in leak.comparison.differences if each.by == by and each.key[-1 if by == "verdict" else 0] in what
    )
    async with running(app(leak), (120, 40)) as it:
        await at(it, what, by)
        await it.press("enter")
        assert it.place == place
        assert it.scope
        held = select(leak.snapshots[-1], it.scope).pool.outstanding
        assert (len(held), int(held.size.sum())) == (difference.after.count, difference.after.bytes)
        await it.press("escape")
        assert it.place == "changes"


async def test_enter_on_a_call_site_leads_to_all_of_its_allocations(leak: Compared) -> None:
    async with running(app(leak), (160, 40)) as it:
        await at(it, it.column("what")[2], "call site")
        await it.press("enter")
        assert it.place == "allocations"
        assert len(it.table.view) == _after(leak, "site")
        assert "Limited to tag CtFl Nonp, call site" in it.text


def _after(found: Compared, by: str) -> float:
    return next(each.after.count for each in found.comparison.differences if each.by == by)


async def test_what_is_gone_leads_nowhere_and_says_so(series: Compared) -> None:
    async with running(app(series), (120, 40)) as it:
        await at(it, LEAK, "tag")
        assert "the last trace has none of it" in it.panel
        await it.press("enter")
        assert it.place == "changes"


async def test_a_series_shows_every_trace(series: Compared) -> None:
    async with running(app(series), (160, 40)) as it:
        assert "CHANGED (trace 3 against 1): " in it.text
        await at(it, LEAK, "tag")
        assert "in 2, " in it.panel
        assert "in 3, " in it.panel
        drawn = it.column("series")[it.column("what").index(LEAK)]
        assert drawn == "████", "the first third of twelve cells, then nothing"


async def test_rows_are_filtered_by_change_and_kind(leak: Compared) -> None:
    async with running(app(leak), (120, 40)) as it:
        assert it.view.narrow("change:new by:driver") == ""
        assert it.column("what") == ["contosoflt.sys"]
        assert it.view.narrow("after>1k -change:steady") == ""
        assert set(it.column("change")) == {"new"}


async def test_it_is_sorted_by_any_column(leak: Compared) -> None:
    async with running(app(leak), (120, 40)) as it:
        await it.press("b")
        after = [each.after.bytes for each in leak.comparison.differences]
        names, rows = it.view.exported()
        assert [row[names.index("after_bytes")] for row in rows] == sorted(after, reverse=True)


async def test_an_export_has_all_digits(leak: Compared) -> None:
    async with running(app(leak), (80, 24)) as it:
        names, rows = it.view.exported()
        assert " ".join(names) == (
            "rank what change by before_bytes after_bytes sure_percent bytes_per_hour outstanding_before outstanding"
        )
        first = dict(zip(names, rows[0], strict=True))
        assert (first["before_bytes"], first["sure_percent"]) == (0, 99)
        assert first["after_bytes"] == leak.comparison.differences[0].after.bytes


async def test_limits_of_other_views_do_not_change_it(leak: Compared) -> None:
    async with running(app(leak), (120, 40)) as it:
        rows = len(it.table.view)
        await it.press("enter", "D")
        assert (it.place, len(it.table.view)) == ("changes", rows)
        await it.press("2")
        assert it.place == "tags"


async def test_a_trace_alone_has_no_such_view(leak: Compared) -> None:
    snapshot: Snapshot = leak.snapshots[-1]
    async with opened(snapshot, (120, 40), "tags") as it:
        await it.press("D")
        assert it.place == "tags"
        assert "Changes" not in it.text
        for _ in range(10):
            await it.press("tab")
        assert it.place == "tags"


async def test_traces_that_cannot_be_compared_say_why(leak: Compared) -> None:
    first = leak.snapshots[0]
    empty = replace(first, pool=replace(first.pool, totals=replace(first.pool.totals, allocations=0, frees=0)))
    found = compare([empty, leak.snapshots[-1]])
    none = Compared(found, (empty, leak.snapshots[-1]), (("no pool events",), ()))
    async with running(app(none), (120, 40)) as it:
        assert "Without pool events in both the first and the last trace" in it.text
