"""The batches of several files as one sequence, in time order, in memory bounded by a window of each file.

Each file is read by itself, so that its stacks, stack keys and compression are its own. Of what all of them have read
the events before a moment go out, before which no file can have another one. A file is read when its time has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import field, replace
from typing import Final

import numpy as np

from tracer.arrays import I64, Mask
from tracer.columns import EventTable
from tracer.data_classes import dataclass
from tracer.etl.clock import Clock
from tracer.etl.file import EtlFile
from tracer.etl.joining.twice import MOST_APART_NS, find_copies, signature, taken, without_copies
from tracer.etl.tables import joined
from tracer.etl.ticks import times_ns
from tracer.events.schema_book import SchemaBook
from tracer.trace import NO_LATE_STACKS, Batch, LateStacks

_END: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A file to be merged. ``begins_ns``: no event of it is earlier; ``base``: added to the offsets of its events.

    ``recording``: files of one recording have the same number.
    """

    file: EtlFile
    begins_ns: int
    base: int
    recording: int


@dataclass(slots=True, eq=False)
class _Stream:
    """What of a file was read and has not gone out: ``tables`` by kind, in time order, and late stacks.

    ``until_ns``: no event that is still to be read is earlier.
    """

    part: Part
    number: int
    batches: Generator[Batch] | None = None
    until_ns: int = 0
    bytes_read: int = 0
    records: int = 0
    tables: dict[str, list[EventTable]] = field(default_factory=dict)
    late: list[LateStacks] = field(default_factory=list)

    def read_on(self, kinds: Collection[str] | None, schemas: SchemaBook | None) -> None:
        """Take the file's next batch."""
        if self.batches is None:
            self.batches = self.part.file.batches(kinds, schemas)
        batch = next(self.batches, None)
        if batch is None:
            self.until_ns = _END
            return
        self.until_ns = max(self.until_ns, batch.until_ns)
        self.bytes_read, self.records = batch.bytes_read, batch.records
        for kind, table in batch.tables.items():
            self.tables.setdefault(kind, []).append(replace(table, offset=table.offset + self.part.base))
        if len(batch.late_stacks.stack):
            self.late.append(batch.late_stacks)

    def take(self, until_ns: int) -> dict[str, list[EventTable]]:
        """Its events before a moment; they are kept no longer."""
        out: dict[str, list[EventTable]] = {}
        for kind, tables in self.tables.items():
            rest = []
            for table in tables:
                count = int(np.searchsorted(table.time, until_ns))
                if count:
                    out.setdefault(kind, []).append(taken(table, slice(0, count)))
                if count < len(table):
                    rest.append(taken(table, slice(count, None)))
            self.tables[kind] = rest
        return out

    def take_late(self, until_ns: int, clock: Clock) -> list[LateStacks]:
        """Late stacks of events before a moment, which have gone out."""
        out, rest = [], []
        for late in self.late:
            due = times_ns(clock, late.raw_time) < until_ns
            out.append(_some(late, due))
            rest.append(_some(late, ~due))
        self.late = [late for late in rest if len(late.stack)]
        return [late for late in out if len(late.stack)]


