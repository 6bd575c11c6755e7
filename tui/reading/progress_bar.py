"""The progress bars, drawn by rich: imported where a person looks on."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

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

_LATE_SECONDS: Final = 1.0
"""What is written sooner needs no bar."""


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
def bar(name: str, total_bytes: int) -> Iterator[BarMeter]:
    """A bar for a trace of so many bytes; it leaves nothing behind on the terminal."""
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
def late_bar(name: str, pieces: Iterable[bytes]) -> Iterator[Iterable[bytes]]:
    """The pieces of a file, with a bar where they take longer than a second."""
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


def file_progress() -> Progress:
    """A bar for a file that is fetched."""
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
