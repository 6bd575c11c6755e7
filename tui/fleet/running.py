"""From sources to the lines of a journal: what is not done yet goes to the cluster, and each answer becomes a line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count as count_from
from typing import Final, Protocol

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from analyzers.fleet.rows import FindingRow, Place, TraceRow, failed_row
from analyzers.formatting import counted
from tracer.errors import InputError
from tracer.processors import processors
from tui.console import console
from tui.fleet.engine import Answer, Job, cluster, memory_of, run
from tui.fleet.journal import Journal, Line
from tui.fleet.sources import Source
from tui.interrupts import Interrupts
from tui.reading.trace import compile_kernels
from tui.streams import is_terminal, say

_FIXED_SECONDS: Final = 300.0
_BYTES_PER_SECOND: Final = 1_000_000
"""A tenth of a slow machine's speed. What is packed is taken for so many times as large:"""
_PACKED: Final = 10
_UNKNOWN_SECONDS: Final = 3600.0
"""For a trace whose size nobody tells."""
_EACH: Final = 1 << 20
"""What a trace costs besides its bytes, in bytes: so that the time left is right for many small ones."""


class Counter(Protocol):
    """Told of each trace that is done."""

    def __call__(self, size: int) -> None:
        """It has so many bytes."""


def analyse_all(journal: Journal, sources: Sequence[Source], args: argparse.Namespace) -> bool:
    """Whether it was stopped before all was done. Raises MachineError where there is no cluster, or none any more."""
    left = journal.left(sources, again=args.retry)
    if journal.torn:
        say(f"note: {counted(journal.torn, 'line')} of the journal could not be read; that is done again")
    if len(left) < len(sources):
        say(f"note: {len(sources) - len(left):,} of {counted(len(sources), 'trace')} are done", quiet=args.quiet)
    if not left:
        return False
    workers = args.workers or processors()
    if args.scheduler is None:
        compile_kernels(quiet=args.quiet)  # once, and said so, before several processes would
    with (
        Interrupts(noted=1) as interruption,
        cluster(args.scheduler, workers=workers, dashboard=args.dashboard) as client,
        _counter(left, quiet=args.quiet) as count,
    ):
        if args.dashboard:
            say(f"Dask's pages: {client.dashboard_link}", quiet=args.quiet)
        memory = args.memory or memory_of(client, workers)
        jobs = (_job(each, journal, args, memory) for each in left)

        def take(job: Job, answer: Answer) -> None:
            journal.add(_line(job, answer))
            count(job["bytes"])

        run(client, jobs, take, lambda: interruption.asked)
        return interruption.asked


def _job(source: Source, journal: Journal, args: argparse.Namespace, memory: int) -> Job:
    return {
        "place": source.place,
        "stamp": source.stamp,
        "bytes": source.bytes,
        "known": journal.hashes(source.bytes, again=args.retry),
        "memory": memory,
        "seconds": _seconds(source, args),
        "options": {
            "pooltag": args.pooltag and str(args.pooltag.absolute()),
            "map": args.map and str(args.map.absolute()),
            "symbols": args.symbols,
            "symbol_server": args.symbol_server,
            "storage": args.storage,
        },
    }


def _seconds(source: Source, args: argparse.Namespace) -> float:
    if args.timeout is not None:
        return float(args.timeout)
    if not source.bytes:
        return _UNKNOWN_SECONDS
    size = source.bytes * (1 if source.place.lower().endswith(".etl") else _PACKED)
    return _FIXED_SECONDS + size / _BYTES_PER_SECOND


def _line(job: Job, answer: Answer) -> Line:
    """The line of an answer: without rows where another source has the same content and its rows."""
    place, content, error = job["place"], answer["hash"], answer.get("error")
    if "known" in answer:
        return Line(place, job["stamp"], content, None)
    if error is None:
        return Line(
            place, job["stamp"], content,
            TraceRow.read(answer["trace"]), tuple(map(FindingRow.read, answer["findings"])),
        )  # fmt: skip
    said = InputError(error["code"], error["what"], where=error["where"], why=error["why"], next=error["next"])
    row = failed_row(said, Place(content, answer["bytes"], place, Source(place).folder))
    return Line(place, job["stamp"], content, row)


class _Rate(ProgressColumn):
    """Traces done, of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        done, elapsed = int(task.fields["done"]), task.elapsed or 0.0
        rate = f", {done / elapsed:.1f} a second" if done and elapsed else ""
        return Text(f"{done:,} of {counted(task.fields['of'], 'trace')}{rate}")


@contextmanager
def _counter(left: Sequence[Source], *, quiet: bool) -> Iterator[Counter]:
    """A bar on a terminal; it leaves nothing behind."""
    if quiet or not is_terminal(sys.stderr):
        yield lambda size: None  # noqa: ARG005 - nobody looks
        return
    columns = (BarColumn(bar_width=24), _Rate(), TextColumn("left:"), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console(sys.stderr), transient=True) as progress:
        task = progress.add_task("", total=sum(each.bytes + _EACH for each in left), done=0, of=len(left))
        done = count_from(1)

        def count(size: int) -> None:
            progress.update(task, advance=size + _EACH, done=next(done))

        yield count
