"""The current row in words: what it is, what it means, and by which rule anything inferred was inferred."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Static


class _Words(Static):
    """A text in the panel, which alone scrolls.

    Textual would lay the screen out once more whenever the text's own virtual size has followed its size.
    """

    virtual_size = Reactive(Size(0, 0), repaint=False)


class SidePanel(VerticalScroll, can_focus=True):
    """Beside the view where there is room, below it otherwise; never read as markup."""

    DEFAULT_CSS = """
    SidePanel { border-top: solid $primary; height: 8; padding: 0 1; scrollbar-size-vertical: 1; }
    SidePanel:focus { border-top: heavy $accent; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._subject = ""
        self._text = _Words(markup=False)

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._text

    def say(self, text: Text) -> None:
        """Show this: another subject from its top, the same one where one was reading.

        The screen is laid out anew only where the text is longer or shorter than the one before.
        """
        self._text.update(text, layout=False)
        width, height = self._text.size
        self._text.clear_cached_dimensions()
        if not width or self._text.get_content_height(self.size, self.app.size, width) != height:
            self._text.refresh(layout=True)
        subject = text.plain.partition("\n")[0]
        if subject != self._subject:
            self._subject = subject
            if self.scroll_y:
                self.scroll_home(animate=False)
