"""How an error is told: what, where, why and what to do next; in words and as a document."""

from __future__ import annotations

import sys

from tracer.errors import PoolscopeError
from tui.safe_text import safe


class InternalError(PoolscopeError):
    """A fault of Poolscope itself, found while a command ran."""


def internal(error: Exception) -> InternalError:
    """An unexpected exception as an error that says where it happened and how to report it."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}, line {frames[-1].lineno}, in {frames[-1].name}" if frames else ""
    said = str(error).strip().splitlines()
    return InternalError(
        "internal-error",
        f"internal error: {type(error).__name__}{': ' + said[0] if said else ''}",
        where=place,
        why="this is a fault in Poolscope, not in what you did or in the trace",
        next="run the same command with --debug and report its output together with that of 'poolscope --version'",
    )


def error_text(error: PoolscopeError, command: str = "") -> str:
    """The error in up to four lines, the first with the command that was typed and what happened."""
    name = f"poolscope {command}".rstrip()
    rows = [("where", error.where), ("why", error.why), ("next", error.next)]
    return "\n".join([f"{name}: {safe(error.what)}", *(f"  {label:<5}  {safe(said)}" for label, said in rows if said)])


def tell(error: PoolscopeError, command: str = "") -> None:
    """Write the error of a command to stderr."""
    sys.stderr.write(error_text(error, command) + "\n")
    sys.stderr.flush()
