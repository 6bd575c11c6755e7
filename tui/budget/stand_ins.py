"""What a check says, with stand-ins for names."""

from __future__ import annotations

from dataclasses import replace

from tui.budget.checking import Line
from tui.budget.grammar import EVERY_OTHER, Subject
from tui.redaction.redaction import Redaction


def redacted_lines(lines: list[Line], redaction: Redaction) -> list[Line]:
    """The lines of a snapshot that the redaction knows; tags stay."""
    return [line if line.limit.subject is Subject.TAG else _redacted(line, redaction) for line in lines]


def _redacted(line: Line, redaction: Redaction) -> Line:
    word, is_function = line.limit.word, line.limit.subject is Subject.FUNCTION
    made = word if word == EVERY_OTHER else _function(word, redaction) if is_function else redaction.word(word)
    names = tuple(_function(name, redaction) if is_function else redaction.text(name) for name in line.names)
    return replace(line, limit=replace(line.limit, word=made), names=names)


def _function(name: str, redaction: Redaction) -> str:
    module, mark, function = name.partition("!")
    if not mark:
        return redaction.word(name)
    if redaction.is_own(module):
        return name
    return f"{redaction.word(module)}!{redaction.function(module, function)}"
