from __future__ import annotations

import numpy as np
import pytest

from analyzers.pool_tables import Frame
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tests.tui.session import opened
from tests.tui.stories import Site, Story
from tests.tui.views.listings import everything_said, is_harmless, scene
from tui.tables.call_paths import Direction
from tui.tables.model import SortedTable
from tui.tables.sites import NO_STACK_TEXT
from tui.tables.stack_tree import ENDS_HERE
from tui.views.listing import Location
from tui.views.stacks import StackView, tree_of
from tui.views.tree_view import Folds, Tree

ENTRY, CALL, A, B, POOL = (Frame(0x1000 * n, name, 0) for n, name in enumerate(("entry", "call", "a", "b", "pool"), 1))


def forked() -> Snapshot:
    """entry > call > (a > pool | b > pool, and b itself), and what has no stack."""
    stacks = {0: (POOL, A, CALL, ENTRY), 1: (POOL, B, CALL, ENTRY), 2: (B, CALL, ENTRY)}
    sites = [
        Site("Aaaa", 0, "a", [100] * 3, freed=7),
        Site("Bbbb", 1, "b", [50] * 2),
        Site("Bbbb", 2, "b", [25], process=4),
        Site("Cccc", -1, "", [5]),
        Site("Dddd", 0, "a", [10]),
    ]
    return Story(sites=sites, processes={4330: "client.exe", 4: "System"}, stacks=stacks).make()


def tree(snapshot: Snapshot, direction: Direction, folds: Folds | None = None, scope: Query | None = None) -> Tree:
    return tree_of(direction)(scene(snapshot, scope or Query()))(folds or {})


def lines(one: Tree, needle: str = "", *, key: str = "bytes") -> list[str]:
    """Bytes and name of the rows as they stand on the screen."""
    view = SortedTable(one.listing.model, key, descending=True)
    view.filter_by(needle)
    cells = [one.listing.model.column(name) for name in ("outstanding", "frames")]
    return [" ".join(cell.text(int(row)) for cell in cells) for row in view.order]


def all_open(snapshot: Snapshot, direction: Direction) -> Tree:
    folds: dict[object, bool] = {}
    for _ in range(5):
        one = tree(snapshot, direction, folds)
        folds |= {one.branches.key(row): True for row in np.flatnonzero(one.branches.can_open).tolist()}
    return tree(snapshot, direction, folds)


def test_callers_first_a_chain_without_a_fork_is_one_row() -> None:
    assert lines(tree(forked(), Direction.CALLERS)) == [
        "7 + entry+0x0 > call+0x0",
        f"1   {NO_STACK_TEXT}",
    ]


def test_open_rows_show_where_the_stacks_fork() -> None:
    assert lines(all_open(forked(), Direction.CALLERS)) == [
        "7 - entry+0x0 > call+0x0",
        "4     a+0x0 (+1)",
        "3   - b+0x0",
        "2       pool+0x0",
        f"1       {ENDS_HERE}",
        f"1   {NO_STACK_TEXT}",
    ]


def test_callees_first_the_allocating_end_comes_first() -> None:
    assert lines(all_open(forked(), Direction.CALLEES)) == [
        "6 - pool+0x0",
        "4     a+0x0 (+2)",
        "2     b+0x0 (+2)",
        "1   b+0x0 (+2)",
        f"1   {NO_STACK_TEXT}",
    ]


def test_a_root_that_is_alone_is_open_until_somebody_closes_it() -> None:
    scope = Query(driver="b")
    one = tree(forked(), Direction.CALLERS, scope=scope)
    assert len(lines(one)) == 3
    assert len(lines(tree(forked(), Direction.CALLERS, {one.branches.key(0): False}, scope))) == 1


def test_bytes_counts_and_shares_add_up_over_what_lies_below() -> None:
    model = all_open(forked(), Direction.CALLERS).listing.model
    top = next(row for row in range(model.length) if "entry" in model.column("frames").text(row))
    shown = {key: model.column(key).text(top) for key in ("bytes", "share", "allocations", "stacks")}
    assert shown == {"bytes": "435 B", "share": "98.8 %", "allocations": "14", "stacks": "3"}


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("key", ["bytes", "outstanding", "stacks", "frames"])
def test_however_sorted_rows_stand_below_their_parents(key: str, *, descending: bool) -> None:
    one = all_open(forked(), Direction.CALLERS)
    order = SortedTable(one.listing.model, key, descending=descending).order.tolist()
    open_rows: list[int] = []
    for row in order:
        parent = int(one.branches.parent[row])
        while open_rows and open_rows[-1] != parent:
            open_rows.pop()
        assert parent == (open_rows[-1] if open_rows else -1)
        open_rows.append(row)
    assert sorted(order) == list(range(one.listing.model.length))


@pytest.mark.parametrize(
    ("needle", "found"),
    [("a+0x0", 1), ("CALL", 1), ("bbbb", 1), ("system", 1), ("(no", 0), ("zzz", 0), ("cccc", 1)],
)
def test_a_filter_finds_what_lies_below_closed_rows(needle: str, found: int) -> None:
    assert len(lines(tree(forked(), Direction.CALLERS), needle)) == found


def test_a_single_stack_leads_to_its_allocations_and_a_fork_nowhere() -> None:
    one = all_open(forked(), Direction.CALLERS)
    rows = {one.listing.model.column("frames").text(row).strip(): row for row in range(one.listing.model.length)}
    assert one.listing.step(rows["- b+0x0"]) is None
    assert one.listing.step(rows["a+0x0 (+1)"]) == Location("allocations", Query(stack=0), "a+0x0 > pool+0x0")
    assert one.listing.step(rows[NO_STACK_TEXT]) == Location("allocations", Query(stack=-1), NO_STACK_TEXT)


def test_the_panel_tells_tags_and_frames() -> None:
    one = all_open(forked(), Direction.CALLERS)
    said = [one.listing.describe(row).plain for row in range(one.listing.model.length)]
    whole = next(words for words in said if "at 3 stacks" in words)
    assert "tags: Aaaa Nonp 300 B, Bbbb Nonp 125 B, Dddd Nonp 10 B" in whole
    assert "Frames that they share, callers first\n  entry+0x0\n  call+0x0" in whole
    single = next(words for words in said if "tags: Aaaa" in words and "at 1 stack;" in words)
    assert single.endswith("  entry+0x0\n  call+0x0\n  a+0x0\n  pool+0x0")


def test_a_trace_without_pool_events_has_no_stacks(empty_snapshot: Snapshot) -> None:
    assert tree(empty_snapshot, Direction.CALLEES).listing.model.length == 0


@pytest.mark.parametrize("direction", list(Direction))
def test_hostile_names_are_harmless(hostile_snapshot: Snapshot, direction: Direction) -> None:
    assert is_harmless(everything_said(all_open(hostile_snapshot, direction).listing).replace("\n", ""))


async def test_keys_open_close_and_turn_the_tree() -> None:
    async with opened(forked(), (100, 30), "stacks") as it:
        view = it.screen.view
        assert isinstance(view, StackView)
        assert "Frames, callees first" in it.text
        await it.press("c")
        assert "Frames, callers first" in it.text
        assert len(view.table.view) == 2
        await it.press("right", "down", "down", "plus")
        assert len(view.table.view) == 6
        assert "- b+0x0" in it.text
        await it.press("down", "left")
        assert view.table.cursor == 2
        await it.press("minus", "left", "left")
        assert len(view.table.view) == 2
        await it.press("enter")
        assert len(view.table.view) == 4
        await it.press("down", "enter")
        assert it.place == "allocations"
        assert it.scope.stack == 0
