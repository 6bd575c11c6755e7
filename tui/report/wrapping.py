"""Sentences broken to the width of the report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len
from rich.text import Text

_START: Final = re.compile(r"\s*(?:\S+(?: \S+){0,3}\s{2,})*")
"""An indent and, in a line such as ``  how much   words``, the labels: what follows lines that go on start below."""
_WORD: Final = re.compile(r"\s*\S+")


def wrapped(lines: Iterable[Text], width: int) -> list[Text]:
    """The lines with those that are too long broken at blanks, continued with an indent, styles kept by the first.

    Measured in cells, of which some characters take two. Made for sentences; tables and stacks come with their
    own widths. A word that is too long for a line stays whole.
    """
    return [piece for line in lines for piece in _broken(line, width)]


def hanging(label: Text, words: str, width: int) -> list[Text]:
    """The words beside their label, broken at blanks, with an indent as wide as the label."""
    room = max(width - len(label), 20)
    pieces = wrapped([Text(words)], room)
    return [label + pieces[0], *(Text(" " * len(label)) + piece for piece in pieces[1:])]


def _broken(line: Text, width: int) -> list[Text]:
    if cell_len(line.plain) <= width:
        return [line]
    start = cell_len(_START.match(line.plain)[0])  # type: ignore[index]  # it matches the empty string
    indent = " " * (start if start < width // 2 else 0)
    pieces = [""]
    for word in _WORD.findall(line.plain):
        if pieces[-1].strip() and cell_len(pieces[-1] + word) > width:
            pieces.append(indent + word.lstrip())
        else:
            pieces[-1] += word
    first = line[: len(pieces[0])]
    return [first, *(Text(piece, line.style) for piece in pieces[1:])]