class Merge:
    """One reading of all files."""

    def __init__(self, parts: Sequence[Part], clock: Clock) -> None:
        self._streams = [_Stream(part, number) for number, part in enumerate(parts)]
        self._clock = clock
        self._placed = 0
        self._recordings = np.array([part.recording for part in parts], np.int64)
        self._with_pool: set[int] = set()
        self._copies = _Copies(clock.raw(MOST_APART_NS))

    @property
    def copies(self) -> Counter[str]:
        """Events left out so far, by kind."""
        return self._copies.left_out

    def batches(self, kinds: Collection[str] | None, schemas: SchemaBook | None) -> Generator[Batch]:
        """All batches."""
        until = 0
        while True:
            open_ones = [each for each in self._streams if each.until_ns != _END]
            if not open_ones:
                return
            for stream in self._due(open_ones, until):
                stream.read_on(kinds, schemas)
            until = min(_reach(each) for each in self._streams)
            yield self._batch(until)

    @staticmethod
    def _due(streams: Sequence[_Stream], until: int) -> list[_Stream]:
        """Those that keep the others from going on: that reach no further than what went out, or the least far."""
        least = min(_reach(each) for each in streams)
        return [each for each in streams if _reach(each) <= max(until, least)]

    def _batch(self, until_ns: int) -> Batch:
        pieces = [(stream.number, stream.take(until_ns)) for stream in self._streams]
        placed = self._in_order([(number, tables) for number, tables in pieces if tables])
        tables = {kind: table for kind, found in placed.items() if len(table := self._one_table(found))}
        self._with_pool |= {self._streams[number].part.recording for number, found in pieces if "pool" in found}
        late = [each for stream in self._streams for each in self._late(stream, until_ns)]
        last = max(stream.part.file.last_ns for stream in self._streams) if until_ns == _END else until_ns
        return Batch(
            tables, _all_of(late), last,
            sum(stream.bytes_read for stream in self._streams), sum(stream.records for stream in self._streams),
        )  # fmt: skip

    def _late(self, stream: _Stream, until_ns: int) -> list[LateStacks]:
        """Late stacks, which go to allocations: none of a recording that has no allocations."""
        late = stream.take_late(until_ns, self._clock)
        return late if stream.part.recording in self._with_pool else []

    def _one_table(self, found: list[tuple[int, EventTable]]) -> EventTable:
        """The events of one kind, in order, each once."""
        table = joined([each for _, each in found])
        order = np.argsort(np.concatenate([each.order for _, each in found]), kind="stable")
        file = np.concatenate([np.full(len(each), number, np.int64) for number, each in found])[order]
        return self._copies.left_out_of(_Rows(table, file, self._recordings[file]))

    def _in_order(
        self, pieces: list[tuple[int, dict[str, list[EventTable]]]]
    ) -> dict[str, list[tuple[int, EventTable]]]:
        """The tables by kind with the file each is of, numbered in the time order of all files."""
        flat = [(number, table) for number, tables in pieces for found in tables.values() for table in found]
        if not flat:
            return {}
        time = np.concatenate([table.raw_time for _, table in flat])
        order = np.concatenate([table.order for _, table in flat])
        file = np.concatenate([np.full(len(table), number, np.int64) for number, table in flat])
        place = np.empty(len(time), np.int64)
        place[np.lexsort((order, file, time))] = np.arange(self._placed, self._placed + len(time))
        self._placed += len(time)
        out: dict[str, list[tuple[int, EventTable]]] = {}
        ends = np.cumsum([len(table) for _, table in flat])
        for (number, table), places in zip(flat, np.split(place, ends[:-1]), strict=True):
            out.setdefault(table.kind, []).append((number, replace(table, order=places)))
        return out


class _Copies:
    """Leaves out what another file has told; remembers the latest events of each kind, as far as copies may reach."""

    def __init__(self, apart: int) -> None:
        self._apart = apart
        self._recent: dict[str, list[_Rows]] = {}
        self.left_out: Counter[str] = Counter()

    def left_out_of(self, new: _Rows) -> EventTable:
        """The events without copies of one another, and of recent ones."""
        kind, since = new.table.kind, int(new.table.raw_time[-1]) - self._apart
        rows = [*self._recent.get(kind, ()), new]
        self._recent[kind] = [recent for each in rows if len((recent := each.since(since)).file)]
        file = np.concatenate([each.file for each in rows])
        if np.all(file == file[0]):
            return new.table
        name = np.concatenate([signature(each.table) for each in rows])
        time = np.concatenate([each.table.raw_time for each in rows])
        recording = np.concatenate([each.recording for each in rows])
        of = np.empty(len(name), np.int64)
        find_copies(np.lexsort((time, name)), name, time, file, recording, self._apart, of)
        before = len(name) - len(new.file)
        is_copy = of[before:] >= 0
        self.left_out[kind] += int(np.count_nonzero(is_copy))
        return without_copies(new.table, is_copy, of[before:] - before) if is_copy.any() else new.table


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Events of one kind, and the file and the recording (int64) that each is of."""

    table: EventTable
    file: I64
    recording: I64

    def since(self, time: int) -> _Rows:
        rows = slice(int(np.searchsorted(self.table.raw_time, time)), None)
        return _Rows(taken(self.table, rows), self.file[rows], self.recording[rows])


def _reach(stream: _Stream) -> int:
    """The moment before which a file has no event that was not read."""
    return stream.part.begins_ns if stream.batches is None and stream.until_ns != _END else stream.until_ns


def _some(late: LateStacks, rows: Mask) -> LateStacks:
    return LateStacks(
        late.raw_time[rows], late.thread[rows], late.process[rows], late.cpu[rows], late.stack[rows],
        late.is_user[rows],
    )  # fmt: skip


def _all_of(late: Iterable[LateStacks]) -> LateStacks:
    every = list(late)
    if not every:
        return NO_LATE_STACKS
    return LateStacks(
        np.concatenate([each.raw_time for each in every]), np.concatenate([each.thread for each in every]),
        np.concatenate([each.process for each in every]), np.concatenate([each.cpu for each in every]),
        np.concatenate([each.stack for each in every]), np.concatenate([each.is_user for each in every]),
    )  # fmt: skip
