"""The file of a budget: TOML, bytes by tag, driver or function.

    [tag]
    CtFl = 4096
    "*" = 1048576

The words are those of the filters, case and wild cards too; ``*`` is for every name that no other word fits.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import InputError, UsageError
from tui.safe_text import valid_unicode

EVERY_OTHER: Final = "*"
_MOST_BYTES: Final = 1 << 20
"""Of a file that somebody writes by hand."""


class Subject(StrEnum):
    """Whose bytes are counted."""

    TAG = "tag"
    DRIVER = "driver"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many bytes may be outstanding."""

    subject: Subject
    word: str
    bytes: int


def read_budget(path: Path) -> list[Limit]:
    """The limits of a file, in its order. Raises InputError where it is not one, UsageError for what it asks."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        tables = _tables(text)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except ValueError as error:  # TOML's own error is one, a wrong encoding too
        raise _unreadable(path, str(error)) from error
    return [limit for name, words in tables.items() for limit in _limits(path, name, words)]


def _tables(text: bytes) -> dict[str, object]:
    if len(text) > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES:,} bytes")
    return tomllib.loads(text.decode())


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(
        "budget",
        "the budget cannot be read",
        where=str(path),
        why=why,
        next="poolscope check TRACE --budget FILE --update writes one",
    )


def _limits(path: Path, name: str, words: object) -> list[Limit]:
    if name not in set(Subject) or not isinstance(words, dict):
        raise _wrong(path, name, f"a table is called {', '.join(f'[{each}]' for each in Subject)}")
    for word, value in words.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _wrong(path, f"[{name}] {word}", "a limit is a whole number of bytes, 0 or more")
        if not word.strip("= "):
            raise _wrong(path, f"[{name}] {word!r}", "a limit is for a name, a part of one, or *")
    return [Limit(Subject(name), word, value) for word, value in words.items()]


def _wrong(path: Path, what: str, why: str) -> UsageError:
    return UsageError("budget", f"the budget has no use for {what}", where=str(path), why=why, next="docs/exports.md")


def budget_text(limits: list[Limit]) -> str:
    """The file of some limits."""
    lines = ["# Bytes of pool memory that a run may leave behind: poolscope check TRACE --budget FILE"]
    for subject in Subject:
        mine = [limit for limit in limits if limit.subject is subject]
        if mine:
            lines += ["", f"[{subject}]", *(f"{_quoted(limit.word)} = {limit.bytes}" for limit in mine)]
    return "\n".join(lines) + "\n"


def _quoted(word: str) -> str:
    """A TOML key. JSON's escapes are not TOML's, which knows no halves of a letter above U+FFFF."""
    marked = valid_unicode(word).replace("\\", "\\\\").replace('"', '\\"')
    return '"{}"'.format("".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in marked))
