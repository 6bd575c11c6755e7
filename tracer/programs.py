"""Other programs that are started: never one that happens to lie beside a stranger's trace."""

from __future__ import annotations

import os
import sys


def program(name: str) -> str | None:
    """The path of a program in a folder of ``PATH``; ``None`` where none has it.

    On Windows :func:`shutil.which` looks in the current folder first, and everywhere in what is no full path in PATH.
    """
    import shutil  # opens three libraries that unpack

    file = f"{name}.exe" if sys.platform == "win32" else name
    folders = filter(os.path.isabs, os.get_exec_path())
    return next(filter(None, (shutil.which(os.path.join(folder, file)) for folder in folders)), None)  # noqa: PTH118


def python(*words: str) -> list[str]:
    """The words that start this Python; -P: no modules from where the user happens to be."""
    return [sys.executable, "-P", *words]


def with_modules(**variables: str) -> dict[str, str]:
    """This process's environment with some variables, in which a Python finds the modules that this one finds."""
    return {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
