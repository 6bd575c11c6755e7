"""An .etl file as a source of event batches, in time order, in memory bounded by a window."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

import numpy as np

from tracer.arrays import I64, Structured, unique
from tracer.errors import Damage, DamageCode, InputError
from tracer.etl.buffers import BufferIndex, index_buffers
from tracer.etl.census import Counters
from tracer.etl.clock import Clock
from tracer.etl.headers import MAX_PROCESSORS, BufferFlag
from tracer.etl.logfile import HEAD_BYTES, LogFile, flags_text, read_head
from tracer.etl.loss import continues, loss_of
from tracer.etl.machine import machine_pointer_size
from tracer.etl.rolled import rolled_of
from tracer.processors import processors
from tracer.trace import SIMULATED_SESSION, Batch, ByteCount, Census, ClockShift, Loss, Rolled, TraceInfo

if TYPE_CHECKING:
    from tracer.etl.classify import Classifier
    from tracer.etl.reading import Reading
    from tracer.events.schema_book import SchemaBook
    from tracer.stacks.keys import KeyTable
    from tracer.stacks.table import StackTable

WINDOW_BYTES: Final = 6 << 20
"""Bytes of buffers whose events are put in order together: what is made of them should stay in caches, and the two
threads of a reading wait for each other once a window."""
_WINDOW_BYTES_ALONE: Final = 12 << 20
"""The same with one thread: nothing waits for a window there, so that fewer of them cost less (measured:
``docs/memory-and-speed.md``)."""

Progress = Callable[[Batch], None]


class SessionBegins:
    """Where the sessions of a file begin, found as they are asked for. ``is_whole``: no more are in it.

    Whoever opens one after the other keeps it, as each is found from the one before.
    """

    __slots__ = ("is_whole", "places")

    def __init__(self) -> None:
        self.places = [0]
        self.is_whole = False


class EtlFile(AbstractContextManager["EtlFile"]):
    """A trace file, opened with :meth:`open`; satisfies :class:`~tracer.trace.Source`.

    Census, losses, damage and byte counts grow while batches are taken. What reads and decodes records is imported when
    they are asked for: a header needs none of it.
    """

    def __init__(
        self, path: Path, stream: _File, *, window_bytes: int, threads: int, session: int, stacks: StackTable | None,
        begins: SessionBegins | None = None,
    ) -> None:  # fmt: skip
        self._path = path
        self._file = stream
        self._window_bytes = window_bytes
        self._threads = threads
        self._session = session
        self._begins = SessionBegins() if begins is None else begins
        self._begin = self._session_begin(session)
        self._head = self._head_at(self._begin)
        self._index: BufferIndex | None = None
        self._reading: Reading | None = None
        self._changes: tuple[Damage, ...] = ()
        self.keys: KeyTable | None = None
        """The stack keys of the session, where it goes on in other files."""
        self.goes_on = False
        """Whether the session's buffers before the first are in another file, which is read as well."""
        self._counters = Counters.zero()
        self._classifier: Classifier | None = None
        self._running: Generator[Batch] | None = None
        self._shifts: tuple[ClockShift, ...] = ()
        self._shift_ticks: I64 | None = None
        self._stacks = stacks

    def _head_at(self, begin: int) -> LogFile:
        return read_head(self._file.read_at(begin, HEAD_BYTES), str(self._path), self._file.size - begin)

    def _session_begin(self, session: int) -> int:
        """Where it begins; :class:`InputError` where the file has no such session."""
        places = self._begins.places
        while len(places) < session:
            end = self._end_at(places[-1], self._head_at(places[-1]))
            if end >= self._file.size:
                raise InputError(
                    "no-such-session", f"the file has no session {session}", where=str(self._path),
                    why="fewer sessions were appended to it",
                    next="'poolscope info TRACE' tells the sessions of a file",
                )  # fmt: skip
            places.append(end)
        return places[session - 1]

    def _end_at(self, begin: int, head: LogFile) -> int:
        """Where the session that begins there ends."""
        return index_buffers(self._file.read_at, self._file.size, head, begin).end

    @classmethod
    def open(
        cls, path: Path, *, window_bytes: int | None = None, threads: int | None = None, session: int = 1,
        stacks: StackTable | None = None, begins: SessionBegins | None = None,
    ) -> EtlFile:  # fmt: skip
        """Open a trace and read its head.

        ``threads``: 1 does all in the caller's. With 2 the next window is read in a thread of its own while the caller
        decodes and uses the one before, with 3 and more it is decoded in another, and all but one decompress. By
        default as many as this process may use processors, and 2 where there is but one. ``window_bytes``: bytes whose
        events go out together. ``session``: which of the sessions that were appended to one another, from 1.
        ``stacks``: where stacks go. ``begins``: where its sessions begin, as far as who opened it before has found.
        :class:`InputError` where the file cannot be opened or is no .etl.
        """
        stream = _File(path)
        if threads is None:
            threads = max(2, processors())
        if window_bytes is None:
            window_bytes = WINDOW_BYTES if threads > 1 else _WINDOW_BYTES_ALONE
        try:
            return cls(
                path, stream, window_bytes=window_bytes, threads=threads, session=session, stacks=stacks, begins=begins
            )
        except BaseException:
            stream.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading, where batches are still being taken, and close the file."""
        self._stop()
        self._file.close()

    def _stop(self) -> None:
        """End the threads that read: nothing else may move the file's position."""
        if self._running is not None:
            self._running.close()
            self._running = None

    @property
    def index(self) -> BufferIndex:
        """Where the buffers lie; made at the first use."""
        if self._index is None:
            self._index = index_buffers(self._file.read_at, self._file.size, self._head, self._begin)
        return self._index

    @property
    def stacks(self) -> StackTable:
        """Where the stacks go; made at the first use where none was given."""
        if self._stacks is None:
            from tracer.stacks.table import StackTable

            self._stacks = StackTable()
        return self._stacks

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._path

    @property
    def head(self) -> LogFile:
        """What the session's first record says."""
        return self._head

    @property
    def sessions(self) -> int:
        """How many sessions the file holds, appended to one another."""
        places = self._begins.places
        while not self._begins.is_whole:
            try:
                is_own = places[-1] == self._begin
                end = self.index.end if is_own else self._end_at(places[-1], self._head_at(places[-1]))
            except InputError:  # told by whoever opens that session
                end = self._file.size
            if end < self._file.size:
                places.append(end)
            else:
                self._begins.is_whole = True
        return len(places)

    def become_part(self, clock: Clock, stacks: StackTable, window_bytes: int) -> None:
        """Before anything was read: be one of the files of a joined trace, read in the caller's thread.

        Nanoseconds count from the origin of ``clock``, which shows the same ticks; ``stacks`` are those of all files.
        :attr:`keys` and :attr:`goes_on` may then be set.
        """
        self._head = replace(self._head, clock=replace(self._head.clock, origin=clock.origin, start=clock.start))
        self._stacks, self._window_bytes, self._threads = stacks, window_bytes, 1

    @property
    def info(self) -> TraceInfo:
        """The header; ``duration_ns`` reaches to the last record read so far."""
        head = self._head
        buffers = self.index.buffers
        return TraceInfo(
            path=str(self._path),
            bytes=self._bytes,
            session=head.session,
            start=head.start,
            end=head.end,
            duration_ns=self.last_ns,
            os_build=head.build,
            pointer_size=head.pointer_size,
            processors=head.processors,
            buffers=len(buffers),
            compressed_buffers=int(np.count_nonzero(buffers["flag"] & BufferFlag.COMPRESSED)),
            clock=head.clock.name,
            clock_frequency=head.clock.frequency,
            mode=flags_text(head.mode),
            finalised=head.end != 0,
            simulated=head.session.startswith(SIMULATED_SESSION),
            machine_pointer_size=machine_pointer_size(self._counters.by_header, head),
            processors_seen=len(unique(buffers["cpu"])),
            continues=continues(head, buffers),
            clock_shifts=self._shifts,
            sessions=self.sessions,
            session_number=self._session,
            rolled=self._rolled,
            buffer_bytes=head.buffer_size,
        )

    @cached_property
    def _rolled(self) -> Rolled | None:
        return rolled_of(self._path, self._head)

    @property
    def _bytes(self) -> int:
        """Of the session's part of the file."""
        return self.index.end - self._begin

    @property
    def last_ns(self) -> int:
        """Time of the last record read so far."""
        return 0 if self._reading is None else max(0, self._head.clock.ns_of(self._reading.last_time))

    @property
    def census(self) -> Census:
        """Counts of what has been read so far."""
        providers = {} if self._classifier is None else self._classifier.provider_totals()
        return self._counters.census(providers, None if self._reading is None else self._reading.usage)

    @property
    def loss(self) -> Loss:
        """Losses the header and the buffers show."""
        return loss_of(self._head, self._corrected_buffers(), self.last_ns, goes_on=self.goes_on)

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read so far, by offset."""
        found = list(self.index.damage)
        if self._reading is not None:
            found += self._reading.damage
        found += self._changes
        return tuple(sorted(found, key=lambda place: place.offset))

    @property
    def bytes(self) -> ByteCount:
        """Where the bytes read so far went; after the last batch they add up to the file's size."""
        index = self.index
        count = ByteCount(0, 0, 0, 0) if self._reading is None else self._reading.byte_count
        return ByteCount(count.headers, count.records, count.padding + index.padding, count.skipped + index.skipped)

    def wait(self, seconds: float) -> bool:  # noqa: ARG002 - a live source has to
        """All of a file is there."""
        return True

    def batches(self, kinds: Collection[str] | None = None, schemas: SchemaBook | None = None) -> Generator[Batch]:
        """Batches of the given kinds of events (default: all that have a layout), in time order.

        ``schemas`` (:meth:`carried_schemas`) adds the layouts that the trace itself carries; their
        kinds are ``event:PROVIDER:NAME:IDvVERSION``, and that of :mod:`tracer.events.self_described`.
        There is one reading at a time: another call, and :meth:`close`, end the one before.
        """
        from tracer.etl.classify import classifier
        from tracer.etl.reading import BufferSource, Reading

        self._stop()
        self._counters = Counters.zero()
        self._classifier = classifier(kinds, () if schemas is None else schemas.layouts)
        source = BufferSource(self._file.read_into, self._head, self._corrected_buffers(), self._shift_ticks)
        self._reading = Reading(
            source, self._classifier, self._counters, self.stacks,
            window_bytes=self._window_bytes, threads=self._threads, keys=self.keys,
        )  # fmt: skip
        self._running = self._checked(self._reading)
        return self._running

    def _checked(self, reading: Reading) -> Generator[Batch]:
        try:
            yield from reading.batches()
        finally:
            self._changes = tuple(self._file.changes())
        self._check_bytes()

    def sample(self, buffers: Structured, kinds: Collection[str]) -> Generator[Batch]:
        """Batches of some buffers of the index alone; nothing of it enters counts, losses and damage."""
        from tracer.etl.classify import classifier
        from tracer.etl.reading import BufferSource, Reading
        from tracer.stacks.table import StackTable

        reading = Reading(
            BufferSource(self._file.read_into, self._head, buffers), classifier(kinds), Counters.zero(),
            StackTable(), window_bytes=self._window_bytes, threads=1,
        )  # fmt: skip
        return reading.batches()

    def carried_schemas(self, book: SchemaBook | None = None) -> SchemaBook:
        """The schemas that a merged trace carries: a reading of its own, which leaves the counts as they are.

        It ends the one before. They are added to ``book`` where one is given.
        """
        from tracer.events.schema_book import SchemaBook
        from tracer.events.schemas import KIND

        self._stop()
        book = SchemaBook() if book is None else book
        # Of this very file: by now the path may lead to another.
        again = EtlFile(
            self._path, self._file, window_bytes=self._window_bytes, threads=1, session=self._session, stacks=None,
            begins=self._begins,
        )  # fmt: skip
        for batch in again.batches({KIND}):
            for table in filter(None, (batch.tables.get(KIND),)):
                for row in range(len(table)):
                    book.add(int(table.event[row]), table.blob("data").bytes(row))
        return book

    def correct_clocks(self, shifts: tuple[ClockShift, ...]) -> None:
        """From the next reading on, put the times of these CPUs forward by what their clocks are behind."""
        self._shifts = shifts
        self._shift_ticks = ticks = np.zeros(MAX_PROCESSORS, np.int64)
        for shift in shifts:
            # A tick more: the free that was earliest comes after its allocation, not with it.
            ticks[shift.cpu] = self._head.clock.raw(shift.behind_ns) + 1

    def _corrected_buffers(self) -> Structured:
        """The index with first times by one clock."""
        if self._shift_ticks is None:
            return self.index.buffers
        buffers = self.index.buffers.copy()
        buffers["first_time"] += self._shift_ticks[buffers["cpu"]]
        return buffers

    def scan(self, progress: Progress | None = None) -> None:
        """Walk everything and keep only the counts, losses and damage."""
        for batch in self.batches(()):
            if progress is not None:
                progress(batch)

    def _check_bytes(self) -> None:
        count = self.bytes
        total = count.headers + count.records + count.padding + count.skipped
        if total != self._bytes or min(count.headers, count.records, count.padding, count.skipped) < 0:
            raise AssertionError(f"{self._path}: {count} does not add up to {self._bytes} bytes")


