"""Files that are there whole or not at all, whatever happens while they are written.

A file grows beside its place under another name, and moves there when the disk has all of it. What a process that was
killed has left of one goes when another is written into the same folder.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

_BEGIN: Final = ".poolscope-"
GROWING: Final = ".part"
"""The end of the name that a file has while it is written."""
_LEFT_SECONDS: Final = 3600
"""Nobody writes any more to a file that has not grown for so long; if somebody does, that is an error of theirs."""


@contextmanager
def growing(path: Path, *, mode: int | None = None, durable: bool = True) -> Iterator[IO[bytes]]:
    """What to write to; the file is at ``path`` once the block ends, and nowhere where that raises.

    ``mode``: of the file, else it is its user's alone. ``durable``: it outlives the machine's crash. Raises OSError.
    """
    number, name = tempfile.mkstemp(prefix=_BEGIN, suffix=GROWING, dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())  # also what tells of a full disk or quota on a share
        if mode is not None:
            with suppress(OSError):  # file systems without modes
                part.chmod(mode)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sweep(path.parent)


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file whole, or not at all; it keeps the access that one of the name had. Raises OSError.

    What is no plain file, as a pipe or a device, is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            device.writelines(pieces)
        return
    real = Path(os.path.realpath(path))
    mode = real.stat().st_mode & 0o777 if real.exists() else 0o666 & ~_umask()
    with growing(real, mode=mode) as file:
        file.writelines(pieces)


def _sweep(folder: Path) -> None:
    with suppress(OSError):  # a folder that may be written to need not be one that may be listed
        for left in folder.glob(f"{_BEGIN}*{GROWING}"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - _LEFT_SECONDS:
                    left.unlink()


def _umask() -> int:
    """What is kept from others; asking for it sets it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
