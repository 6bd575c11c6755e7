"""Reading, time order, who, stacks and matching of a big trace, beside plain reads of the same file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.apart import apart
from benchmarks.pipeline import Speed, measure_speed
from benchmarks.plan import Plan
from benchmarks.size import size_text
from benchmarks.table import Row, Unit
from benchmarks.traces import Traces

LIMITS: Final = {2: 6.0, 1: 10.0}
"""Cores → at most this many times the time of reading the file from the page cache."""
VERDICTS_LIMIT: Final = 1.0
"""Telling why memory leaks may take as long as reading and matching, with as many cores."""


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """Two cores, then one; both against the best plain read of the whole section."""
    trace = traces.get(plan.size, plan.outstanding)
    warm_up = traces.get(plan.warm_up_size, plan.warm_up_outstanding)
    found = {
        cores: apart(measure_speed, trace.path, warm_up.path, trace.expected, cores, plan.runs) for cores in LIMITS
    }
    read = min(speed.read for speed in found.values())
    section = f"speed: {size_text(trace.expected.bytes)}, {trace.expected.records:,} records, best of {plan.runs}"
    rate = trace.expected.bytes / read
    yield Row(section, "plain read, page cache", read, ratio=1.0, to="read", note=f"{size_text(int(rate))}/s")
    for cores, speed in found.items():
        yield from _passage(section, cores, speed, read, trace.expected.records)


def _passage(section: str, cores: int, speed: Speed, read: float, records: int) -> Iterator[Row]:
    name = f"everything, {cores} core{'s' if cores > 1 else ''}"
    rate = Unit.RECORDS_PER_SECOND.text(records / speed.total)
    note = rate if speed.pinned else f"{rate}; not pinned to {cores} cores"
    yield Row(section, name, speed.total, ratio=speed.total / read, to="read", limit=LIMITS[cores], note=note)
    parts = "read, decompress, walk, decode, stacks, order"
    if cores > 1:
        parts = f"waiting for the other core: {parts}"
    for part, seconds, what in (
        ("batches", speed.best.batches, parts),
        ("feed", speed.best.feed, "who, matching"),
        ("snapshot", speed.best.snapshot, ""),
    ):
        yield Row(section, f"  of it {part}", seconds, ratio=seconds / read, to="read", note=what)
    yield Row(
        section, f"verdicts, {name[12:]}", speed.verdicts, ratio=speed.verdicts / speed.total, to="everything",
        limit=VERDICTS_LIMIT, note="after it; every allocation here that stays is a leak",
    )  # fmt: skip
