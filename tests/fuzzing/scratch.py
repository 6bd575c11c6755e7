"""A file for what is read by its path: in memory where the system has a folder for that."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

_MEMORY = Path("/dev/shm")


@cache
def folder() -> Path:
    """Of this process; goes with it."""
    found = tempfile.mkdtemp(prefix="poolscope-fuzzing-", dir=_MEMORY if _MEMORY.is_dir() else None)
    atexit.register(shutil.rmtree, found, ignore_errors=True)
    return Path(found)


def written(data: bytes, name: str = "input") -> Path:
    """The bytes as a file, until the next of that name."""
    path = folder() / name
    path.write_bytes(data)
    return path
