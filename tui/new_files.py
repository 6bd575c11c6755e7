"""Files that a command writes: none is written over unless that was asked for, and what fails says why."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tracer.errors import OutputError, UsageError

_GROWING: Final = ".part"
"""The end of the name that a file has while it is written."""


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
            where=str(path if str(error.filename).endswith(_GROWING) else error.filename or path),
            why=error.strerror or str(error),
            next="give a path in a folder that exists, has room and can be written",
        ) from error


def write_whole(path: Path, what: str, pieces: Iterable[bytes]) -> None:
    """Write a file that is there whole or not at all: it grows beside its place under another name.

    What is no plain file, as a pipe or a device, is written to as it is. Raises OutputError.
    """
    with writing(what, path):
        if path.exists() and not path.is_file():
            with path.open("wb") as device:
                device.writelines(pieces)
            return
        real = Path(os.path.realpath(path))
        number, name = tempfile.mkstemp(prefix=f".{real.name[:64]}.", suffix=_GROWING, dir=real.parent)
        growing = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                file.writelines(pieces)
            growing.chmod(real.stat().st_mode & 0o777 if real.exists() else 0o666 & ~_umask())
            growing.replace(real)
        except BaseException:
            growing.unlink(missing_ok=True)
            raise


def _umask() -> int:
    """What is kept from others; asking for it sets it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
