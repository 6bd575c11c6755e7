"""The table of this tree beside a commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.accuracy.cost import EVENTS, KIND
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.against.installed import Environment, installed, this_tree
from benchmarks.against.runner import Passages, alternate, middle
from benchmarks.plan import Plan
from benchmarks.size import size_text
from benchmarks.table import Row, Unit
from benchmarks.traces import Traces

LIMIT: Final = 1.1
"""Requests, holders and verdicts together, as a multiple of the commit's."""
_SEED: Final = 1
_SIZE: Final = 1 << 28
"""Bytes of the trace of pool events and stacks, at most."""
_QUICK_EVENTS: Final = 6_000


def rows(commit: str, plan: Plan, traces: Traces, *, folder: Path) -> Iterator[Row]:
    """Both on the same two traces: one of requests that are held, one of pool events alone."""
    both = [installed(commit, folder / "commit"), this_tree(folder / "this")]
    held = folder / "held.etl"
    events = EVENTS if plan.strict else _QUICK_EVENTS
    data, truth = play(KIND, _SEED, Spoiling.NONE, events=events)
    held.write_bytes(data)
    irps = sum(leak.count for leak in truth.leaks)
    yield from _held(both, held, f"simulated, {size_text(len(data))}, {irps:,} requests held", plan.runs)
    pool = traces.get(min(plan.size, _SIZE), min(plan.outstanding, _SIZE >> 10))
    yield from _pool(both, pool.path, f"simulated, {size_text(pool.path.stat().st_size)} of pool events", plan.runs)


def _held(both: list[Environment], trace: Path, what: str, runs: int) -> Iterator[Row]:
    before, after = alternate(both, trace, runs)
    section, to = f"against {both[0].name}: {what}", both[0].name
    yield _row(section, "requests, holders and verdicts", "requests", before, after, to, limit=LIMIT)
    yield _row(section, "the rest of the analysis", "bare", before, after, to)
    yield _row(section, "from opening the file to the findings", "whole", before, after, to)


def _pool(both: list[Environment], trace: Path, what: str, runs: int) -> Iterator[Row]:
    before, after = alternate(both, trace, runs)
    section, to = f"against {both[0].name}: {what}", both[0].name
    yield _row(section, "the analysis without a diagnosis", "bare", before, after, to)
    yield _row(section, "from opening the file to the findings", "whole", before, after, to)
    yield _row(section, "peak memory", "peak", before, after, to, unit=Unit.BYTES)


def _row(
    section: str, name: str, what: str, before: Passages, after: Passages, to: str, *, limit: float | None = None,
    unit: Unit = Unit.SECONDS,
) -> Row:  # fmt: skip
    """Medians; the note has the commit's."""
    value, base = middle(after, what), middle(before, what)
    note = f"{unit.text(base)} there, medians of {len(after[what])} in turn"
    return Row(section, name, value, unit, ratio=value / base, to=to, limit=limit, note=note)
