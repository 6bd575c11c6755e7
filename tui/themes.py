"""Colours. Whatever they say is also said by a sign, a word or a weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from rich.terminal_theme import TerminalTheme
from textual.theme import BUILTIN_THEMES, Theme

from tui.theme_names import DARK, LIGHT, SIXTEEN

THEMES: Final = (
    Theme(
        DARK,
        primary="#4f9fd8",
        secondary="#5fb3a1",
        accent="#e0a64a",
        warning="#e5c04b",
        error="#e06c6c",
        success="#7fbf6a",
        foreground="#d8dee6",
        background="#14181d",
        surface="#1b2127",
        panel="#252d35",
        dark=True,
    ),
    Theme(
        LIGHT,
        primary="#1f6aa5",
        secondary="#1f7a68",
        accent="#9a5b00",
        warning="#8a6100",
        error="#b02a2a",
        success="#2f7a1f",
        foreground="#1b2127",
        background="#fbfbf9",
        surface="#f0f1ee",
        panel="#e2e5e1",
        dark=False,
    ),
    replace(BUILTIN_THEMES["ansi-dark"], name=SIXTEEN),
)
"""The last one takes the terminal's own sixteen colours and its background."""

LIGHT_SIXTEEN: Final = TerminalTheme(
    (251, 251, 249),
    (27, 33, 39),
    [(27, 33, 39), (176, 42, 42), (47, 122, 31), (138, 97, 0), (31, 106, 165), (122, 62, 157), (31, 106, 140),
     (226, 229, 225)],
)  # fmt: skip
"""What red, green, yellow and the others are on a light ground: textual's own yellow can hardly be read there."""


def theme_for(environment: Mapping[str, str]) -> str:
    """The theme that a terminal's variables ask for; the sixteen colours where nothing promises more."""
    if "NO_COLOR" in environment:
        return SIXTEEN
    promises = environment.get("COLORTERM", "") in ("truecolor", "24bit") or "256" in environment.get("TERM", "")
    is_modern = any(name in environment for name in ("WT_SESSION", "TERM_PROGRAM", "TEXTUAL_DRIVER"))
    return DARK if promises or is_modern else SIXTEEN
