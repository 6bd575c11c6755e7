"""What requests, pending APCs and verdicts cost beside reading and matching, on one larger simulated trace."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from analyzers.analysis import Analysis, TraceNames
from analyzers.ledger import Ledger
from analyzers.pool import PoolView
from analyzers.scheduling import CpuTimeline
from analyzers.tags import TagNames
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.best import best_of
from benchmarks.table import Row
from tracer.etl.file import EtlFile

KIND: Final = "routine-beside-server"
"""Has all that costs: requests, sockets, switches, queues of a port that is drained, background, and a client's user
APCs that are never delivered."""
EVENTS: Final = 400_000
LIMIT: Final = 1.0
"""Verdicts may take as long as what comes before them."""
_MATCHED_KINDS: Final = frozenset({"pool", "context_switch", "process", "thread", "image"})
_RUNS: Final = 5
_SECONDS: Final = 30.0
_NO_NAMES: Final = TagNames(())


def rows(seed: int, events: int = EVENTS) -> list[Row]:
    """Seconds of reading and matching; of following requests, sockets and threads; and of the verdicts.

    The best of some runs each, the latter two less what they rest on. The limit is that of ``python -m benchmarks``.
    """
    data, _ = play(KIND, seed, Spoiling.NONE, events=events)
    with TemporaryDirectory(prefix="poolscope-accuracy-") as folder:
        path = Path(folder) / "trace.etl"
        path.write_bytes(data)
        for warm_up in (matched, diagnosed):
            warm_up(path)
        base, _ = best_of(lambda: matched(path), _RUNS, _SECONDS)
        followed, _ = best_of(lambda: diagnosed(path, verdicts=False), _RUNS, _SECONDS)
        whole, findings = best_of(lambda: diagnosed(path), _RUNS, _SECONDS)
    section = f"cost: simulated, {len(data):,} bytes, {events:,} pool events"
    matching, before = "reading and matching", "all before it"
    return [
        Row(section, matching, base),
        Row(section, "requests, sockets, threads", followed - base, ratio=(followed - base) / base, to=matching,
            note="read and followed"),
        Row(section, "verdicts", whole - followed, ratio=(whole - followed) / followed, to=before, limit=LIMIT,
            note=f"{findings} findings, with every held request"),
    ]  # fmt: skip


def matched(path: Path) -> int:
    """Read, match and count; gives the outstanding allocations."""
    with EtlFile.open(path) as source:
        ledger, names = Ledger(), TraceNames(source.stacks)
        timeline = CpuTimeline(names.threads)
        for batch in source.batches(_MATCHED_KINDS):
            timeline.stamp(batch)
            names.feed(batch)
            if "pool" in batch.tables:
                ledger.feed(batch.tables["pool"])
            if len(batch.late_stacks.stack):
                ledger.attach_late(batch.late_stacks)
        return len(PoolView(ledger, names, timeline, _NO_NAMES, source.stacks).snapshot().outstanding)


def diagnosed(path: Path, *, verdicts: bool = True) -> int:
    """The whole analysis, or that without its verdicts; gives the number of findings."""
    with EtlFile.open(path) as source:
        analysis = Analysis(source, _NO_NAMES)
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        return len(analysis.snapshot(diagnosed=verdicts).diagnosis.findings)
