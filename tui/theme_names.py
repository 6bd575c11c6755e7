"""What the themes are called; without textual, for the command line."""

from __future__ import annotations

from typing import Final

DARK: Final = "poolscope-dark"
LIGHT: Final = "poolscope-light"
SIXTEEN: Final = "poolscope-16"

BY_WORD: Final = {"dark": DARK, "light": LIGHT, "16": SIXTEEN}
"""By what ``--theme`` takes: the last one is the terminal's own sixteen colours."""
