"""From a path to what a command shows: a trace's contents, or the snapshot of its analysis."""

from __future__ import annotations

from pathlib import Path

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from tracer.etl.file import EtlFile
from tracer.events.schemas import PROVIDER as SCHEMA_PROVIDER
from tracer.trace import Batch
from tui.contents import Contents, contents_of
from tui.reading.archives import unpacked
from tui.reading.compilation import announce_compilation, compilation
from tui.reading.compiled import Part
from tui.reading.interruption import Interruption
from tui.reading.progress import meter


class _Stopped(Exception):  # noqa: N818 - not an error: the way out of a scan that was interrupted
    """Reading ends here because the user asked for it."""


def read_contents(path: Path, *, quiet: bool) -> Contents:
    """Walk the whole trace and count; partial when interrupted. Raises InputError."""
    with unpacked(path, quiet=quiet) as file:
        return file.named(_read_contents(file.path, quiet=quiet))


def read_snapshot(path: Path, names: TagNames, *, quiet: bool) -> Snapshot:
    """Read and analyse the whole trace; partial when interrupted. Raises InputError."""
    with unpacked(path, quiet=quiet) as file:
        return file.named(_read_snapshot(file.path, names, quiet=quiet))


def _read_contents(path: Path, *, quiet: bool) -> Contents:
    with compilation(Part.READING, quiet=quiet), EtlFile.open(path) as source, Interruption() as interruption:
        with meter(path.name, source.info.bytes, quiet=quiet) as shown:

            def on_progress(batch: Batch) -> None:
                shown.advance(batch.bytes_read, batch.records)
                if interruption.asked:
                    raise _Stopped

            try:
                source.scan(on_progress)
            except _Stopped:
                return contents_of(source, partial=True)
        schemas = source.carried_schemas() if SCHEMA_PROVIDER in source.census.providers else None
        return contents_of(source, partial=False, schemas=schemas)


def _read_snapshot(path: Path, names: TagNames, *, quiet: bool) -> Snapshot:
    compiling = compilation(Part.ANALYSIS, quiet=quiet)
    with compiling as helper, EtlFile.open(path) as source, Interruption() as interruption:
        analysis = Analysis(source, names)
        with meter(path.name, source.info.bytes, quiet=quiet) as shown:
            for batch in source.batches(Analysis.KINDS):
                helper.wait()
                analysis.feed(batch)
                shown.advance(batch.bytes_read, batch.records)
                if interruption.asked:
                    break
        return analysis.snapshot(partial=interruption.asked)


def compile_kernels(*, quiet: bool) -> None:
    """Compile what an analysis needs, where no earlier run did: what happens now does not wait for it."""
    if announce_compilation(quiet=quiet):
        read_snapshot(DEMO_TRACE, TagNames(()), quiet=True)
