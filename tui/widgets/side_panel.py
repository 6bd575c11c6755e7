"""The current row in words: what it is, what it means, and by which rule anything inferred was inferred."""

from __future__ import annotations

from typing import Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message

from tui.widgets.hanging import HungText

_SIDES: Final = 3
"""Cells of a line that are no text: a blank at either end, and the scroll bar."""
_READS_ON: Final = "^o Reads on"
_LEAVES: Final = "pgup pgdn  ^o Back"


class SidePanel(VerticalScroll, can_focus=True):
    """Beside the view where there is room, below it otherwise; never read as markup."""

    DEFAULT_CSS = """
    SidePanel {
        border-top: solid $primary; border-title-align: right; border-title-color: $text-muted;
        padding: 0 1; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    SidePanel:focus { border-top: heavy $accent; }
    """

    class Read(Message):
        """Somebody began or ended to read it."""

    def __init__(self) -> None:
        super().__init__()
        self._subject = ""
        self._text = HungText()

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._text

    def say(self, text: Text) -> None:
        """Show this: another subject from its top, the same one where one was reading.

        The screen is laid out anew only where the text is longer or shorter than the one before.
        """
        width, before = self._text.size.width, self._text.size.height
        self._text.say(text)
        self._text.clear_cached_dimensions()
        if not width or self._text.lines(width) != before:
            self._text.refresh(layout=True)
        subject = text.plain.partition("\n")[0]
        if subject != self._subject:
            self._subject = subject
            if self.scroll_y:
                self.scroll_home(animate=False)
        self._tell_of_more()

    def lines(self, width: int) -> int:
        """Lines that the text takes in a panel of that width."""
        return self._text.lines(max(width - _SIDES, 1))

    def on_resize(self) -> None:
        """Say where there is more than can be seen."""
        self._tell_of_more()

    def on_focus(self, event: events.Focus) -> None:
        """It gets more room."""
        del event
        self._tell_of_more()
        self.post_message(self.Read())

    def on_blur(self, event: events.Blur) -> None:
        """It gives the room back."""
        del event
        self._tell_of_more()
        self.post_message(self.Read())

    def _tell_of_more(self) -> None:
        is_cut = self._text.lines(self._text.size.width) > self.size.height
        self.border_title = _LEAVES if self.has_focus else _READS_ON if is_cut else ""
