"""From a path to what a command shows: a trace's contents, or the snapshot of its analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from analyzers.analysis import Analysis
from analyzers.clocks import mends
from analyzers.snapshot import Snapshot
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from tracer.events.schemas import PROVIDER as SCHEMA_PROVIDER
from tracer.images.carried import IDENTITIES, CarriedIdentities
from tui.contents import Contents, contents_of
from tui.interrupts import Interrupts
from tui.reading.archives import Unpacked, named, unpacked
from tui.reading.compilation import announce_compilation, compilation
from tui.reading.compiled import Part
from tui.reading.progress import meter
from tui.reading.together import OneSession, Trace, name_of, open_trace, paths_of


def read_contents(trace: Trace, *, quiet: bool) -> Contents:
    """Walk the whole trace and count; partial when interrupted. Raises InputError."""
    with _unpacked(trace, quiet=quiet) as (here, files):
        return named(_read_contents(here, quiet=quiet), files)


Conclude = Callable[[], Snapshot]
"""The snapshot of a trace that was read, made again: what has been named since then counts."""


def read_snapshot(trace: Trace, names: TagNames, *, quiet: bool, symbols: Symbols | None = None) -> Snapshot:
    """Read and analyse the whole trace; partial when interrupted. Raises InputError.

    A trace in which clocks differ between CPUs is read again, with its times corrected. ``symbols``: names addresses.
    """
    return read_to_conclude(trace, names, quiet=quiet, symbols=symbols)[0]


def read_to_conclude(
    trace: Trace, names: TagNames, *, quiet: bool, symbols: Symbols | None = None
) -> tuple[Snapshot, Conclude]:
    """As :func:`read_snapshot`; and what concludes again, as often as one likes, without the trace's file."""
    with _unpacked(trace, quiet=quiet) as (here, files):
        snapshot, conclude = _read_snapshot(here, names, quiet=quiet, symbols=symbols)
        return named(snapshot, files), lambda: named(conclude(), files)


@contextmanager
def _unpacked(trace: Trace, *, quiet: bool) -> Iterator[tuple[Trace, list[Unpacked]]]:
    """Where the trace can be read, unpacked where it is packed, and its files."""
    with ExitStack() as opened:
        files = [opened.enter_context(unpacked(path, quiet=quiet)) for path in paths_of(trace)]
        if isinstance(trace, Path):
            yield files[0].path, files
        elif isinstance(trace, OneSession):
            yield OneSession(files[0].path, trace.number), files
        else:
            yield replace(trace, paths=tuple(file.path for file in files)), files


@contextmanager
def opening(trace: Trace, *, quiet: bool) -> Iterator[None]:
    """It can be opened as a trace, packed or not. Raises InputError."""
    with _unpacked(trace, quiet=quiet) as (here, _), open_trace(here):
        yield


def _read_contents(trace: Trace, *, quiet: bool) -> Contents:
    with compilation(Part.READING, quiet=quiet), open_trace(trace) as source, Interrupts(noted=1) as interruption:
        carried = CarriedIdentities()
        with meter(name_of(trace), source.info.bytes, quiet=quiet) as shown:
            for batch in source.batches({IDENTITIES}):
                if (table := batch.tables.get(IDENTITIES)) is not None:
                    carried.feed(table)
                shown.advance(batch.bytes_read, batch.records)
                if interruption.asked:
                    return contents_of(source, partial=True, images=carried.files())
        schemas = source.carried_schemas() if SCHEMA_PROVIDER in source.census.providers else None
        return contents_of(source, partial=False, images=carried.files(), schemas=schemas)


def _read_snapshot(trace: Trace, names: TagNames, *, quiet: bool, symbols: Symbols | None) -> tuple[Snapshot, Conclude]:
    compiling = compilation(Part.ANALYSIS, quiet=quiet)
    with compiling as helper, open_trace(trace) as source, Interrupts(noted=1) as interruption:

        def analyse() -> Analysis:
            analysis = Analysis(source, names, symbols=symbols)
            with meter(name_of(trace), source.info.bytes, quiet=quiet) as shown:
                for batch in source.batches(Analysis.KINDS):
                    helper.wait()
                    analysis.feed(batch)
                    shown.advance(batch.bytes_read, batch.records)
                    if interruption.asked:
                        break
            return analysis

        analysis = analyse()
        sure = () if interruption.asked else analysis.clock_shifts()
        shifts = sure if sure or interruption.asked else analysis.supposed_shifts()
        if shifts:
            source.correct_clocks(shifts)
            corrected = analyse()
            left = corrected.frees_without_allocation
            if mends(analysis.frees_without_allocation, left, supposed=not sure):
                analysis = corrected
            else:
                source.correct_clocks(())
        conclude = partial(analysis.snapshot, partial=interruption.asked)
        return conclude(), conclude


def read_telling_session(
    trace: Trace, names: TagNames, *, quiet: bool, symbols: Symbols | None = None
) -> tuple[Snapshot, Conclude]:
    """As :func:`read_to_conclude`; of a file of several sessions the first that has pool events, or the first."""
    first = told = read_to_conclude(trace, names, quiet=quiet, symbols=symbols)
    sessions = first[0].info.sessions
    while not _tells(told[0]) and isinstance(trace, Path) and told[0].info.session_number < sessions:
        session = OneSession(trace, told[0].info.session_number + 1)
        told = read_to_conclude(session, names, quiet=quiet, symbols=symbols)
    return told if _tells(told[0]) else first


def _tells(snapshot: Snapshot) -> bool:
    return snapshot.partial or snapshot.pool.totals.events > 0


def compile_kernels(*, quiet: bool) -> None:
    """Compile what an analysis needs, where no earlier run did: what happens now does not wait for it."""
    if announce_compilation(quiet=quiet):
        read_snapshot(DEMO_TRACE, TagNames(()), quiet=True)
