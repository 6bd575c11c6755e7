"""Passages through a trace in processes that are warm: requests and verdicts, and what else an analysis takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.accuracy.cost import EVENTS, KIND
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.against.compared import compared
from benchmarks.against.installed import Sides
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


def requests(sides: Sides, plan: Plan, _traces: Traces) -> Iterator[Row]:
    """Of a trace of requests that are held."""
    data, truth = play(KIND, _SEED, Spoiling.NONE, events=EVENTS if plan.strict else _QUICK_EVENTS)
    held = sides.tree.folder / "held.etl"
    held.write_bytes(data)
    irps = sum(leak.count for leak in truth.leaks)
    before, after = alternate([sides.commit, sides.wheel], held, plan.runs)
    section, to = f"simulated, {size_text(len(data))}, {irps:,} requests held, in warm processes", sides.commit.name
    yield _row(section, "requests, holders and verdicts", "requests", before, after, to, limit=LIMIT)
    yield _row(section, "the rest of the analysis", "bare", before, after, to)
    yield _row(section, "from opening the file to the findings", "whole", before, after, to)


def pool(sides: Sides, plan: Plan, traces: Traces) -> Iterator[Row]:
    """Of a trace of pool events alone."""
    trace = traces.get(min(plan.size, _SIZE), min(plan.outstanding, _SIZE >> 10))
    before, after = alternate([sides.commit, sides.wheel], trace.path, plan.runs)
    size, to = size_text(trace.path.stat().st_size), sides.commit.name
    section = f"simulated, {size} of pool events, in warm processes"
    yield _row(section, "the analysis without a diagnosis", "bare", before, after, to)
    yield _row(section, "from opening the file to the findings", "whole", before, after, to)
    yield _row(section, "peak memory", "peak", before, after, to, unit=Unit.BYTES)


def _row(
    section: str, name: str, what: str, before: Passages, after: Passages, to: str, *, limit: float | None = None,
    unit: Unit = Unit.SECONDS,
) -> Row:  # fmt: skip
    value, base = middle(after, what), middle(before, what)
    return compared(section, name, to, base, value, limit=limit, unit=unit, note=f"medians of {len(after[what])}")
