"""A prompt for queries: with the names of tables, columns and SQL's words completed, and those asked before kept.

The line is edited by prompt_toolkit, which edits lines on Windows as elsewhere; Python's own readline is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from platformdirs import user_state_path

from tracer.errors import MachineError, UsageError
from tui.errors import tell
from tui.exports.extras import ARROW
from tui.interrupts import Interrupts
from tui.streams import say

if TYPE_CHECKING:
    from tui.sql.database import Database

_LEAVE: Final = frozenset({"exit", "quit", ".exit", ".quit", "\\q"})
"""What people type who come from other prompts."""
_WORDS: Final = frozenset(
    {
        "select", "from", "where", "group by", "order by", "limit", "having", "join", "left join", "using", "distinct",
        "count", "sum", "min", "max", "avg", "case", "when", "then", "else", "end", "between", "with", "union all",
        "describe", "summarize", "show tables", "over", "partition by", "create view", "explain",
    }
)  # fmt: skip
"""What is used most of SQL."""


def ask_on(database: Database, answer: Callable[[str], None]) -> None:
    """Ask for queries and answer each, until Ctrl-D. A Ctrl-C drops the line, or ends what runs.

    Raises MachineError where prompt_toolkit is not installed.
    """
    session = _session(database)
    say(f"tables: {', '.join(sorted(database.tables))}")
    say("'describe TABLE' lists columns, Tab completes, Ctrl-D leaves")
    while True:
        try:
            text = session.prompt("sql> ").strip()
            if text.rstrip(";").lower() in _LEAVE:
                return
            if text:
                with Interrupts():
                    answer(text)
        except EOFError:
            return
        except KeyboardInterrupt:
            continue
        except UsageError as error:
            tell(error, "sql")


def words_of(database: Database) -> list[str]:
    """What Tab completes."""
    columns = {column for names in database.tables.values() for column in names}
    return sorted({*database.tables, *columns, *_WORDS})


def history_file() -> Path:
    """Where queries are kept; its folder is made."""
    path = user_state_path("poolscope", appauthor=False) / "sql-history"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _session(database: Database) -> Any:  # noqa: ANN401 - a module that may not be installed
    try:
        toolkit = import_module("prompt_toolkit")
        completion = import_module("prompt_toolkit.completion")
        history = import_module("prompt_toolkit.history")
    except ImportError as error:
        raise MachineError(
            "no-prompt-toolkit",
            "prompt_toolkit is not installed",
            where="this Python",
            why="the prompt needs it; a query on the command line does not",
            next=ARROW.command,
        ) from error
    try:
        kept = history.FileHistory(str(history_file()))
    except OSError as error:
        say(f"note: queries are not kept: {error.strerror or error}")
        kept = history.InMemoryHistory()
    names: Iterable[str] = words_of(database)
    return toolkit.PromptSession(
        history=kept, completer=completion.WordCompleter(list(names), ignore_case=True), complete_while_typing=False
    )
