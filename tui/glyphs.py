"""Glyphs for terminals without Unicode: the one place that says what stands for what there.

Everything is drawn with the glyphs of a capable terminal; where the terminal is none, each line is translated on its
way out, so that no widget has to know, and names from a trace cannot slip through.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_PAIRS: Final = (
    ("▲△↑⇧▴", "^"),
    ("▼▽↓▾⌄", "v"),
    ("▶►→▸›»⏎↵", ">"),
    ("◀◄←◂‹«⌫", "<"),
    ("─━═╌╍┄┅┈┉╴╶╸╺–—−⎯", "-"),
    ("│┃║╎╏┆┇┊┋╵╷╹╻▏▎▍▌▐▕", "|"),
    ("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬", "+"),
    ("╱", "/"),
    ("╲", "\\"),
    ("▁", "_"),
    ("▂", "."),
    ("▃", "-"),
    ("▄", "="),
    ("▅", "+"),
    ("▆", "*"),
    ("▇█■◼▉▊▋▀▔", "#"),
    ("░", ":"),
    ("▒", "+"),
    ("▓", "%"),
    ("…", "~"),
    ("•●◉∙◆", "*"),
    ("·○◦◇", "."),
    ("Δ", "d"),
    ("µμ", "u"),
    ("×", "x"),
    ("±", "~"),
    ("✓✔", "y"),
    ("✗✘", "x"),
    ("“”„", '"'),
    ("‘’", "'"),
    ("\u00a0", " "),
)
_ASCII: Final = {ord(glyph): plain for glyphs, plain in _PAIRS for glyph in glyphs}
UNKNOWN: Final = "?"
"""Stands for what has no ASCII form."""


def in_ascii(text: str) -> str:
    """The text in ASCII, as wide as before."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else UNKNOWN * cell_len(c) for c in text.translate(_ASCII))


KEY_NAMES: Final = str.maketrans(
    {"↑": "up", "↓": "down", "←": "left", "→": "right", "⏎": "enter", "⌫": "backspace"}  # as textual draws them
)
"""For :meth:`str.translate`: keys by name, as several of their signs have the same stand-in."""


class AsciiFilter(LineFilter):
    """Translates each line before it goes to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with ASCII glyphs only."""
        del background
        return [Segment(in_ascii(segment.text), segment.style, segment.control) for segment in segments]


def terminal_is_unicode(encodings: Sequence[str | None] | None = None) -> bool:
    """Whether output goes to a terminal that is told to take Unicode (by default: by stdout's encoding)."""
    known = [getattr(sys.__stdout__, "encoding", None)] if encodings is None else encodings
    return all(name is not None and name.lower().replace("-", "").startswith("utf") for name in known)