class _File:
    """Positioned reads of a file; every error of the system becomes an :class:`InputError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._refuse_others(path.stat().st_mode)
            self._stream = path.open("rb", buffering=0)
            found = os.fstat(self._stream.fileno())
            self.size, self._written_ns = found.st_size, found.st_mtime_ns
        except FileNotFoundError:
            raise InputError(
                "not-found", "there is no such file", where=str(path), why="the path leads nowhere",
                next="check the path; on a share, check that it is mounted",
            ) from None  # fmt: skip
        except OSError as error:
            raise self._failed(error) from error

    def _refuse_others(self, mode: int) -> None:
        if stat.S_ISDIR(mode):
            raise InputError(
                "is-directory", "this is a directory, not a trace", where=str(self._path), why="a trace is one file",
                next="give the path of an .etl file inside it",
            )  # fmt: skip
        if not stat.S_ISREG(mode):
            raise InputError(
                "not-a-file", "this is a pipe or a device, not a file", where=str(self._path),
                why="a trace is read in the order of its events, not of its bytes",
                next="save it as a file and give the path of that",
            )  # fmt: skip

    def _failed(self, error: OSError, offset: int = 0) -> InputError:
        denied = isinstance(error, PermissionError)
        advice = "open it as a user who may read it" if denied else "copy the file to a sound local disk and try again"
        return InputError(
            "no-permission" if denied else "read-failed",
            "the file may not be read" if denied else "reading the file failed",
            where=f"{self._path}, byte {offset}", why=error.strerror or str(error), next=advice,
        )  # fmt: skip

    def read_into(self, offset: int, view: memoryview) -> int:
        """Fill ``view`` from ``offset``; fewer bytes where the file ends."""
        done = 0
        try:
            while done < len(view):
                got = self._read_once_into(offset + done, view[done:])
                if not got:
                    break
                done += got
        except OSError as error:
            raise self._failed(error, offset + done) from error
        return done

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``."""
        try:
            data = self._read_once(offset, size)
            while len(data) < size and (more := self._read_once(offset + len(data), size - len(data))):
                data += more
        except OSError as error:
            raise self._failed(error, offset) from error
        return data

    def _read_once(self, offset: int, size: int) -> bytes:
        """Some bytes from ``offset``, none at the file's end; with one call of the system where it has one for it."""
        if sys.platform != "win32":
            return os.pread(self._stream.fileno(), size, offset)
        self._stream.seek(offset)
        return self._stream.read(size) or b""

    def _read_once_into(self, offset: int, view: memoryview) -> int:
        """The same into a view; gives how many."""
        if sys.platform == "linux":
            return os.preadv(self._stream.fileno(), [view], offset)
        self._stream.seek(offset)
        return self._stream.readinto(view) or 0

    def changes(self) -> Iterator[Damage]:
        """What became of the file since it was opened. The path may lead elsewhere now, which is no matter."""
        size = self.size
        try:
            now = os.fstat(self._stream.fileno())
        except OSError as error:
            text = f"the file went out of reach while it was read ({error.strerror or error})"
            yield Damage(0, DamageCode.FILE_CHANGED, text, 0)
            return
        if now.st_size > size:
            text = (
                f"the file grew from {size:,} to {now.st_size:,} bytes while it was read; this is about those at first"
            )
            yield Damage(0, DamageCode.FILE_GREW, text, 0)
        elif (now.st_size, now.st_mtime_ns) != (size, self._written_ns):
            text = "the file was written to while it was read: this may be about parts of two"
            yield Damage(0, DamageCode.FILE_CHANGED, text, 0)

    def close(self) -> None:
        self._stream.close()
