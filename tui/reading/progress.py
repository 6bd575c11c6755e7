"""The progress bar: bytes, records a second, time left; on stderr, and only for a person."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tui.console import console
from tui.safe_text import safe
from tui.streams import is_terminal

_LATE_SECONDS: Final = 1.0
"""What is written sooner needs no bar."""


class Meter(Protocol):
    """Told how far reading is."""

    def advance(self, bytes_read: int, records: int) -> None:
        """Both count from the trace's beginning."""


class SilentMeter:
    """For pipes, files and ``--quiet``."""

    def advance(self, bytes_read: int, records: int) -> None:
        """Nobody looks."""


class RecordRate(ProgressColumn):
    """Records a second since the start."""

    def render(self, task: Task) -> Text:
        """Empty until a record was read."""
        elapsed, records = task.elapsed or 0.0, int(task.fields["records"])
        return Text(f"{records / elapsed:,.0f} records/s" if elapsed and records else "", style="progress.data.speed")


class BarMeter:
    """A bar on a terminal."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, bytes_read: int, records: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=bytes_read, records=records)


@contextmanager
def meter(name: str, total_bytes: int, *, quiet: bool) -> Iterator[Meter]:
    """A meter for a trace of so many bytes; it leaves nothing behind on the terminal."""
    if quiet or not is_terminal(sys.stderr):
        yield SilentMeter()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
        RecordRate(),
        TimeRemainingColumn(compact=True),
    )
    shown = console(sys.stderr)
    with Progress(*columns, console=shown, transient=True) as progress, _cursor_back_while_stopped(shown):
        yield BarMeter(progress, progress.add_task(safe(name), total=total_bytes, records=0))


@contextmanager
def while_written(name: str, pieces: Iterable[bytes], *, quiet: bool) -> Iterator[Iterable[bytes]]:
    """The pieces of a file; a bar on a terminal where they take longer than a second. How many come nobody knows."""
    if quiet or not is_terminal(sys.stderr):
        yield pieces
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
    )
    progress = Progress(*columns, console=console(sys.stderr), transient=True)
    task = progress.add_task(safe(name), total=None)
    start = threading.Timer(_LATE_SECONDS, progress.start)
    start.daemon = True
    start.start()
    try:
        yield _counted(pieces, progress, task)
    finally:
        start.cancel()
        start.join()
        if progress.live.is_started:
            progress.stop()


def _counted(pieces: Iterable[bytes], progress: Progress, task: TaskID) -> Iterator[bytes]:
    for piece in pieces:
        progress.advance(task, len(piece))
        yield piece


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
            self._progress, self._name = _file_progress(), name
            self._progress.add_task(safe(name), total=whole)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=here, total=whole)

    def end(self) -> None:
        """Take the bar away, if there is one."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _file_progress() -> Progress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(compact=True),
    )
    return Progress(*columns, console=console(sys.stderr), transient=True)


@contextmanager
def _cursor_back_while_stopped(shown: Console) -> Iterator[None]:
    """Inside, Ctrl-Z gives the shell the cursor back that the bar has hidden; not on Windows, which has no such key."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        shown.show_cursor(True)
        os.kill(os.getpid(), signal.SIGSTOP)  # until the shell's fg
        shown.show_cursor(False)

    before = signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)
