"""Lines of the side panel."""

from __future__ import annotations

from rich.text import Text

from tui.report.styles import LABEL


def fact(label: str, words: str) -> Text:
    """``label: words``; both must be harmless already."""
    return Text.assemble((f"{label}: ", LABEL), words)
