"""The progress bar: bytes, records a second, time left; on stderr, and only for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

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
    with Progress(*columns, console=console(sys.stderr), transient=True) as progress:
        yield BarMeter(progress, progress.add_task(safe(name), total=total_bytes, records=0))
