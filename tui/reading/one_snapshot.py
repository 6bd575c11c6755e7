"""From the options of a command to the snapshots of its traces, with the names that they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from analyzers.snapshot import Snapshot
from tracer.errors import InputError
from tui.reading.symbols import name_source
from tui.reading.tag_names import load_tag_names
from tui.reading.together import one_trace
from tui.reading.trace import read_telling_session


def _raise(_place: int, error: InputError) -> None:
    raise error


def read_each(
    args: argparse.Namespace,
    every: Sequence[Sequence[Path]],
    session: int | None = None,
    leave_out: Callable[[int, InputError], None] = _raise,
) -> list[Snapshot]:
    """The snapshot of each trace: files that belong together are one; ``session``: of the last.

    ``leave_out`` is told of one that cannot be read. Where there are several all places have names, as those of one are
    held against those of another. Raises InputError, UsageError.
    """
    names, read = load_tag_names(args.pooltag, quiet=args.quiet), list[Snapshot]()
    with name_source(args) as source:
        if source is not None and len(every) > 1:
            source.is_thorough = True
        for place, paths in enumerate(every):
            trace = one_trace(list(paths), session if place == len(every) - 1 else None)
            symbols = None if source is None else source.symbols()
            try:
                read.append(read_telling_session(trace, names, quiet=args.quiet, symbols=symbols)[0])
            except InputError as error:
                leave_out(place, error)
    return read
