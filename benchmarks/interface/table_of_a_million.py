"""A million outstanding allocations: every view opened, the table of them sorted and filtered, an interval set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from statistics import median
from typing import Final

from benchmarks.interface.driven import driven, seconds
from benchmarks.interface.plan import Plan
from benchmarks.interface.rows import against_budget
from benchmarks.interface.snapshots import SITES, snapshot
from benchmarks.table import Row
from tui.app import PoolscopeApp
from tui.views.registry import VIEWS

BUDGET: Final = 0.3
"""Seconds until a person sees the answer."""
_RUNS: Final = 5
_STEPS: Final = (
    *((f"open {view.title}", (view.number,), ("0" if view.number == "1" else "1",)) for view in VIEWS),
    ("back to Allocs, for what follows", ("8",), ()),
    ("sort by size", ("b",), ("a",)),
    ("sort by process, which is text", ("s",), ("a",)),
    ("filter by a process", ("slash", *"program7", "enter"), ("escape",)),
    ("filter by size", ("slash", *"size>3k", "enter"), ("escape",)),
    ("to the last row", ("G",), ("g",)),
    ("select the last third, for what follows", ("9", *["left"] * 20, "left_square_bracket"), ()),
    ("limit everything to an interval", ("enter",), ("escape",)),
)
"""What is measured: the keys, and the keys that undo it outside the measurement."""


def rows(plan: Plan) -> Iterator[Row]:
    """One row for each of the steps: the middle of some runs."""
    yield from _rows(plan, SITES)


def rows_of_many_sites(plan: Plan) -> Iterator[Row]:
    """The same where the allocations lie at a tenth as many sites: what is by stack is long as well."""
    yield from _rows(plan, max(plan.outstanding // 10, 1))


def _rows(plan: Plan, sites: int) -> Iterator[Row]:
    times = asyncio.run(_measure(plan.outstanding, sites))
    section = f"{plan.outstanding:,} outstanding allocations at {sites:,} sites, made up, middle of {_RUNS}, 160x48"
    for name, taken in times.items():
        keys = next(len(keys) for step, keys, _ in _STEPS if step == name)
        note = f"each of {keys} keys" if keys > 1 else ""
        yield against_budget(section, name, median(taken) / keys, BUDGET, note=note)


async def _measure(count: int, sites: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name, _, undo in _STEPS if undo}
    app = PoolscopeApp(snapshot(count, sites=sites), "findings")
    async with driven(app):
        for _ in range(_RUNS):
            await seconds(app, "0")
            for name, keys, undo in _STEPS:
                taken = await seconds(app, *keys)
                if name in times:
                    times[name].append(taken)
                await seconds(app, *undo)
    return times
