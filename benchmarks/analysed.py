"""What is concluded about a trace that is in memory, read from a file as a user would."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from tracer.etl.file import EtlFile


def analysed(data: bytes, tags: TagNames | None = None, *, diagnosed: bool = True) -> Snapshot:
    """The snapshot of all of it; ``tags``: those of this machine where none are given; ``diagnosed``: with verdicts."""
    with TemporaryDirectory(prefix="poolscope-analysed-") as folder:
        path = Path(folder) / "trace.etl"
        path.write_bytes(data)
        with EtlFile.open(path) as source:
            analysis = Analysis(source, TagNames.load() if tags is None else tags)
            for batch in source.batches(Analysis.KINDS):
                analysis.feed(batch)
            return analysis.snapshot(diagnosed=diagnosed)
