"""Opening, sorting and filtering the table of single allocations."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from statistics import median
from typing import Final

from benchmarks.interface.driven import driven, seconds
from benchmarks.interface.plan import Plan
from benchmarks.interface.rows import against_budget
from benchmarks.interface.snapshots import snapshot
from benchmarks.table import Row
from tui.app import PoolscopeApp

BUDGET: Final = 0.3
"""Seconds until a person sees the answer."""
_RUNS: Final = 5
_STEPS: Final = (
    ("open the view", ("8",), ("1",)),
    ("sort by size", ("b",), ()),
    ("sort by process, which is text", ("p",), ()),
    ("filter by a process", ("slash", *"program7", "enter"), ("escape",)),
    ("filter by size", ("slash", *"size>3k", "enter"), ("escape",)),
    ("to the last row", ("G",), ("g",)),
)
"""What is measured: the keys, and the keys that undo it outside the measurement."""


def rows(plan: Plan) -> Iterator[Row]:
    """One row for each of the steps: the middle of some runs."""
    times = asyncio.run(_measure(plan.outstanding))
    section = f"{plan.outstanding:,} outstanding allocations, made up, middle of {_RUNS}, screen 160x48"
    for name, taken in times.items():
        keys = next(len(keys) for step, keys, _ in _STEPS if step == name)
        note = f"{keys} keys, each filters" if keys > 1 else ""
        yield against_budget(section, name, median(taken) / keys, BUDGET, note=note)


async def _measure(count: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name, _, _ in _STEPS}
    app = PoolscopeApp(snapshot(count), "findings")
    async with driven(app):
        for _ in range(_RUNS):
            for name, keys, undo in _STEPS:
                if undo == ("1",):
                    await seconds(app, "1")
                times[name].append(await seconds(app, *keys))
                if undo != ("1",):
                    await seconds(app, *undo)
    return times
