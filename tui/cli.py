"""The command ``poolscope``: finds the command, runs it, and turns what went wrong into words.

Kept free of everything heavy: ``poolscope --help`` must answer at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Final, NoReturn

from tracer.errors import PoolscopeError, UsageError
from tui.commands import registry
from tui.commands.options import add_debug
from tui.errors import internal, tell
from tui.exit_codes import ExitCode, exit_code_of
from tui.streams import accept_any_text, leave_quietly, say

_DESCRIPTION: Final = (
    "Which pool memory of a Windows machine leaks, whose it is and why it was never freed, from kernel traces."
)
_EPILOG: Final = "'poolscope COMMAND --help' tells more. Start with: poolscope demo"


class Parser(argparse.ArgumentParser):
    """A parser that raises what argparse would print, so that wrong use is told like every other error."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError("usage", message, where=self.prog, next=f"{self.prog} --help shows what is understood")


def version() -> str:
    """The installed version."""
    try:
        return metadata.version("poolscope")
    except metadata.PackageNotFoundError:
        return "unknown (not installed)"


def build_parser(chosen: str = "") -> tuple[Parser, registry.Command | None]:
    """The parser with every command's name, and the chosen command, whose arguments alone are declared."""
    parser = Parser(prog="poolscope", description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"poolscope {version()}")
    add_debug(parser)
    names = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=Parser)
    command = None
    for entry in registry.COMMANDS:
        sub = names.add_parser(entry.name, help=entry.help, description=entry.help, allow_abbrev=False)
        if entry.name == chosen:
            command = entry.load()
            command.prepare_parser(sub)
            add_debug(sub)
    return parser, command


def _run(words: Sequence[str]) -> int:
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser, command = build_parser(chosen)
    own, rest = _divided(words) if isinstance(command, registry.Followed) else (words, ())
    args = parser.parse_args(own)
    args.rest = list(rest)
    if command is None:
        parser.error("which command?")
    return command.run(args)


def _divided(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What comes before ``--``, and what after it."""
    at = list(words).index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _told(error: PoolscopeError, words: Sequence[str]) -> int:
    tell(error)
    if "--json" in _divided(words)[0]:
        from tui.json_documents.error import error_document  # only a failing --json run needs them
        from tui.json_documents.writing import write_document

        write_document(error_document(error))
    return exit_code_of(error)


def _guarded(words: Sequence[str]) -> int:
    try:
        return _run(words)
    except SystemExit as leaving:  # argparse, after --help or --version
        return int(leaving.code or 0)
    except PoolscopeError as error:
        return _told(error, words)
    except KeyboardInterrupt:
        say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # the last net: nothing may end in a raw traceback
        if "--debug" in words or os.environ.get("POOLSCOPE_DEBUG", "") not in ("", "0"):
            traceback.print_exc()
        return _told(internal(error), words)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``poolscope`` with these words (those of the process if none); gives the exit code."""
    accept_any_text()
    try:
        code = _guarded(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        leave_quietly()
        return ExitCode.DONE
    return code
