"""The process's streams: findings on stdout, talk on stderr, and no crash over either.

A redirected stdout on Windows, or ``LANG=C``, cannot write every character; a reader such as
``head`` may leave early. Neither is an error of the user's.
"""

from __future__ import annotations

import io
import os
import sys
from typing import IO, Final

_DRIVER: Final = "TEXTUAL_DRIVER"
"""Set by textual-serve (``poolscope serve``) when it is a browser that shows the interface."""


def accept_any_text() -> None:
    r"""Let stdout and stderr write what their encoding lacks as ``\u....`` instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def leave_quietly() -> None:
    """Point stdout at nothing, so that the interpreter's last flush cannot fail (the reader has gone)."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
    except (OSError, ValueError):  # a stdout without a file descriptor has nothing to flush
        return


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person looks at ``stream``."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def is_behind_browser() -> bool:
    """Whether it is a browser that shows the interface: then there is no terminal."""
    return _DRIVER in os.environ


def say(line: str, *, quiet: bool = False) -> None:
    """One line of talk on stderr."""
    if not quiet:
        sys.stderr.write(f"poolscope: {line}\n")
        sys.stderr.flush()
