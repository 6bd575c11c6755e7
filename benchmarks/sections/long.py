"""A trace that does not fit the page cache, on two cores: memory as for any other, and the effort for each record."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Final

from benchmarks.apart import apart
from benchmarks.pipeline import Effort, measure_effort
from benchmarks.plan import Plan
from benchmarks.sections.memory import budget
from benchmarks.size import size_text
from benchmarks.table import Bound, Row, Unit
from benchmarks.traces import Trace, Traces
from benchmarks.turns import in_turn

LIMIT: Final = 0.85
"""Of the records that a second of processor time gets through in a trace that fits, at least this share."""
_RUNS: Final = 3


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """The long trace is deleted afterwards."""
    warm_up = traces.get(plan.warm_up_size, plan.warm_up_outstanding)
    short = traces.get(plan.size, plan.outstanding)
    with traces.passing(plan.long, plan.outstanding) as long:
        both = (short, long)
        measures = [partial(apart, measure_effort, each.path, warm_up.path, each.expected) for each in both]
        efforts = in_turn(measures, _RUNS)
    size = size_text(short.expected.bytes)
    section = f"long: {size_text(long.expected.bytes)} beside {size}, two cores, medians of {_RUNS}"
    allowed = budget(long.expected)
    peak = max(effort.peak for effort in efforts[1])
    yield Row(
        section, "peak memory", peak, Unit.BYTES, peak / allowed, "budget", limit=1.0,
        note=f"budget {size_text(allowed)}",
    )  # fmt: skip
    base, rate = (_rate(trace, found) for trace, found in zip(both, efforts, strict=True))
    pinned = "" if all(effort.pinned for effort in efforts[1]) else "; not pinned to two cores"
    yield Row(
        section, "records in a second of processor time", rate, Unit.RECORDS_PER_SECOND, rate / base, size,
        bound=Bound.AT_LEAST, limit=LIMIT, note=f"{Unit.RECORDS_PER_SECOND.text(base)} of {size}{pinned}",
    )  # fmt: skip


def _rate(trace: Trace, efforts: list[Effort]) -> float:
    return trace.expected.records / median(effort.cpu for effort in efforts)
