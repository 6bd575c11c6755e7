"""Files that a command writes: none is written over unless that was asked for, and what fails says why."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tracer.errors import OutputError, UsageError
from tracer.whole_files import GROWING
from tracer.whole_files import write_whole as write


def add_force(parser: argparse.ArgumentParser, *also: str) -> None:
    """``--force``, and other names of it."""
    parser.add_argument("--force", *also, action="store_true", help="write over a file that is there")


def refuse_to_overwrite(path: Path | None, *, force: bool, read: Iterable[Path] = ()) -> None:
    """Raise UsageError where a file would be lost; devices and pipes lose nothing.

    ``read``: what the command reads, which no ``--force`` writes over.
    """
    if path is None or not path.is_file():
        return
    is_read = any(each.exists() and path.samefile(each) for each in read)
    if is_read or not force:
        raise UsageError(
            "file-exists",
            "this is a file that is read" if is_read else "there is a file of that name",
            where=str(path),
            why="it would be written over",
            next="give another name" if is_read else "give another name, or --force",
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
            where=str(path if str(error.filename).endswith(GROWING) else error.filename or path),
            why=error.strerror or str(error),
            next="give a path in a folder that exists, has room and can be written",
        ) from error


def write_whole(path: Path, what: str, pieces: Iterable[bytes]) -> None:
    """Write a file whole, or not at all (:mod:`tracer.whole_files`). Raises OutputError."""
    with writing(what, path):
        write(path, pieces)
