"""Pictures of the interface that look the same everywhere: nothing is fetched, and each sign is drawn as it is."""

from __future__ import annotations

import re
from typing import Final

_FETCHED: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_MADE_WITH: Final = re.compile(r"\s*<!-- Generated with Rich .*?-->")
_FONT: Final = "font-family: Fira Code, monospace;"
_TITLE: Final = "font-family: arial;"
_FONTS: Final = (
    'font-family: "Cascadia Mono", Consolas, Menlo, "DejaVu Sans Mono", "Liberation Mono", monospace;'
    ' font-variant-ligatures: none; font-feature-settings: "liga" 0, "calt" 0;'
)
"""What Windows, macOS and Linux bring, in this order. Ligatures would draw ``0x`` and ``->`` as other signs."""


def self_contained(svg: str) -> str:
    """A picture as rich draws it, without the fonts that it would fetch; with those that machines have."""
    svg = _MADE_WITH.sub("", _FETCHED.sub("", svg))
    return svg.replace(_FONT, _FONTS).replace(_TITLE, "font-family: Arial, Helvetica, sans-serif;")
