"""A text broken to its width, of which what goes on stands below what it belongs to; styles stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len
from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Static

_COLUMN: Final = re.compile(r"\s+\S+(?: \S+)?\s{2,}(?=\S)")
"""``  how much   ``: what follows it goes on in its column."""
_IN: Final = 2
"""Cells by which all else is set in where it goes on, so that one sees where the next thing begins."""
_WORD: Final = re.compile(r"\s*\S+")


class HungText(Static):
    """A text broken to its width when it is drawn, in something that scrolls.

    Textual would lay the screen out once more whenever the text's own virtual size has followed its size.
    """

    virtual_size = Reactive(Size(0, 0), repaint=False)

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.text = Text()
        self._broken: tuple[Text, int, Text] | None = None

    def say(self, text: Text) -> None:
        """Show this; whoever holds it lays it out where its lines become more or fewer."""
        text = text.copy()
        text.rstrip()
        self.text = text
        self.update(text, layout=False)

    def broken(self, width: int) -> Text:
        """The text on lines of that width."""
        if self._broken is None or self._broken[0] is not self.text or self._broken[1] != width:
            self._broken = self.text, width, hung(self.text, width)
        return self._broken[2]

    def lines(self, width: int) -> int:
        """How many lines that takes."""
        return self.broken(width).plain.count("\n") + 1 if self.text.plain else 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Of the broken text."""
        del container, viewport
        return self.lines(width)

    def render(self) -> RenderResult:
        """The broken text."""
        return self.broken(self.size.width)


def hung(text: Text, width: int) -> Text:
    """The text on lines of at most ``width`` cells."""
    return Text("\n").join(piece for line in text.split("\n", allow_blank=True) for piece in _pieces(line, width))


def _pieces(line: Text, width: int) -> Iterator[Text]:
    if width <= 0 or cell_len(line.plain) <= width:
        yield line
        return
    indent = _indent(line.plain)
    indent = indent if indent < width // 2 else 0
    first = True
    for begin, end in _cuts(line.plain, width, indent):
        yield line[begin:end] if first else Text.assemble(" " * indent, line[begin:end])
        first = False


def _indent(plain: str) -> int:
    column = _COLUMN.match(plain)
    if column is not None:
        return cell_len(column[0])
    blanks = len(plain) - len(plain.lstrip())
    return blanks + _IN


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
