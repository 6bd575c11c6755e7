"""Lines broken to a width, of which what goes on stands below what it belongs to; styles stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len
from rich.text import Text

_LABEL: Final = re.compile(r"[^\s:][^:]{0,24}: ")
"""``how much: ``: what follows it goes on below, set in."""
_IN: Final = 2
_WORD: Final = re.compile(r"\s*\S+")


def hung(text: Text, width: int) -> Text:
    """The text on lines of at most ``width`` cells."""
    return Text("\n").join(piece for line in text.split("\n", allow_blank=True) for piece in _pieces(line, width))


def _pieces(line: Text, width: int) -> Iterator[Text]:
    if width <= 0 or cell_len(line.plain) <= width:
        yield line
        return
    blanks = len(line.plain) - len(line.plain.lstrip())
    indent = blanks + (_IN if blanks or _LABEL.match(line.plain) else 0)
    indent = indent if indent < width // 2 else 0
    first = True
    for begin, end in _cuts(line.plain, width, indent):
        yield line[begin:end] if first else Text.assemble(" " * indent, line[begin:end])
        first = False


def _cuts(plain: str, width: int, indent: int) -> Iterator[tuple[int, int]]:
    """Where each piece begins and ends; a word that is too long is broken."""
    begin, end, room = 0, 0, width
    for word in _WORD.finditer(plain):
        if end > begin and cell_len(plain[begin : word.end()]) > room:
            yield begin, end
            begin, room = word.end() - len(word.group().lstrip()), width - indent
        end = word.end()
        while cell_len(plain[begin:end]) > room:
            cut = begin + _cells(plain[begin:end], room)
            yield begin, cut
            begin, room = cut, width - indent
    yield begin, end


def _cells(text: str, room: int) -> int:
    """How many characters fit, at least one."""
    taken = 0
    for at, sign in enumerate(text):
        taken += cell_len(sign)
        if taken > room:
            return max(at, 1)
    return len(text)
