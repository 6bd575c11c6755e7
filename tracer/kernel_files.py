"""Compiled kernels of code that is no more, which numba leaves in the cache: an upgrade would double it each time."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path

from tracer.jit import cache_directory

_OWNER: Final = "compiled-from"
"""A file in a folder of the cache: from which folder's source files the kernels in it were compiled."""
_FILE: Final = re.compile(r"(?P<module>\w+)\.(?P<function>.+)-(?P<line>\d+)\.py\w+(?:\.\d+)?\.nb[ic]")
"""numba's names: ``MODULE.FUNCTION-LINE.PYTHON.nbi`` for an index, with a number and ``.nbc`` for code."""
_UNOWNED_DAYS: Final = 30.0
"""So long a folder is kept that an earlier version wrote, which left no note."""


def remove_stale(rooms: Iterable[Path]) -> None:
    """Of the packages in these folders, remove what no function compiles to; of others, what has lost its source."""
    cache = cache_directory()
    is_ours = cache == user_cache_path("poolscope", appauthor=False) / "kernels"
    own = {_folder_name(folder): folder for room in rooms for folder in (room, *filter(Path.is_dir, room.rglob("*")))}
    with suppress(OSError):
        for folder in list(filter(Path.is_dir, cache.iterdir())):
            if (sources := own.get(folder.name)) is not None:
                (folder / _OWNER).write_text(str(sources), encoding="utf-8")
                _remove_changed(folder, sources)
            elif _has_lost_its_source(folder, is_ours=is_ours):
                shutil.rmtree(folder, ignore_errors=True)


def _folder_name(sources: Path) -> str:
    """What numba calls the cache's folder for these source files."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_directory()))
    from numba.core.caching import UserProvidedCacheLocator

    name: Any = UserProvidedCacheLocator.get_suitable_cache_subpath
    return str(name(str(sources / "any.py")))


def _remove_changed(folder: Path, sources: Path) -> None:
    """The files of functions that are not, or not at that line, in a source file."""
    texts: dict[str, list[str]] = {}
    for file in folder.iterdir():
        name = _FILE.fullmatch(file.name)
        if name is None:
            continue
        if name["module"] not in texts:
            source = sources / f"{name['module']}.py"
            texts[name["module"]] = source.read_text("utf-8").splitlines() if source.is_file() else []
        if not _begins(name["function"], texts[name["module"]], int(name["line"]) - 1):
            file.unlink(missing_ok=True)


def _begins(function: str, lines: list[str], at: int) -> bool:
    """Whether this function, or the first of its decorators, is at that line."""
    if at > 0 and lines[at - 1 : at] and lines[at - 1].lstrip().startswith("@"):
        return False
    for line in lines[at:]:
        if not line.lstrip().startswith("@"):
            return re.match(rf"\s*def {re.escape(function.rpartition('.')[2])}\b", line) is not None
    return False


def _has_lost_its_source(folder: Path, *, is_ours: bool) -> bool:
    """``is_ours``: no other program keeps anything in this cache."""
    try:
        return not Path((folder / _OWNER).read_text("utf-8")).is_dir()
    except OSError:
        newest = max((file.stat().st_mtime for file in folder.iterdir()), default=0.0)
        return is_ours and time.time() - newest > _UNOWNED_DAYS * 86_400
