"""The same rows in textual's own table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from benchmarks.interface.driven import SIZE
from benchmarks.interface.plan import Plan
from benchmarks.interface.rows import against_budget
from benchmarks.interface.snapshots import snapshot
from benchmarks.table import Bound, Row
from tui.tables.allocations import allocation_table
from tui.tables.columns import TableModel
from tui.widgets.virtual_table import VirtualTable

LEAST_RATIO: Final = 20.0
"""Textual's time over ours; with less, its table would have done."""


class _Theirs(App[None]):
    def compose(self) -> ComposeResult:
        yield DataTable()


class _Ours(App[None]):
    CSS = "VirtualTable { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield VirtualTable(TableModel((), 0), "bytes")


def rows(plan: Plan) -> Iterator[Row]:
    """Taking the rows in until they are drawn, each once."""
    model = allocation_table(snapshot(plan.beside))
    theirs, ours = asyncio.run(_fill_theirs(model)), asyncio.run(_fill_ours(model))
    section = f"{plan.beside:,} rows, until they are drawn"
    yield against_budget(section, "textual's DataTable", theirs, None)
    yield Row(
        section,
        "Poolscope's table",
        ours,
        ratio=theirs / ours,
        to="as fast",
        bound=Bound.AT_LEAST,
        limit=LEAST_RATIO,
        note="and it reads no markup in a name",
    )


async def _fill_theirs(model: TableModel) -> float:
    app = _Theirs()
    async with app.run_test(size=SIZE) as pilot:
        table = app.query_one(DataTable)
        began = time.perf_counter()
        table.add_columns(*(column.heading.title for column in model.columns))
        table.add_rows([column.text(row) for column in model.columns] for row in range(model.length))
        await pilot.pause()
        return time.perf_counter() - began


async def _fill_ours(model: TableModel) -> float:
    app = _Ours()
    async with app.run_test(size=SIZE) as pilot:
        table = app.query_one(VirtualTable)
        began = time.perf_counter()
        table.replace(model, int)
        await pilot.pause()
        return time.perf_counter() - began
