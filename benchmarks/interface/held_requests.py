"""Many held requests: their view opened, sorted and filtered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Final

from analyzers.findings import Diagnosis, EventRef, HeldRequest, HeldRequests, ThreadSince, Why
from benchmarks.interface.driven import driven, seconds
from benchmarks.interface.plan import Plan
from benchmarks.interface.rows import against_budget
from benchmarks.interface.snapshots import snapshot
from benchmarks.interface.table_of_a_million import BUDGET
from benchmarks.table import Row
from tui.app import PoolscopeApp

_RUNS: Final = 5
_THREADS: Final = 500
_SOCKETS: Final = 20_000
_PORTS: Final = 20
_WHYS: Final = (Why.USER_APC, Why.USER_APC, Why.PORT, Why.DRIVER_KEPT)
_MICROSECOND: Final = 1_000
_STEPS: Final = (
    ("open held requests", ("6",), ()),
    ("sort by what they retain", ("r",), ("a",)),
    ("filter by a process", ("slash", *"program7", "enter"), ("escape", "1")),
)
"""What is measured: the keys, and the keys that undo it outside the measurement; the last leaves the view."""


def rows(plan: Plan) -> Iterator[Row]:
    """One row for each of the steps: the middle of some runs."""
    times = asyncio.run(_measure(plan.held))
    section = f"{plan.held:,} held requests, made up, middle of {_RUNS}, 160x48"
    for name, keys, _ in _STEPS:
        note = f"each of {len(keys)} keys" if len(keys) > 1 else ""
        yield against_budget(section, name, median(times[name]) / len(keys), BUDGET, note=note)


async def _measure(count: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name, *_ in _STEPS}
    made_up = snapshot(count)
    held = HeldRequests.of(_request(row, made_up.at_ns) for row in range(count))
    app = PoolscopeApp(replace(made_up, diagnosis=Diagnosis((), (), held)), "findings")
    async with driven(app):
        for _ in range(_RUNS):
            for name, keys, undo in _STEPS:
                times[name].append(await seconds(app, *keys))
                await seconds(app, *undo)
    return times


def _request(row: int, at_ns: int) -> HeldRequest:
    thread, issued = row % _THREADS, row * _MICROSECOND
    return HeldRequest(
        irp=0xFFFF9A8000000000 + row * 0x200,
        match_id=row,
        why=_WHYS[thread % len(_WHYS)],
        thread_id=4 * thread + 1_000,
        process_id=4 * (thread % 100),
        process=f"program{thread % 50}.exe",
        issued_ns=issued,
        completed_ns=issued + _MICROSECOND,
        age_ns=at_ns - issued - _MICROSECOND,
        since=ThreadSince.RAN,
        says="ran since",
        endpoint=0xFFFF9A9000000000 + row % _SOCKETS * 0x100,
        port=thread % _PORTS,
        driver="",
        retained_bytes=row % 4096,
        rule="finished-not-retired",
        inferred=True,
        issued=EventRef(issued, "irp", 0, row),
        completed=EventRef(issued + _MICROSECOND, "irp", 0, row),
    )
