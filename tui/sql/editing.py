"""The line of the prompt: what Tab completes, and the queries asked before, by prompt_toolkit.

It edits lines on Windows as elsewhere; Python's own readline is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from platformdirs import user_state_path
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from tui.streams import say

_SQL_WORDS: Final = (
    "select", "from", "where", "group by", "order by", "limit", "having", "join", "left join", "using", "distinct",
    "count", "sum", "min", "max", "avg", "case", "when", "then", "else", "end", "between", "with", "union all",
    "describe", "summarize", "show tables", "over", "partition by", "create view", "explain",
)  # fmt: skip
"""What is used most of SQL."""
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*$")
_WANTS_TABLE: Final = re.compile(r"(?:\b(?:from|join|describe|summarize)|\.schema|\\d)\s+[A-Za-z_0-9]*$", re.IGNORECASE)


class QueryCompleter(Completer):
    """Tables where a table comes next, else tables, columns and SQL's words. ``tables``: columns by table."""

    def __init__(self, tables: Mapping[str, Iterable[str]]) -> None:
        self._tables = sorted(tables)
        self._all = sorted({*tables, *_SQL_WORDS}.union(*tables.values()))

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        """Those that begin as the word before the cursor does."""
        before = document.text_before_cursor
        found = _WORD.search(before)
        begun = found[0].lower() if found else ""
        for word in self._tables if _WANTS_TABLE.search(before) else self._all:
            if word.startswith(begun):
                yield Completion(word, start_position=-len(begun))


def session_of(tables: Mapping[str, Iterable[str]], *, keeps: bool) -> PromptSession[str]:
    """What asks for lines. ``keeps``: queries are kept, and those kept are offered."""
    return PromptSession(
        history=_history() if keeps else InMemoryHistory(),
        completer=QueryCompleter(tables),
        complete_while_typing=False,
    )


class _Kept(FileHistory):
    """A file that cannot be read is none, and one that cannot be written is done without: the prompt goes on."""

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError as error:
            say(f"note: the queries that were kept cannot be read: {error.strerror or error}")
            return []

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)


def _history() -> History:
    try:
        return _Kept(str(history_file()))
    except OSError as error:
        say(f"note: queries are not kept: {error.strerror or error}")
        return InMemoryHistory()


def history_file() -> Path:
    """Where queries are kept; its folder is made."""
    path = user_state_path("poolscope", appauthor=False) / "sql-history"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
