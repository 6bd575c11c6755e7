"""The few styles of a report; colour only adds to what the words already say."""

from __future__ import annotations

from typing import Final

from rich.text import Text

HEADING: Final = "bold"
LABEL: Final = "cyan"
WARNING: Final = "bold yellow"
QUIET: Final = "dim"


def heading(text: str) -> Text:
    """The line above a part of the report."""
    return Text(text, HEADING)


def labelled(label: str, text: str, width: int = 12) -> Text:
    """``label   text``, indented."""
    return Text.assemble("  ", (f"{label:<{width}}", LABEL), "  ", text)


def warning(text: str) -> Text:
    """Something that limits what can be concluded."""
    return Text.assemble(("warning: ", WARNING), text)


def note(text: str) -> Text:
    """A remark that helps to read the rest."""
    return Text(text, QUIET)
