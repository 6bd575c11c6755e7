"""From a path to what a command shows: a trace's contents, or the snapshot of its analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.analysis import Analysis
from analyzers.clocks import mends
from analyzers.snapshot import Snapshot
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from tracer.data_classes import dataclass
from tracer.events.schemas import PROVIDER as SCHEMA_PROVIDER
from tracer.images.carried import IDENTITIES, CarriedIdentities
from tracer.kernels.store import is_current
from tracer.trace import LateStacks, Loss
from tui.contents import Contents, contents_of
from tui.interrupts import Interrupts
from tui.reading.archives import Unpacked, named, unpacked
from tui.reading.compilation import Helper, Part, compilation
from tui.reading.progress import Meter, meter
from tui.reading.together import OneSession, Trace, name_of, open_trace, paths_of

if TYPE_CHECKING:
    from tracer.etl.file import EtlFile
    from tracer.etl.joining.source import JoinedFiles


def read_contents(trace: Trace, *, quiet: bool) -> Contents:
    """Walk the whole trace and count; partial when interrupted. Raises InputError."""
    with unpacked_files(trace, quiet=quiet) as (here, files):
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
    with unpacked_files(trace, quiet=quiet) as (here, files):
        snapshot, conclude = _read_snapshot(here, names, quiet=quiet, symbols=symbols)
        return named(snapshot, files), lambda: named(conclude(), files)


@contextmanager
def unpacked_files(trace: Trace, *, quiet: bool) -> Iterator[tuple[Trace, list[Unpacked]]]:
    """Where the trace can be read, unpacked where it is packed, and its files."""
    with ExitStack() as opened:
        files = [opened.enter_context(unpacked(path, quiet=quiet)) for path in paths_of(trace)]
        if isinstance(trace, Path):
            yield files[0].path, files
        elif isinstance(trace, OneSession):
            yield replace(trace, path=files[0].path), files
        else:
            yield replace(trace, paths=tuple(file.path for file in files)), files


@contextmanager
def opening(trace: Trace, *, quiet: bool) -> Iterator[None]:
    """It can be opened as a trace, packed or not. Raises InputError."""
    with unpacked_files(trace, quiet=quiet) as (here, _), open_trace(here):
        yield


def read_loss(trace: Trace, *, quiet: bool) -> Loss:
    """What is missing, with what only the trace's own events show. Raises InputError."""
    with (
        unpacked_files(trace, quiet=quiet) as (here, _),
        compilation(Part.ANALYSIS, quiet=quiet) as helper,
        open_trace(here) as source,
        Interrupts(noted=1) as interruption,
    ):
        show = partial(meter, name_of(here), source.info.bytes, quiet=quiet)
        found = analysed(source, TagNames.load(), show, helper=helper, interruption=interruption)
        return found.analysis.snapshot(partial=interruption.asked, diagnosed=False).loss


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
        show = partial(meter, name_of(trace), source.info.bytes, quiet=quiet)
        found = analysed(source, names, show, helper=helper, interruption=interruption, symbols=symbols)
        conclude = partial(found.analysis.snapshot, partial=interruption.asked)
        return conclude(), conclude


@dataclass(frozen=True, slots=True)
class Analysed:
    """An analysis that has had every batch; ``late``: the stacks that came after theirs, where they were asked for."""

    analysis: Analysis
    late: tuple[LateStacks, ...]


def analysed(
    source: EtlFile | JoinedFiles,
    names: TagNames,
    show: Callable[[], AbstractContextManager[Meter]],
    *,
    helper: Helper,
    interruption: Interrupts,
    symbols: Symbols | None = None,
    keep_late: bool = False,
) -> Analysed:
    """Analyse a whole source, again with its times corrected where its clocks differ; ``show`` gives a meter."""

    def analyse() -> Analysed:
        analysis, late = Analysis(source, names, symbols=symbols), list[LateStacks]()
        with show() as shown:
            for batch in source.batches(Analysis.KINDS):
                helper.wait()
                analysis.feed(batch)
                if keep_late and len(batch.late_stacks.stack):
                    late.append(batch.late_stacks)
                shown.advance(batch.bytes_read, batch.records)
                if interruption.asked:
                    break
        return Analysed(analysis, tuple(late))

    found = analyse()
    sure = () if interruption.asked else found.analysis.clock_shifts()
    shifts = sure if sure or interruption.asked else found.analysis.supposed_shifts()
    if shifts:
        source.correct_clocks(shifts)
        corrected = analyse()
        left = corrected.analysis.frees_without_allocation
        if mends(found.analysis.frees_without_allocation, left, supposed=not sure):
            return corrected
        source.correct_clocks(())
    return found


def read_telling_session(
    trace: Trace, names: TagNames, *, quiet: bool, symbols: Symbols | None = None
) -> tuple[Snapshot, Conclude]:
    """As :func:`read_to_conclude`; of a file of several sessions the first that has pool events, or the first."""
    from tracer.etl.file import SessionBegins

    first = told = read_to_conclude(trace, names, quiet=quiet, symbols=symbols)
    sessions, begins = first[0].info.sessions, SessionBegins()
    while not tells(told[0]) and isinstance(trace, Path) and told[0].info.session_number < sessions:
        session = OneSession(trace, told[0].info.session_number + 1, begins)
        told = read_to_conclude(session, names, quiet=quiet, symbols=symbols)
    return told if tells(told[0]) else first


def tells(snapshot: Snapshot) -> bool:
    """Whether there is anything to say of the pool; one that was interrupted is not passed over."""
    return snapshot.partial or snapshot.pool.totals.events > 0


def compile_kernels(*, quiet: bool) -> None:
    """Compile what an analysis needs, where no earlier run did: what happens now does not wait for it."""
    if not is_current():
        from fixtures.demo import DEMO_TRACE

        with compilation(Part.ANALYSIS, quiet=quiet):
            read_snapshot(DEMO_TRACE, TagNames(()), quiet=True)
