"""What the diagnosis costs beside reading and matching, on one larger simulated trace."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from analyzers.analysis import Analysis, TraceNames
from analyzers.ledger import Ledger
from analyzers.pool import PoolView
from analyzers.tags import TagNames
from analyzers.who import Running
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.best import best_of
from benchmarks.table import Row
from tracer.etl.file import EtlFile

KIND: Final = "apcs-pending-spinning"
"""Has all that costs: requests, sockets, switches, pending APCs and what they retain."""
EVENTS: Final = 200_000
LIMIT: Final = 1.0
"""The diagnosis may take as long as reading and matching."""
_MATCHED_KINDS: Final = frozenset({"pool", "context_switch", "process", "thread", "image"})
_RUNS: Final = 5
_SECONDS: Final = 30.0
_NO_NAMES: Final = TagNames(())


def row(seed: int, events: int = EVENTS) -> Row:
    """Seconds of the diagnosis: all of the analysis less reading and matching, the best of some runs each."""
    data, _ = play(KIND, seed, Spoiling.NONE, events=events)
    with TemporaryDirectory(prefix="poolscope-accuracy-") as folder:
        path = Path(folder) / "trace.etl"
        path.write_bytes(data)
        for warm_up in (matched, diagnosed):
            warm_up(path)
        base, _ = best_of(lambda: matched(path), _RUNS, _SECONDS)
        whole, findings = best_of(lambda: diagnosed(path), _RUNS, _SECONDS)
    return Row(
        section=f"cost: simulated, {len(data):,} bytes, {events:,} pool events",
        name="diagnosis",
        value=whole - base,
        ratio=(whole - base) / base,
        to="reading and matching",
        limit=LIMIT,
        note=f"reading and matching {base:.3f} s; everything {whole:.3f} s; {findings} findings",
    )


def matched(path: Path) -> int:
    """Read, match and count; gives the outstanding allocations."""
    with EtlFile.open(path) as source:
        ledger, running, names = Ledger(), Running(), TraceNames(source.stacks)
        for batch in source.batches(_MATCHED_KINDS):
            names.feed(batch)
            table = batch.tables.get("pool")
            running.follow(table, batch.tables.get("context_switch"))
            if table is not None:
                ledger.feed(table)
            if len(batch.late_stacks.stack):
                ledger.attach_late(batch.late_stacks)
        return len(PoolView(ledger, names, running, _NO_NAMES, source.stacks).snapshot().outstanding)


def diagnosed(path: Path) -> int:
    """The whole analysis; gives the number of findings."""
    with EtlFile.open(path) as source:
        analysis = Analysis(source, _NO_NAMES)
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        return len(analysis.snapshot().diagnosis.findings)
