"""Which kernels an earlier run has compiled: a note in the cache beside them.

Kernel by kernel it is looked whether source file and parts are still those that were compiled (:mod:`tracer.jit`); the
note holds for all of them together.
"""

from __future__ import annotations

import platform
from contextlib import suppress
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from zlib import crc32

import analyzers
import tracer
from tracer.jit import cache_directory
from tracer.kernel_files import remove_stale


class Part(StrEnum):
    """What kernels are for. All that reading needs an analysis needs as well."""

    READING = "reading"
    ANALYSIS = "analysis"


def is_compiled(part: Part) -> bool:
    """Whether a run of this installation, on this cache, has come to its end."""
    return any(_says(each) for each in {part, Part.ANALYSIS})


def note_compiled(part: Part) -> None:
    """Note that a part is compiled, and remove what was compiled from earlier sources.

    A cache that cannot be written holds no kernels either.
    """
    remove_stale(_rooms())
    with suppress(OSError):
        _note(part).write_text(_installation(), encoding="ascii")


def _says(part: Part) -> bool:
    try:
        return _note(part).read_text(encoding="ascii") == _installation()
    except (OSError, ValueError):
        return False


def _note(part: Part) -> Path:
    """The file; each copy of Poolscope on a machine has its own."""
    return cache_directory() / f"{part}-{crc32(str(_rooms()).encode()):08x}.compiled"


def _installation() -> str:
    """Python, numba, and the state of every source file that may hold a kernel, in a few characters."""
    files = sorted(path for room in _rooms() for path in room.rglob("*.py"))
    states = [(str(path), (state := path.stat()).st_mtime_ns, state.st_size) for path in files]
    return f"{platform.python_version()} {metadata.version('numba')} {crc32(repr(states).encode()):08x}"


def _rooms() -> list[Path]:
    return [Path(str(room.__file__)).parent for room in (tracer, analyzers)]
