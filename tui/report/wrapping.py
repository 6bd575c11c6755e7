"""Sentences broken to the width of the report."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Final

from rich.text import Text

_START: Final = re.compile(r"\s*(?:\S+\s{2,})?")
"""An indent and, in a line such as ``  session   name``, the label: what follows lines that go on start below."""


def wrapped(lines: Iterable[Text], width: int) -> list[Text]:
    """The lines with those that are too long broken at blanks, continued with an indent, styles kept by the first.

    Made for sentences; tables and stacks come with their own widths.
    """
    return [piece for line in lines for piece in _broken(line, width)]


def _broken(line: Text, width: int) -> list[Text]:
    if len(line.plain) <= width:
        return [line]
    indent = " " * len(_START.match(line.plain)[0])  # type: ignore[index]  # it matches the empty string
    pieces = textwrap.wrap(
        line.plain,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        expand_tabs=False,
    )
    first = line[: len(pieces[0])]
    return [first, *(Text(piece, line.style) for piece in pieces[1:])]
