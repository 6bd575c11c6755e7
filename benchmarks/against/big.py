"""``analyze --json`` of a big trace: what it takes on one core and on two, and its memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.against.commands import poolscope_in_turn, run, warm_in_turn
from benchmarks.against.compared import compared
from benchmarks.against.installed import Sides
from benchmarks.against.starting import small_trace
from benchmarks.plan import LEAST_BYTES_PER_OUTSTANDING, Plan
from benchmarks.size import size_text
from benchmarks.table import Row, Unit
from benchmarks.traces import Traces
from tracer.processors import processors

WHOLE_LIMIT: Final = 0.55
LESS_START_LIMITS: Final = {2: 0.65, 1: 0.75}
"""By cores."""
MEMORY_LIMIT: Final = 0.7


def big(sides: Sides, plan: Plan, traces: Traces) -> Iterator[Row]:
    """The whole process, and the same less what a process of the same tree takes for a small trace."""
    trace, small = traces.get(plan.size, plan.outstanding).path, small_trace(sides)
    section = f"analyze --json, simulated, {size_text(trace.stat().st_size)}, medians of {plan.runs}"
    to = sides.commit.name
    for cores, limit in LESS_START_LIMITS.items():
        name = f"{cores} core{'s' if cores > 1 else ''}"
        if sys.platform != "linux" or processors() < cores:
            yield Row(section, name, limit=limit, problem="not here: a process cannot be held to so many cores")
            continue
        whole, start = _walls(sides, (trace, small), cores, plan.runs)
        if cores == max(LESS_START_LIMITS):
            yield compared(section, f"whole process, {name}", to, *whole, limit=WHOLE_LIMIT)
        less = [each - own for each, own in zip(whole, start, strict=True)]
        note = "start-up {1:.3f} s, {0:.3f} s there".format(*start)
        yield compared(section, f"less start-up, {name}", to, *less, limit=limit, note=note)


def memory(sides: Sides, plan: Plan, traces: Traces) -> Iterator[Row]:
    """Of the trace that is measured, and of one with a sixteenth and one with four times its size."""
    section, to = f"peak memory of analyze --json, medians of {plan.runs}", sides.commit.name
    for size in (plan.size >> 4, plan.size, plan.size << 2):
        trace = traces.get(size, min(plan.outstanding, size // LEAST_BYTES_PER_OUTSTANDING))
        found = poolscope_in_turn(sides, ["analyze", "--json", trace.path], plan.runs)
        before, after = (median(each.peak for each in side) for side in found)
        name = f"{size_text(trace.expected.bytes)}, {trace.expected.outstanding_count:,} outstanding"
        yield compared(section, name, to, before, after, limit=MEMORY_LIMIT, unit=Unit.BYTES)


def _walls(sides: Sides, traces: Sequence[Path], cores: int, runs: int) -> list[list[float]]:
    """For each trace, of the commit and of this tree; all in turn, as one is taken off the other."""
    both = (sides.commit, sides.wheel)
    measures = [
        partial(run, each, [*each.program, "analyze", "--json", trace], cores=cores)
        for trace in traces
        for each in both
    ]
    walls = [median(each.wall for each in found) for found in warm_in_turn(measures, runs)]
    return [walls[:2], walls[2:]]
