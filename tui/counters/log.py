"""``live --counters --log FILE``: one line a tag and minute, as CSV."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from analyzers.pooltag import tag_text
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tracer.errors import OutputError, UsageError
from tui.new_files import writing
from tui.tables.spreadsheet import csv_cell
from tui.tables.words import NONPAGED_WORD, PAGED_WORD

COLUMNS: Final = ("time_utc", "tag", "pool", "allocations", "frees", "outstanding", "bytes", "change_bytes", "driver")
"""``allocations`` and ``frees`` are since boot, modulo 2**32 as Windows counts them; ``change_bytes`` is
since the tag's line before."""
_HEADER: Final = (",".join(COLUMNS) + "\r\n").encode("ascii")
"""Lines end as RFC 4180 has it."""

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class CountersLog:
    """Appends to a file that it keeps open, so that a program which opens it meanwhile opens it for reading.

    Every line that it has begun it finishes, or takes back. ``filters``: which tags have lines.
    """

    def __init__(self, path: Path, filters: Query, clock: Clock = _now) -> None:
        """Raises UsageError where the file is something else, and OutputError where it cannot be opened or written."""
        self._path, self._filters, self._clock = path, filters, clock
        self._minute: datetime | None = None
        self._before: dict[tuple[int, bool], int] = {}
        with writing("the log", path):
            begun = _begun(path)
            self._file = path.open("ab", buffering=0)
        try:
            self._append(begun)
        except OutputError:
            self._file.close()
            raise

    def take(self, snapshot: Snapshot) -> None:
        """Write the sample's lines where it is the first one of its minute. Raises OutputError."""
        now = self._clock().astimezone(UTC)
        minute = now.replace(second=0, microsecond=0)
        if minute == self._minute:
            return
        self._minute = minute
        self._append(self._lines(snapshot, f"{now:%Y-%m-%dT%H:%M:%SZ}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._file.close()

    def _lines(self, snapshot: Snapshot, time: str) -> bytes:
        tags = snapshot.pool.tags
        text = io.StringIO(newline="")
        out = csv.writer(text, lineterminator="\r\n")
        for row in np.flatnonzero(self._filters.fit_tags(tags.tag.tolist())).tolist():
            key, held = (int(tags.tag[row]), bool(tags.paged[row])), int(tags.outstanding_bytes[row])
            before, self._before[key] = self._before.get(key), held
            names = (csv_cell(tag_text(key[0])), PAGED_WORD if key[1] else NONPAGED_WORD)
            counts = (int(tags.allocations[row]), int(tags.frees[row]), int(tags.outstanding_count[row]), held)
            change = "" if before is None else held - before
            out.writerow((time, *names, *counts, change, csv_cell(tags.driver[row])))
        return text.getvalue().encode("utf-8")

    def _append(self, data: bytes) -> None:
        with writing("the log", self._path):
            end = os.fstat(self._file.fileno()).st_size
            left = memoryview(data)
            try:
                while left:
                    left = left[self._file.write(left) :]
            except OSError:
                _cut(self._file, end)
                raise


def _cut(file: io.FileIO, end: int) -> None:
    """Take back what a full disk took of a line."""
    try:
        file.truncate(end)
    except OSError:  # a device has no end that it could be cut at
        return


def _begun(path: Path) -> bytes:
    """What has to be written first, empty for nothing. Raises UsageError for a file that is no such log."""
    if not path.is_file():  # it is not there; or a pipe, a device
        return _HEADER
    with path.open("rb") as file:
        head = file.read(len(_HEADER))
        if not head:
            return _HEADER
        if head != _HEADER:
            raise UsageError(
                "file-exists",
                "there is a file of that name, and it is no log of pool counters",
                where=str(path),
                why=f"such a log begins with the line {_HEADER.decode().strip()}",
                next="give another name: a log is only ever added to",
            )
        file.seek(-1, os.SEEK_END)
        return b"" if file.read(1) == b"\n" else b"\r\n"
