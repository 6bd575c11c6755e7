"""Files that a command writes: none is written over unless that was asked for, and what fails says why."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer.errors import OutputError, UsageError


def add_force(parser: argparse.ArgumentParser, *also: str) -> None:
    """``--force``, and other names of it."""
    parser.add_argument("--force", *also, action="store_true", help="write over a file that is there")


def refuse_to_overwrite(path: Path | None, *, force: bool) -> None:
    """Raise UsageError where a file would be lost; devices and pipes lose nothing."""
    if path is not None and path.is_file() and not force:
        raise UsageError(
            "file-exists",
            "there is a file of that name",
            where=str(path),
            why="it would be written over",
            next="give another name, or --force",
        )


@contextmanager
def writing(what: str, path: Path) -> Iterator[None]:
    """Around the writing of a file. Raises OutputError where it cannot be written."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            "output",
            f"cannot write {what}",
            where=str(error.filename or path),
            why=error.strerror or str(error),
            next="give a path in a folder that exists, has room and can be written",
        ) from error
