"""The views by number on one line, the current one marked; a click changes to one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.views.view import ViewSpec


class ViewBar(Widget):
    """Titles where there is room for them, else as much of each as there is; the current one in full."""

    DEFAULT_CSS = """
    ViewBar { height: 1; padding: 0 1; background: $surface; text-wrap: nowrap; }
    """

    current: reactive[str] = reactive("")

    class Chosen(Message):
        """A view was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, views: Sequence[ViewSpec]) -> None:
        super().__init__()
        self._views = views

    def render(self) -> RenderResult:
        """All views on one line."""
        return Text(" ").join(self._label(view) for view in self._views)

    def on_click(self, event: events.Click) -> None:
        """Change to the view under the pointer."""
        place = event.get_content_offset(self)
        left = 0
        for view in self._views:
            width = self._label(view).cell_len
            if place is not None and left <= place.x < left + width:
                self.post_message(self.Chosen(view.key))
            left += width + 1

    def _label(self, view: ViewSpec) -> Text:
        if view.key == self.current:
            return Text(f"[{view.number} {view.title}]", "bold reverse")
        return Text(f"{view.number} {view.title[: self._letters]}".rstrip())

    @property
    def _letters(self) -> int:
        """How many letters of each title there is room for."""
        longest = max(len(view.title) for view in self._views)
        room = self.content_size.width - len("[]") - longest
        fits = (n for n in range(longest, 0, -1) if sum(len(v.title[:n]) + 3 for v in self._views) - 1 - n <= room)
        return next(fits, 0)
