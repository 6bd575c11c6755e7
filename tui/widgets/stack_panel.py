"""A call stack, scrollable, one frame a line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from analyzers.snapshot import Frame
from tui.safe_text import safe


class StackPanel(VerticalScroll, can_focus=True):
    """Shows headed stacks of the row under the cursor; Tab reaches it, arrows scroll it."""

    DEFAULT_CSS = """
    StackPanel {
        border-top: solid $primary;
        padding: 0 1;
        scrollbar-size-vertical: 1;
    }
    StackPanel:focus { border-top: heavy $accent; }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(markup=False)

    def show(self, lines: Sequence[Text]) -> None:
        """Show these lines from the top."""
        self.query_one(Static).update(Text("\n").join(lines))
        self.scroll_home(animate=False)


def stack_text(title: str, frames: Sequence[Frame], none: str) -> list[Text]:
    """A heading and a line for each frame, or ``none`` in words."""
    if not frames:
        return [Text(title, "bold"), Text(f"  {none}", "dim")]
    return [Text(title, "bold"), *(Text(f"  {safe(str(frame))}") for frame in frames)]
