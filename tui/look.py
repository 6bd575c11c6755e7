"""How the interface looks on the terminal it is opened on."""

from __future__ import annotations

import os
from typing import Final

from tracer.data_classes import dataclass
from tui.glyphs import terminal_is_unicode
from tui.streams import is_behind_browser
from tui.theme_names import BY_WORD, DARK
from tui.themes import theme_for


@dataclass(frozen=True, slots=True)
class Look:
    """``theme``: its name. ``ascii_only``: no sign that needs Unicode."""

    theme: str = DARK
    ascii_only: bool = False


def look_here(*, ascii_asked: bool, theme: str = "") -> Look:
    """What the terminal, or the browser, can show; ``ascii_asked`` and ``theme``: what the user said of it."""
    return Look(
        BY_WORD.get(theme) or theme_for(os.environ), ascii_asked or not (is_behind_browser() or terminal_is_unicode())
    )


FULL: Final = Look()
"""All colours, all signs: for a picture, and for a terminal that nothing is known of."""
