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

ROOT: Final = Path(__file__).resolve().parents[2]
_OURS: Final = "poolscope"


@dataclass(frozen=True, slots=True)
class Environment:
    """``python``: the interpreter that has the program; ``extra``: variables that its processes get besides."""

    name: str
    python: Path
    folder: Path
    extra: dict[str, str]


def this_tree(folder: Path) -> Environment:
    """The tree that this module is part of, in the environment that runs now."""
    return _environment("this tree", Path(sys.executable), folder, {"PYTHONPATH": str(ROOT)})


def installed(commit: str, folder: Path) -> Environment:
    """``commit`` in ``folder``. ``ValueError`` where there is no such commit, or it cannot be installed."""
    source, place = folder / "source", folder / "venv"
    folder.mkdir(parents=True)
    archive = folder / "source.tar"
    _run(
        ["git", "-C", str(ROOT), "archive", "--format=tar", f"--output={archive}", commit],
        f"there is no commit {commit}",
    )
    shutil.unpack_archive(archive, source, "tar", filter="data")
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = folder / "constraints.txt"
    pins.write_text("".join(f"{each.name}=={each.version}\n" for each in distributions() if each.name != _OURS))
    quiet = ["--quiet", "--disable-pip-version-check", "--constraint", str(pins)]
    _run([str(python), "-m", "pip", "install", *quiet, str(source)], f"{commit} cannot be installed")
    return _environment(commit, python, folder, {})


def _environment(name: str, python: Path, folder: Path, extra: dict[str, str]) -> Environment:
    """Compiled kernels of one tree are none of the other's."""
    folder.mkdir(parents=True, exist_ok=True)
    return Environment(name, python, folder, {"PYTHONSAFEPATH": "1", "NUMBA_CACHE_DIR": str(folder / "numba"), **extra})


def _run(command: list[str], problem: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise ValueError(f"{problem}: {last}")
