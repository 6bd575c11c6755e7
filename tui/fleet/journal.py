"""What a run has found so far, a line a trace, safe on the disk before the next: what a stopped run goes on from.

The first line tells who wrote it and with which options: rows of others are not mixed with its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import IO, Any, Final, Self

from analyzers.fleet.rows import FROM_FOLDER, FindingRow, TraceRow
from tracer.data_classes import dataclass
from tracer.errors import UsageError
from tui.fleet.sources import Source
from tui.new_files import writing

NAME: Final = "journal.ndjson"


@dataclass(frozen=True, slots=True)
class Line:
    """A source that was looked at. ``trace`` is ``None`` where its content is another source's, by ``hash``."""

    place: str
    stamp: str
    hash: str
    trace: TraceRow | None
    findings: tuple[FindingRow, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "place": self.place,
            "stamp": self.stamp,
            "hash": self.hash,
            "trace": None if self.trace is None else self.trace.document(),
            "findings": [each.document() for each in self.findings],
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for what is no such line."""
        trace = document["trace"]
        return cls(
            str(document["place"]),
            str(document["stamp"]),
            str(document["hash"]),
            None if trace is None else TraceRow.read(trace),
            tuple(map(FindingRow.read, document["findings"])),
        )


@dataclass(slots=True)
class Journal:
    """Open one with :func:`opened`.

    ``lines``: the last of each source; ``contents``: the last with rows of each content; ``torn``: how many lines could
    not be read.
    """

    file: IO[bytes]
    lines: dict[str, Line] = field(default_factory=dict)
    contents: dict[str, TraceRow] = field(default_factory=dict)
    torn: int = 0
    _findings: dict[str, tuple[FindingRow, ...]] = field(default_factory=dict)
    _by_size: dict[int, set[str]] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Keep it: once this returns, it outlives the process and the machine. Raises OutputError."""
        with writing("the journal", Path(str(self.file.name))):
            self.file.write(f"{json.dumps(line.document())}\n".encode("ascii"))
            self.file.flush()
            os.fsync(self.file.fileno())
        self.note(line)

    def note(self, line: Line) -> None:
        """Know of it."""
        self.lines[line.place] = line
        if line.hash and line.trace is not None:
            self.contents[line.hash] = line.trace
            self._findings[line.hash] = line.findings
            self._by_size.setdefault(line.trace.bytes, set()).add(line.hash)

    def left(self, sources: Iterable[Source], *, again: bool) -> list[Source]:
        """Those that are to be looked at; ``again``: what failed is tried again, as what was not read to its end is."""

        def is_done(source: Source) -> bool:
            line = self.lines.get(source.place)
            is_same = line is not None and bool(source.stamp) and line.stamp == source.stamp
            return line is not None and is_same and self._is_done(line.hash, again=again)

        return [each for each in sources if not is_done(each)]

    def hashes(self, size: int, *, again: bool) -> list[str]:
        """What is done among files of a size: one that was written again, or lies elsewhere now, may be one of them."""
        return sorted(each for each in self._by_size.get(size, ()) if self._is_done(each, again=again))

    def _is_done(self, content: str, *, again: bool) -> bool:
        row = self.contents.get(content)
        return row is not None and not (again and row.failed)

    def rows(self, places: Iterable[str]) -> tuple[list[TraceRow], list[FindingRow]]:
        """Those of some sources: each content once, under the first of its places; none of one whose line is torn."""
        first: dict[str, str] = {}
        traces: list[TraceRow] = []
        for line in (self.lines[place] for place in sorted(places) if place in self.lines):
            if line.hash in self.contents:
                first.setdefault(line.hash, line.place)
            elif line.trace is not None:
                traces.append(line.trace)
        traces += [_of_place(self.contents[content], place) for content, place in first.items()]
        return traces, [each for content in first for each in self._findings[content]]


def _of_place(row: TraceRow, place: str) -> TraceRow:
    """The row of a content, as that of one of the places where it lies."""
    here = replace(row, path=place, error_where=row.error_where.replace(row.path, place))
    return replace(here, machine=Source(place).folder) if row.machine_from == FROM_FOLDER else here


@contextmanager
def opened(folder: Path, header: dict[str, Any], *, anew: bool) -> Iterator[Journal]:
    """The journal of a folder, for this process alone; ``header``: has to be that of the lines that are there.

    ``anew``: what is there is forgotten.

    Raises:
        UsageError: another run has it open, or its lines are of another version or of other options.
        OutputError: it cannot be written.
    """
    path = folder / NAME
    with writing("the journal", path):
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(number, "r+b") as file:
        _lock(file, path)
        if anew:
            file.truncate(0)
        journal = Journal(file)
        with writing("the journal", path):
            _read(journal, header, path)
        yield journal


def _read(journal: Journal, header: dict[str, Any], path: Path) -> None:
    """Take the lines that are whole; a last one that was torn is cut off."""
    file, end = journal.file, 0
    for number, line in enumerate(iter(file.readline, b"")):
        if not line.endswith(b"\n"):
            journal.torn += 1
            break
        end += len(line)
        try:
            document = json.loads(line)
            if number == 0:
                _check(document, header, path)
                continue
            journal.note(Line.read(document))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            journal.torn += 1
    file.truncate(end)
    file.seek(end)
    if not end:
        file.write(f"{json.dumps(header)}\n".encode("ascii"))
        file.flush()
        os.fsync(file.fileno())


def _check(found: object, header: dict[str, Any], path: Path) -> None:
    if found == header:
        return
    raise UsageError(
        "other-fleet",
        "the folder has rows that were made otherwise",
        where=str(path),
        why=f"there: {json.dumps(found)[:300]}; now: {json.dumps(header)[:300]}",
        next="another folder for --out, or --force to begin anew",
    )


def _lock(file: IO[bytes], path: Path) -> None:
    """For as long as it is open. Raises UsageError."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 40)  # behind all that will ever be written: what is locked cannot be read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(
            "fleet-runs",
            "another run writes there",
            where=str(path),
            why=error.strerror or str(error),
            next="wait until it is done, or give another folder for --out",
        ) from error
