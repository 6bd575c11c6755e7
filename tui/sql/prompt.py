"""A prompt for queries, and for what people type at the prompts of other databases."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tracer.errors import MachineError, UsageError
from tui.errors import tell
from tui.exports.extras import ARROW
from tui.interrupts import Interrupts, TerminationError
from tui.streams import say

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from tui.sql.database import Database

_LEAVE: Final = frozenset({"exit", "quit", ".exit", ".quit", "\\q"})
"""What people type who come from other prompts; and for help, tables and columns:"""
_HELP: Final = frozenset({"help", "?", ".help", "\\?", "\\h"})
_TABLES: Final = frozenset({"tables", ".tables", "\\d", "\\dt"})
_COLUMNS: Final = frozenset({".schema", "\\d", "desc"})
_COMMAND: Final = re.compile(r"[.\\]")
_HELP_TEXT: Final = """a line is a query in SQL, or several with ; between them
  select process, tag, sum(bytes) from outstanding group by all order by 3 desc limit 10
  from findings          everything of a table
  show tables            also .tables
  describe outstanding   its columns and their types, also .schema outstanding
Tab completes tables and columns, the arrow keys bring earlier queries back,
Ctrl-C drops the line or ends the query that runs, Ctrl-D or exit leaves"""
_NAME: Final = "poolscope: "
"""What talk begins with."""


def ask_on(database: Database, answer: Callable[[str], None]) -> None:
    """Ask for queries and answer each, until Ctrl-D. A Ctrl-C drops the line, or ends what runs.

    Raises MachineError where prompt_toolkit is not installed.
    """
    session = _session(database)
    say(*_filled(f"tables: {', '.join(sorted(database.tables))}"))
    say("Tab completes, help tells more, Ctrl-D leaves")
    while True:
        try:
            text = session.prompt("sql> ").strip()
        except EOFError:
            return
        except TerminationError:
            raise
        except KeyboardInterrupt:
            continue
        query = _query(text)
        if query is None:
            return
        try:
            if query:
                with Interrupts():
                    answer(query)
        except TerminationError:
            raise
        except KeyboardInterrupt:
            say("interrupted")
        except UsageError as error:
            tell(error, "sql")


def _query(text: str) -> str | None:
    """The query that a line stands for: empty where it is answered, ``None`` for one that leaves."""
    bare = text.rstrip("; ").lower()
    first, _, rest = bare.partition(" ")
    if bare in _LEAVE:
        return None
    if bare in _HELP:
        say(*_HELP_TEXT.split("\n"))
        return ""
    if bare in _TABLES:
        return "show tables"
    if first in _COLUMNS and rest:
        return f"describe {rest}"
    if _COMMAND.match(text):
        say(f"there is no command {first}; help tells what there is")
        return ""
    return text


def _filled(text: str) -> list[str]:
    """In lines of the terminal's width, with room for the name that stands before."""
    width = shutil.get_terminal_size().columns
    first, *others = textwrap.wrap(text, width - 1, initial_indent=" " * len(_NAME), subsequent_indent="  ")
    return [first[len(_NAME) :], *others]


def _session(database: Database) -> PromptSession[str]:
    try:
        import_module("prompt_toolkit")
    except ImportError as error:
        raise MachineError(
            "no-prompt-toolkit",
            "prompt_toolkit is not installed",
            where="this Python",
            why="the prompt needs it; a query on the command line does not",
            next=ARROW.command,
        ) from error
    from tui.sql.editing import session_of

    return session_of(database.tables, keeps=database.redaction is None)  # a query may hold a name
