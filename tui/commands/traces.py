"""The traces of a command line: shells of Windows hand on ``*.etl`` as it was typed, so it is looked up here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracer.errors import InputError, UsageError

_WILD_CARDS = "*?["


class Traces(argparse.Action):
    """Stores paths with every pattern among them replaced by the files that it stands for, in the order of their names.

    Of an argument that takes one trace, the pattern has to stand for one file.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse gives it
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Store them."""
        if isinstance(values, Path):
            setattr(namespace, self.dest, _one(values))
        else:
            setattr(namespace, self.dest, [path for word in values or () for path in expanded(Path(word))])


def expanded(path: Path) -> list[Path]:
    """The files that a path stands for, by name: itself, unless it is a pattern and no file is called so.

    Raises:
        InputError: no file is like the pattern.
    """
    if not any(sign in str(path) for sign in _WILD_CARDS) or path.exists():
        return [path]
    files = _files_like(path)
    if not files:
        raise InputError(
            "no-such-file",
            f"no file is like '{path.name}'",
            where=str(path.absolute().parent),
            why="* and ? stand for other characters, [ab] for one of them",
            next="check the folder and the pattern",
        )
    return files


def _files_like(pattern: Path) -> list[Path]:
    begin = Path(pattern.anchor)
    try:
        return sorted(path for path in begin.glob(str(pattern.relative_to(begin))) if not path.is_dir())
    except (OSError, ValueError):  # a folder that cannot be read; two stars that are not alone
        return []


def _one(path: Path) -> Path:
    files = expanded(path)
    if len(files) > 1:
        raise UsageError(
            "usage",
            f"{len(files)} files are like '{path.name}', and one is wanted",
            where=str(path),
            why=", ".join(file.name for file in files[:5]) + (" and more" if len(files) > 5 else ""),
            next="name one of them",
        )
    return files[0]
