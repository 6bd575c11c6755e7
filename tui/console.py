"""How styled lines reach a stream: colour on a terminal only, and nothing wrapped or interpreted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, NoReturn

from rich.console import Console
from rich.text import Text


class PlainConsole(Console):
    """A console that leaves a closed pipe to the command line's one handler."""

    def on_broken_pipe(self) -> NoReturn:
        """Pass the error on; rich's own way would exit with 1, which means *something was found*."""
        raise BrokenPipeError


def console(stream: IO[str] | None = None) -> PlainConsole:
    """A console on ``stream`` (stdout if none); honours ``NO_COLOR``, ``TERM`` and ``COLUMNS``."""
    return PlainConsole(file=stream, highlight=False, markup=False, emoji=False)


def write_lines(lines: Iterable[Text], to: Console) -> None:
    """Write lines as they are."""
    for line in lines:
        to.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)
