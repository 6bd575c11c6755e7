"""Memory of the interface while snapshots keep coming and the outstanding set stays as large as it is."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.interface.driven import driven, seconds
from benchmarks.interface.plan import Plan
from benchmarks.interface.rows import against_budget
from benchmarks.interface.snapshots import snapshot
from benchmarks.size import MIB
from benchmarks.table import Row, Unit
from tui.app import PoolscopeApp
from tui.screens.main import MainScreen
from tui.views.registry import VIEWS

OUTSTANDING: Final = 20_000
BUDGET: Final = 8 * MIB
"""How much more may be resident in the last quarter than in the second: an allocator's own ups and downs."""
LEAST_SAMPLES: Final = 40
_KEYS: Final = ("down", "enter", "escape", "end", "home")


def rows(plan: Plan) -> Iterator[Row]:
    """Growth from the second quarter to the last; the first fills caches."""
    section = f"memory: {plan.soak_minutes:g} minutes of snapshots, {OUTSTANDING:,} outstanding in each, all views"
    if sys.platform != "linux":
        yield Row(section, "growth", problem="what is resident now is told by Linux only")
        return
    samples = asyncio.run(_soak(plan.soak_minutes * 60))
    quarter = len(samples) // 4
    early, late = median(samples[quarter : 2 * quarter]), median(samples[-quarter:])
    yield against_budget(section, "resident in the second quarter", early, None, Unit.BYTES)
    note = f"{len(samples)} snapshots"
    yield against_budget(section, "growth to the last quarter", max(late - early, 0), BUDGET, Unit.BYTES, note)


async def _soak(duration: float) -> list[int]:
    samples: list[int] = []
    app = PoolscopeApp(snapshot(OUTSTANDING), "tags")
    began = time.monotonic()
    async with driven(app):
        screen = app.screen
        assert isinstance(screen, MainScreen)
        while time.monotonic() - began < duration or len(samples) < LEAST_SAMPLES:
            moment = len(samples)
            screen.show(snapshot(OUTSTANDING, moment))
            await seconds(app, VIEWS[moment % len(VIEWS)].number)
            await seconds(app, _KEYS[moment // len(VIEWS) % len(_KEYS)])
            gc.collect()  # what can be given back at any time is no leak
            samples.append(_resident())
    return samples


def _resident() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024
