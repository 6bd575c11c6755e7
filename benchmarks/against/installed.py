"""A commit of this repository, installed into an environment of its own with the same versions of everything else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from fixtures.demo import DEMO_MAP, DEMO_TRACE

ROOT: Final = Path(__file__).resolve().parents[2]
_OURS: Final = "poolscope"
OPEN_ROOMS: Final = """
try:
    from poolscope import open_rooms
except ImportError:  # an earlier commit, whose rooms are packages of their own
    pass
else:
    open_rooms()
"""
"""Before what a program of another kind than ``poolscope`` imports, wherever it is installed."""


@dataclass(frozen=True, slots=True)
class Environment:
    """``python``: the interpreter that has the program; ``extra``: variables that its processes get besides.

    ``program``: the words that start the command ``poolscope``.
    """

    name: str
    python: Path
    folder: Path
    extra: dict[str, str]
    program: tuple[str, ...]

    def variables(self) -> dict[str, str]:
        """Of its processes: who measures may have told Python where modules are, which would be the same for all."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**others, **self.extra}


@dataclass(frozen=True, slots=True)
class Sides:
    """``commit``, and this tree twice: installed from its ``wheel``, and the ``tree`` as it is, which compiles."""

    commit: Environment
    wheel: Environment
    tree: Environment


def sides(commit: str, folder: Path) -> Sides:
    """All made in ``folder``. ``ValueError`` where one cannot be, and on Windows, which has no wait4(2)."""
    if sys.platform == "win32":
        raise ValueError("not here: what a process took is asked of a POSIX system")
    before = installed(commit, folder / "commit")
    return Sides(before, _installed("this tree", ROOT, folder / "wheel"), this_tree(folder / "this"))


def this_tree(folder: Path) -> Environment:
    """The tree that this module is part of, in the environment that runs now."""
    program = (sys.executable, "-m", "poolscope")
    return _environment("this tree", Path(sys.executable), folder, program, {"PYTHONPATH": str(ROOT)})


def installed(commit: str, folder: Path) -> Environment:
    """``commit`` in ``folder``, with this tree's demo if it has none: a commit finds the leak of its own.

    ``ValueError`` where there is no such commit, or it cannot be installed.
    """
    source = folder / "source"
    folder.mkdir(parents=True)
    archive = folder / "source.tar"
    _run(
        ["git", "-C", str(ROOT), "archive", "--format=tar", f"--output={archive}", commit],
        f"there is no commit {commit}",
    )
    shutil.unpack_archive(archive, source, "tar", filter="data")
    demo = demo_of(folder)
    if not demo.exists():
        shutil.copy(DEMO_TRACE, demo)
        shutil.copy(DEMO_MAP, demo.with_suffix(DEMO_MAP.suffix))
    return _installed(commit, source, folder)


def demo_of(folder: Path) -> Path:
    """The demo trace of the commit that is installed there."""
    return folder / "source" / DEMO_TRACE.relative_to(ROOT)


def _installed(name: str, source: Path, folder: Path) -> Environment:
    place = folder / "venv"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = folder / "constraints.txt"
    pins.write_text("".join(f"{each.name}=={each.version}\n" for each in distributions() if each.name != _OURS))
    quiet = ["--quiet", "--disable-pip-version-check", "--constraint", str(pins)]
    _run([str(python), "-m", "pip", "install", *quiet, str(source)], f"{name} cannot be installed")
    return _environment(name, python, folder, (str(python.with_name("poolscope")),), {})


def _environment(name: str, python: Path, folder: Path, program: tuple[str, ...], extra: dict[str, str]) -> Environment:
    """Compiled kernels of one tree are none of the other's."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = {"PYTHONSAFEPATH": "1", "NUMBA_CACHE_DIR": str(folder / "numba"), **extra}
    return Environment(name, python, folder, variables, program)


def _run(command: list[str], problem: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise ValueError(f"{problem}: {last}")
