"""Memory of the interface while snapshots keep coming and the outstanding set stays as large as it is.

What is resident tells what a person sees in a task manager, but also an allocator's ups and downs. What is *kept* is
exact: Python's live blocks, and how many snapshots somebody still refers to. With ``steps`` instead of minutes the same
is driven without waiting, so that five minutes of watching take a fraction of that.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from analyzers.snapshot import Snapshot
from benchmarks.interface.driven import SIZE, driven, seconds
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
KEPT_SNAPSHOTS: Final = 6
"""The first, the shown, the one before it, the one in hand, and a view's own narrowed ones."""
BLOCKS_BUDGET: Final = 0.02
"""How many more of Python's blocks may be live, of those at first: texts of changing numbers fill bounded caches."""
LEAST_STEPS: Final = 400
_SAMPLED: Final = 10
"""Steps from one look at the memory to the next: it takes longer than a step."""
_PER_VIEW: Final = 3
"""Snapshots shown in a view before the next one is gone to."""
_KEYS: Final = ("down", "enter", "escape", "end", "home")


@dataclass(frozen=True, slots=True)
class Sample:
    """After a snapshot was shown: bytes resident (0 where nothing tells), Python's live blocks, live snapshots."""

    resident: int
    blocks: int
    snapshots: int


@dataclass(frozen=True, slots=True)
class MemoryCourse:
    """What became of memory in so many ``steps``; the first quarter fills caches and is left out."""

    samples: Sequence[Sample]
    steps: int

    def growth(self, of: Callable[[Sample], int]) -> int:
        """From the second quarter to the last, by their middles; never below 0."""
        quarter = len(self.samples) // 4
        early, late = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        return max(round(median(map(of, late)) - median(map(of, early))), 0)

    @property
    def most_snapshots(self) -> int:
        """How many were alive at most."""
        return max(sample.snapshots for sample in self.samples)


def rows(plan: Plan) -> Iterator[Row]:
    """Growth from the second quarter to the last; the first fills caches."""
    section = f"memory: {plan.soak_minutes:g} minutes of snapshots, {OUTSTANDING:,} outstanding in each, all views"
    deadline = time.monotonic() + plan.soak_minutes * 60
    course = asyncio.run(watch(lambda done: done < LEAST_STEPS or time.monotonic() < deadline))
    note = f"{course.steps} snapshots"
    if sys.platform == "linux":
        growth = course.growth(lambda sample: sample.resident)
        yield against_budget(section, "growth of resident memory", growth, BUDGET, Unit.BYTES, note)
    else:
        yield Row(section, "growth of resident memory", problem="what is resident now is told by Linux only")
    blocks, begun = course.growth(lambda sample: sample.blocks), course.samples[0].blocks
    limit = f"{blocks:,}, of {begun:,} at first"
    yield Row(
        section, "growth of live Python blocks", note=limit, ratio=blocks / begun, to="as many", limit=BLOCKS_BUDGET
    )
    most = course.most_snapshots
    about = f"{most} of {course.steps}, at most {KEPT_SNAPSHOTS}"
    yield Row(section, "snapshots kept", note=about, ratio=most / KEPT_SNAPSHOTS, to="allowed", limit=1.0)


async def watch(
    goes_on: Callable[[int], bool], outstanding: int = OUTSTANDING, size: tuple[int, int] = SIZE
) -> MemoryCourse:
    """Show snapshot after snapshot, walk through all views meanwhile, and look at the memory now and then.

    ``goes_on``: asked with the number of snapshots that were shown.
    """
    samples: list[Sample] = []
    step = 0
    app = PoolscopeApp(snapshot(outstanding), "tags")
    async with driven(app, size):
        screen = app.screen
        assert isinstance(screen, MainScreen)
        while goes_on(step):
            screen.show(snapshot(outstanding, step))
            view, within = divmod(step, _PER_VIEW)
            await seconds(app, _KEYS[view % len(_KEYS)] if within else VIEWS[view % len(VIEWS)].number)
            step += 1
            if step % _SAMPLED == 0:
                gc.collect()  # what can be given back at any time is no leak
                samples.append(Sample(_resident(), sys.getallocatedblocks(), _alive()))
    return MemoryCourse(samples, step)


def _alive() -> int:
    return sum(type(each) is Snapshot for each in gc.get_objects())


def _resident() -> int:
    status = Path("/proc/self/status")
    return int(status.read_text(encoding="ascii").split("VmRSS:")[1].split()[0]) * 1024 if status.exists() else 0
