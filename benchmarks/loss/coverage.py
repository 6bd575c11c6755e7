"""Whether the intervals of totals hold what the whole trace has."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from analyzers.analysis import Analysis
from analyzers.loss_bounds import Total
from analyzers.pool_tables import PoolSnapshot
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from benchmarks.accuracy import from_kernel
from benchmarks.accuracy.corpus import Writer
from benchmarks.accuracy.scripted import playing
from benchmarks.accuracy.spoilings import Lose, Spoiling
from benchmarks.accuracy.truth import Truth
from tracer.etl.file import EtlFile


def play(writer: Writer, kind: str, seed: int, spoiling: Spoiling, lose: Lose | None = None) -> tuple[bytes, Truth]:
    """The file's bytes and what is true about it."""
    if writer is Writer.KERNEL:
        return from_kernel.play(kind, seed, spoiling, lose=lose)
    return playing.play(kind, seed, spoiling, lose=lose)


def analysed(data: bytes, *, diagnosed: bool) -> Snapshot:
    """What is concluded about one file."""
    with TemporaryDirectory(prefix="poolscope-loss-") as folder:
        path = Path(folder) / "trace.etl"
        path.write_bytes(data)
        with EtlFile.open(path) as source:
            analysis = Analysis(source, TagNames.load())
            for batch in source.batches(Analysis.KINDS):
                analysis.feed(batch)
            return analysis.snapshot(diagnosed=diagnosed)


@dataclass(slots=True)
class Coverage:
    """``inside``, ``of``: intervals by total, of all tags together and by tag; ``width``: their width by the truth.

    ``open``: those without a high end. ``silent``: traces whose loss shows no sign, which claim nothing.
    """

    inside: Counter[tuple[Total, bool]] = field(default_factory=Counter)
    of: Counter[tuple[Total, bool]] = field(default_factory=Counter)
    open: Counter[tuple[Total, bool]] = field(default_factory=Counter)
    widths: dict[Total, list[float]] = field(default_factory=dict)
    silent: int = 0
    traces: int = 0

    def add(self, found: Snapshot, whole: PoolSnapshot) -> None:
        """Hold a trace with loss against the whole one."""
        self.traces += 1
        if found.bounds is None:
            self.silent += 1
            return
        true = _by_tag(whole)
        rows = {key: row for row, key in enumerate(_keys(found.pool))}
        for total in Total:
            every = sum(each[total] for each in true.values())
            for row, value in [(-1, every), *((rows[key], each[total]) for key, each in true.items() if key in rows)]:
                interval = found.bounds.of(total, row)
                key = total, row >= 0
                self.of[key] += 1
                self.inside[key] += interval.low <= value and (interval.high is None or value <= interval.high)
                self.open[key] += interval.high is None
                if row < 0 and interval.high is not None:
                    self.widths.setdefault(total, []).append((interval.high - interval.low) / max(value, 1))


def _keys(pool: PoolSnapshot) -> list[tuple[int, bool]]:
    return list(zip(pool.tags.tag.tolist(), pool.tags.paged.tolist(), strict=True))


def _by_tag(pool: PoolSnapshot) -> dict[tuple[int, bool], tuple[int, int, int, int]]:
    tags = pool.tags
    columns = tags.allocations, tags.frees, tags.outstanding_count, tags.outstanding_bytes
    return dict(zip(_keys(pool), zip(*(column.tolist() for column in columns), strict=True), strict=True))
