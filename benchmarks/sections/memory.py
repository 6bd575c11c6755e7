"""Peak memory: it may grow with what is outstanding, never with the trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.apart import apart
from benchmarks.generate import Expected
from benchmarks.pipeline import measure_memory
from benchmarks.plan import Plan
from benchmarks.size import size_text
from benchmarks.table import Row, Unit
from benchmarks.traces import Traces

FIXED: Final = 300_000_000
PER_OUTSTANDING: Final = 200
"""Bytes allowed: ``FIXED + PER_OUTSTANDING`` for each outstanding allocation."""


def budget(expected: Expected) -> int:
    """Bytes that an analysis of this trace may take."""
    return FIXED + PER_OUTSTANDING * expected.outstanding_count


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """One row for each (size, outstanding) of the plan."""
    for size, outstanding in plan.memory:
        trace = traces.get(size, outstanding)
        peak = apart(measure_memory, trace.path, trace.expected)
        allowed = budget(trace.expected)
        name = f"{size_text(trace.expected.bytes)}, {trace.expected.outstanding_count:,} outstanding"
        note = f"budget {size_text(allowed)}"
        yield Row("peak memory", name, peak, Unit.BYTES, peak / allowed, "budget", limit=1.0, note=note)
