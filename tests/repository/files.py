"""The repository's files, for tests about the repository itself."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("tracer", "analyzers", "tui", "fixtures")
_NOT_OURS: Final = {"__pycache__", "venv", "build", "dist"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that git has or would take; without git, every file outside hidden and generated folders."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive, or a machine without git
        return tuple(path for path in sorted(ROOT.rglob("*")) if path.is_file() and _is_ours(path))
    paths = (ROOT / name.decode() for name in listed.split(b"\0") if name)
    return tuple(path for path in sorted(paths) if path.is_file())


def _is_ours(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return not any(part in _NOT_OURS or (part.startswith(".") and part != ".ci") for part in parts)


def text_files() -> tuple[Path, ...]:
    """The files among them that are text."""
    return tuple(path for path in files() if b"\0" not in path.read_bytes()[:4096])
