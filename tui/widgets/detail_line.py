"""The row under the cursor in full: what the columns had to cut or leave out."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class DetailLine(Static):
    """Up to two lines of text, never read as markup."""

    DEFAULT_CSS = """
    DetailLine {
        height: 2;
        padding: 0 1;
        background: $surface;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)

    def show(self, text: Text) -> None:
        """Show this instead."""
        self.update(text)
