"""What a browser may ask for: nothing that it sends goes on as it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from tracer.data_classes import dataclass

COLUMNS: Final = (20, 800)
ROWS: Final = (5, 250)
"""Least and most. The most is what a screen of 3840x2160 shows at a third of the usual size of letters."""

MESSAGE_BYTES: Final = 1 << 18
"""Of one message: a long paste is shorter."""


class NotUnderstoodError(ValueError):
    """Nothing that the page sends."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal, in cells; always one that can be drawn."""

    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Typed:
    """Keys and the mouse, as a terminal tells of them."""

    text: str


@dataclass(frozen=True, slots=True)
class Focused:
    """Whether keys go to the page."""

    has_focus: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back."""

    word: str


Message: TypeAlias = Size | Typed | Focused | Ping


def asked_size(query: Mapping[str, str]) -> Size:
    """The size in a websocket's address, 80x24 where none is said. Raises NotUnderstoodError."""
    return _size(*(_number(query.get(name, usual)) for name, usual in (("width", "80"), ("height", "24"))))


def message(text: str) -> Message:
    """What a page says: a list of a word and what belongs to it. Raises NotUnderstoodError."""
    try:
        match json.loads(text):
            case ["stdin", str(typed)]:
                return Typed(typed)
            case ["resize", {"width": width, "height": height}]:
                return _size(_number(width), _number(height))
            case ["focus" | "blur" as word]:
                return Focused(word == "focus")
            case ["ping", str(word)] if len(word) <= _LONGEST_NUMBER:
                return Ping(word)
    except (ValueError, RecursionError) as error:
        raise NotUnderstoodError("no JSON, or a number that is none") from error
    raise NotUnderstoodError("no such message")


_LONGEST_NUMBER: Final = 20
"""Digits; Python itself takes quadratic time for a number of many."""


def _number(said: object) -> int:
    if isinstance(said, int) and not isinstance(said, bool):
        return said
    digits = said.removeprefix("-") if isinstance(said, str) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER):
        raise NotUnderstoodError("width and height are whole numbers of at most 20 digits")
    return int(str(said))


def _size(columns: int, rows: int) -> Size:
    """The nearest that can be drawn."""
    return Size(min(max(columns, COLUMNS[0]), COLUMNS[1]), min(max(rows, ROWS[0]), ROWS[1]))
