"""Folders of simulated traces, and what a plain loop over them finds."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from analyzers.fleet.rows import FindingRow, Place, TraceRow, rows_of
from analyzers.tags import TagNames
from fixtures.fleet import FleetTrace
from fixtures.settings import Settings
from tui.reading.trace import read_telling_session

LEAKS = 2
"""The version of the driver that leaks."""


@functools.cache
def _kinds() -> tuple[FleetTrace, FleetTrace]:
    return (
        FleetTrace.of("churn", 1, Settings(iterations=10)),
        FleetTrace.of("missing-free", 3, Settings(iterations=120)),
    )


def make_fleet(folder: Path, count: int) -> Path:
    """Traces of so many machines, in two folders: every other one has the version that leaks."""
    for number in range(count):
        version = LEAKS if number % 2 else 1
        path = folder / ("a" if number < count // 2 else "b") / f"trace-{number:03d}.etl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_kinds()[number % 2].on(f"PC-{number:05d}", version))
    return folder


def plain_loop(folder: Path) -> tuple[list[TraceRow], list[FindingRow]]:
    """The rows of each, one after the other, in this process."""
    traces: list[TraceRow] = []
    findings: list[FindingRow] = []
    for path in sorted(folder.rglob("*.etl")):
        data = path.read_bytes()
        snapshot, _ = read_telling_session(path, TagNames.load(None), quiet=True)
        content = hashlib.blake2b(data, digest_size=32).hexdigest()
        trace, found = rows_of(snapshot, Place(content, len(data), str(path), str(path.parent)))
        traces.append(trace)
        findings += found
    return traces, findings
