"""How far reading is: bytes, records a second, time left; on stderr, and only for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from tui.safe_text import safe
from tui.streams import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress

_SMALL_BYTES: Final = 4 << 20
"""Read in less time than it takes to import and draw a bar."""


class Meter(Protocol):
    """Told how far reading is."""

    def advance(self, bytes_read: int, records: int) -> None:
        """Both count from the trace's beginning."""


class SilentMeter:
    """For pipes, files and ``--quiet``."""

    def advance(self, bytes_read: int, records: int) -> None:
        """Nobody looks."""


def meter(name: str, total_bytes: int, *, quiet: bool) -> AbstractContextManager[Meter]:
    """A meter for a trace of so many bytes; it leaves nothing behind on the terminal. A small one is read at once."""
    if quiet or total_bytes < _SMALL_BYTES or not is_terminal(sys.stderr):
        return nullcontext(SilentMeter())
    from tui.reading.progress_bar import bar  # brings rich

    return bar(name, total_bytes)


def while_written(name: str, pieces: Iterable[bytes], *, quiet: bool) -> AbstractContextManager[Iterable[bytes]]:
    """The pieces of a file; a bar on a terminal where they take longer than a second. How many come nobody knows."""
    if quiet or not is_terminal(sys.stderr):
        return nullcontext(pieces)
    from tui.reading.progress_bar import late_bar

    return late_bar(name, pieces)


class FileMeter:
    """A bar for each file that comes, on a terminal; silent elsewhere, and when nobody wants to see it."""

    def __init__(self, *, quiet: bool) -> None:
        self.is_silent = quiet or not is_terminal(sys.stderr)
        self._progress: Progress | None = None
        self._name = ""

    def __call__(self, name: str, here: int, whole: int | None) -> None:
        """So many bytes of a file are here, of so many if that is known."""
        if self.is_silent:
            return
        if self._progress is None or name != self._name:
            self.end()
            from tui.reading.progress_bar import file_progress

            self._progress, self._name = file_progress(), name
            self._progress.add_task(safe(name), total=whole)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=here, total=whole)

    def end(self) -> None:
        """Take the bar away, if there is one."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
