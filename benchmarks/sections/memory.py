"""Peak memory: it may grow with what is outstanding, never with the trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.apart import apart
from benchmarks.pipeline import measure_memory
from benchmarks.plan import Plan
from benchmarks.size import size_text
from benchmarks.table import Row, Unit
from benchmarks.traces import Traces

FIXED: Final = 300_000_000
PER_OUTSTANDING: Final = 200
"""Bytes allowed: ``FIXED + PER_OUTSTANDING`` for each outstanding allocation."""


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """One row for each (size, outstanding) of the plan."""
    for size, outstanding in plan.memory:
        trace = traces.get(size, outstanding)
        peak = apart(measure_memory, trace.path, trace.expected)
        budget = FIXED + PER_OUTSTANDING * trace.expected.outstanding_count
        name = f"{size_text(trace.expected.bytes)}, {trace.expected.outstanding_count:,} outstanding"
        note = f"budget {size_text(budget)}"
        yield Row("peak memory", name, peak, Unit.BYTES, peak / budget, "budget", limit=1.0, note=note)
