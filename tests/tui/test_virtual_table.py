"""The table itself: what stays where when rows are replaced, and what a million of them cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tui.tables.columns import Heading, NumberColumn, TableModel, labels_of
from tui.tables.order import coded, same_order, sorted_rows
from tui.widgets.virtual_table import VirtualTable


def model(names: Sequence[str], values: Sequence[int], changed: Sequence[bool] | None = None) -> TableModel:
    columns = (
        labels_of(Heading("name", "Name", "t"), list(names)),
        NumberColumn(
            Heading("value", "Value", "b", right=True, most_first=True, change="delta"), np.array(values), str
        ),
        NumberColumn(Heading("delta", "Δ", right=True, most_first=True), -np.array(values), str),
    )
    return TableModel(columns, len(names), changed=None if changed is None else np.array(changed))


class Shown(App[None]):
    def __init__(self, first: TableModel) -> None:
        super().__init__()
        self.table = VirtualTable(first, "value")

    def compose(self) -> ComposeResult:
        yield self.table

    def on_mount(self) -> None:
        self.table.focus()


@asynccontextmanager
async def shown(first: TableModel) -> AsyncIterator[tuple[VirtualTable, Pilot[None]]]:
    app = Shown(first)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        yield app.table, pilot


def names(table: VirtualTable) -> list[str]:
    return [table.view.model.column("name").text(int(row)) for row in table.view.order]


def put(table: VirtualTable, next_names: Sequence[str], values: Sequence[int], *, keyed: bool = False) -> None:
    table.replace(model(next_names, values), lambda row: next_names[row], np.array(list(next_names)) if keyed else None)


@pytest.mark.parametrize("keyed", [False, True])
async def test_the_cursor_stays_on_its_row_when_rows_come_and_go(keyed: bool) -> None:
    async with shown(model((), ())) as (table, pilot):
        put(table, "abc", (3, 2, 1), keyed=keyed)
        await pilot.press("down")
        assert table.view.model.column("name").text(table.row or 0) == "b"
        put(table, "xyabc", (9, 8, 3, 2, 1), keyed=keyed)
        assert (table.cursor, table.row) == (3, 3)
        put(table, "xyac", (9, 8, 3, 1), keyed=keyed)
        assert table.cursor == 3
        put(table, "a", (1,), keyed=keyed)
        assert table.cursor == 0


@pytest.mark.parametrize("keyed", [False, True])
async def test_a_frozen_order_stays_while_values_change_and_new_rows_come_last(keyed: bool) -> None:
    async with shown(model((), ())) as (table, pilot):
        put(table, "abc", (3, 2, 1), keyed=keyed)
        await pilot.press("o")
        put(table, "cdab", (9, 8, 1, 5), keyed=keyed)
        assert names(table) == ["a", "b", "c", "d"]
        await pilot.press("o")
        assert names(table) == ["c", "d", "b", "a"]


async def test_parentheses_sort_by_changes_and_the_filter_stays() -> None:
    async with shown(model("abc", (3, 2, 1))) as (table, _):
        table.sort_by_change(True)
        assert names(table) == ["c", "b", "a"]
        table.replace(model("abcd", (3, 2, 1, 7)), lambda row: "abcd"[row])
        assert names(table) == ["c", "b", "a", "d"]
        table.sort_by_change(False)
        assert names(table) == ["d", "a", "b", "c"]


async def test_n_goes_to_rows_that_fit_the_last_filter_and_round_at_the_end() -> None:
    async with shown(model(("ax", "b", "cx", "d"), (4, 3, 2, 1))) as (table, pilot):
        await pilot.press("n")
        assert table.cursor == 0
        table.filter_by("x")
        table.filter_by("")
        places = []
        for key in ("n", "n", "n", "N", "N"):
            await pilot.press(key)
            places.append(table.cursor)
        assert places == [2, 0, 2, 0, 2]
        table.filter_by("zzz")
        table.filter_by("")
        await pilot.press("n")
        assert table.cursor == 0


async def test_changed_rows_stand_out_until_one_wants_no_more() -> None:
    async with shown(model("ab", (2, 1), (False, True))) as (table, _):
        plain = table.render_line(1).text
        assert "a" in plain
        marked = {segment.style for segment in table.render_line(2) if segment.text.strip()}
        table.highlight(False)
        assert {segment.style for segment in table.render_line(2) if segment.text.strip()} == {table.rich_style}
        assert marked


def test_a_frozen_order_is_found_again_by_keys_of_any_kind() -> None:
    assert same_order(np.array([5, 3, 9]), np.array([3, 7, 9, 5])).tolist() == [3, 0, 2, 1]
    assert same_order(np.array([], np.int64), np.array([3, 7])).tolist() == [0, 1]
    assert same_order(np.array([5, 3]), np.array([], np.int64)).tolist() == []
    kept = same_order(np.array([5, 3]), np.array([3, 3, 5]))
    assert sorted(kept.tolist()) == [0, 1, 2]
    assert same_order(*coded("abc".__getitem__, np.array([2, 0, 1]), "bca".__getitem__, 3)).tolist() == [1, 2, 0]


@pytest.mark.parametrize("spread", [3, 60_000, 70_000, 1 << 60])
@pytest.mark.parametrize("descending", [False, True])
def test_rows_that_compare_equal_keep_their_order_whatever_the_spread(spread: int, descending: bool) -> None:
    values = np.array([0, spread, 5, spread, 0, 5]) - 7
    column = NumberColumn(Heading("n", "N"), values, str)
    expected = sorted(range(6), key=lambda row: -int(values[row]) if descending else int(values[row]))
    assert sorted_rows(column, descending=descending).tolist() == expected


@pytest.mark.parametrize("keyed", [False, True])
async def test_a_table_that_lets_go_of_its_rows_finds_cursor_order_and_filter_again(keyed: bool) -> None:
    async with shown(model((), ())) as (table, pilot):
        put(table, ["a", "b", "c", "d"], [1, 2, 3, 4], keyed=keyed)
        table.sort_by("value")
        table.filter_by("-d")
        await pilot.press("down")
        table.forget()
        assert table.view.model.length == 0
        put(table, ["d", "new", "c", "b", "a"], [4, 9, 3, 2, 1], keyed=keyed)
        await pilot.pause()
        assert names(table) == ["a", "b", "c", "new"]
        assert names(table)[table.cursor] == "b"
