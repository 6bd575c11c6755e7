"""A trace that stays open while questions are asked of it: read as far as they need, and no earlier."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from analyzers.analysis import Analysis
from analyzers.scheduling import CpuTimeline
from analyzers.second_reading import SecondReading
from analyzers.snapshot import Snapshot
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from tracer.errors import DamageCode, InputError
from tracer.etl.file import EtlFile, SessionBegins
from tracer.etl.joining.source import JoinedFiles
from tracer.events.schema_book import SchemaBook
from tracer.events.schemas import PROVIDER as SCHEMA_PROVIDER
from tui.exports.tables import TABLES, ExportTable, stack_ids
from tui.interrupts import Interrupts
from tui.reading.compilation import Part, compilation
from tui.reading.progress import meter
from tui.reading.together import OneSession, Trace, name_of, open_trace, paths_of
from tui.reading.trace import Analysed, analysed, tells, unpacked_files
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted
from tui.sql.carried_events import CarriedEvents, no_carried_events
from tui.sql.event_tables import EVENT_TABLES, STACKED, Reread, empty_tables
from tui.sql.name_tables import NAME_TABLES
from tui.sql.redacted_tables import redacted_table

EVENTS: Final = "events"
_WITH_FRAMES: Final = frozenset({"stacks", "frames"})
"""Tables that show every frame, and not only those that decide."""


class OpenTrace:
    """Open inside its ``with`` block. Raises InputError where it cannot be read.

    ``symbols``: names addresses. ``redaction``: what tables tell are stand-ins.
    """

    def __init__(
        self,
        trace: Trace,
        names: TagNames,
        *,
        quiet: bool,
        symbols: Symbols | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        self._trace = trace
        self._tag_names = names
        self._quiet = quiet
        self._symbols = symbols
        self._redaction = redaction
        self._begins = SessionBegins()
        self._files = ExitStack()
        self._session = ExitStack()
        self._source: EtlFile | JoinedFiles
        self._read: tuple[Analysed, Snapshot] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            here, _ = opening.enter_context(unpacked_files(self._trace, quiet=self._quiet))
            self._here = here
            self._source = self._opened(here)
            self._files = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._session.close()
        self._files.close()

    @property
    def path(self) -> str:
        """Of its first file, as it was given."""
        path = str(paths_of(self._trace)[0])
        return path if self._redaction is None else self._redaction.know_path(path)

    @property
    def snapshot(self) -> Snapshot | None:
        """``None`` while no question has needed it."""
        return None if self._read is None else self._read[1]

    def empty(self) -> dict[str, ExportTable]:
        """Every table without a row; nothing is read for them."""
        analysis = Analysis(self._source, self._tag_names)
        with compilation(Part.ANALYSIS, quiet=self._quiet) as helper:
            helper.wait()
            nothing = analysis.snapshot()
        return {
            **{name: made(nothing) for name, made in TABLES.items()},
            **{name: made(analysis.names) for name, made in NAME_TABLES.items()},
            **empty_tables(analysis.names),
            EVENTS: no_carried_events(analysis.names),
        }

    def rows(self, wanted: Mapping[str, Collection[str]]) -> Generator[ExportTable]:
        """All rows of these columns by table, in pieces; one more reading where any of them is of events.

        Then :data:`~tui.sql.event_tables.RESOLVED`, where any has stacks as they were read; their id stands beside all
        that it tells. Raises KeyboardInterrupt
        where a reading was interrupted: an answer about a part of the trace would look like one about all of it.
        """
        with Interrupts(noted=1) as interruption:
            found, snapshot = self._analysed(interruption)
            names = found.analysis.names
            if wanted.keys() & _WITH_FRAMES and self._symbols is not None:
                names.want(stack_ids(snapshot))
                self._symbols.resolve()
            yield from (made(snapshot).only(wanted[name]) for name, made in TABLES.items() if name in wanted)
            for made in (each(names).only(wanted[name]) for name, each in NAME_TABLES.items() if name in wanted):
                yield self._shown(made)
            of_events = {name: {*columns} for name, columns in wanted.items() if name in EVENT_TABLES or name == EVENTS}
            if of_events:
                for table in self._events(of_events, found, snapshot, interruption):
                    yield self._shown(table)

    def _shown(self, table: ExportTable) -> ExportTable:
        return table if self._redaction is None else redacted_table(table, self._redaction)

    def learn(self) -> None:
        """Where names are redacted, know those of this trace: they may stand in another's texts as well."""
        if self._redaction is not None:
            with Interrupts(noted=1) as interruption:
                self._analysed(interruption)

    def _analysed(self, interruption: Interrupts) -> tuple[Analysed, Snapshot]:
        """The first session that has pool events, or the first of all."""
        if self._read is None:
            first = last = self._analyse(interruption)
            sessions = first[1].info.sessions if isinstance(self._here, Path) else 1
            for number in range(2, sessions + 1):
                if not tells(last[1]):
                    last = self._other_session(number, interruption)
            if not tells(last[1]) and last is not first:
                last = self._other_session(1, interruption)
            if self._redaction is not None:
                last = last[0], redacted(last[1], self._redaction)
            self._read = last
        return self._read

    def _other_session(self, number: int, interruption: Interrupts) -> tuple[Analysed, Snapshot]:
        assert isinstance(self._here, Path)
        self._session.close()
        self._source = self._opened(OneSession(self._here, number, self._begins))
        return self._analyse(interruption)

    def _opened(self, trace: Trace) -> EtlFile | JoinedFiles:
        source = open_trace(trace)
        self._session.callback(source.close)
        return source

    def _analyse(self, interruption: Interrupts) -> tuple[Analysed, Snapshot]:
        with compilation(Part.ANALYSIS, quiet=self._quiet) as helper:
            show = partial(meter, name_of(self._trace), self._source.info.bytes, quiet=self._quiet)
            found = analysed(
                self._source,
                self._tag_names,
                show,
                helper=helper,
                interruption=interruption,
                symbols=self._symbols,
                keep_late=True,
            )
            _stop_if_asked(interruption)
            return found, found.analysis.snapshot()

    def _events(
        self, wanted: Mapping[str, set[str]], found: Analysed, snapshot: Snapshot, interruption: Interrupts
    ) -> Generator[ExportTable]:
        source, names = self._source, found.analysis.names
        for name in STACKED & wanted.keys():
            wanted[name].update(("stack_id",) if "driver" in wanted[name] else ())
        reread = Reread(names, SecondReading(found.analysis, found.late), wanted)
        makers = {EVENT_TABLES[name][1]: EVENT_TABLES[name][0] for name in wanted if name in EVENT_TABLES}
        kinds = set(makers.values()) | (CpuTimeline.KINDS if reread.has_threads else set())
        has_schemas = EVENTS in wanted and SCHEMA_PROVIDER in snapshot.census.providers
        book = source.carried_schemas() if has_schemas else SchemaBook()
        carried = CarriedEvents(book, names, self._redaction)
        kinds |= carried.kinds if EVENTS in wanted else set()
        with meter(f"{name_of(self._trace)}, again", source.info.bytes, quiet=self._quiet) as shown:
            for batch in source.batches(kinds, book):
                for make in makers:
                    yield from make(reread, batch).values()
                yield from (table.only(wanted[EVENTS]) for table in carried.tables(batch))
                shown.advance(batch.bytes_read, batch.records)
                _stop_if_asked(interruption)
        _refuse_changed(source, self._trace)
        if reread.has_stacks:
            yield reread.resolved()


def _refuse_changed(source: EtlFile | JoinedFiles, trace: Trace) -> None:
    """Raise InputError where the second reading may have been of something else than the first."""
    for place in source.damage:
        if place.code is DamageCode.FILE_CHANGED:
            raise InputError(
                "file-changed",
                "the trace was written to while it was read",
                where=name_of(trace),
                why="it is read twice for tables of events, and the two readings would not be of the same",
                next="ask again when nobody writes to it any more, or ask a copy",
            )


def _stop_if_asked(interruption: Interrupts) -> None:
    if interruption.asked:
        raise KeyboardInterrupt
