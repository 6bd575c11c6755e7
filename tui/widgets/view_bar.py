"""The views by number, the current one marked; a click changes to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.views.registry import ViewSpec

_TWO_LINES: Final = 20
"""Lines of a screen on which a second one for the views leaves enough for the view."""


class ViewBar(Widget):
    """Titles on one line, or on two; as much of each as there is room for where even that is too little."""

    DEFAULT_CSS = """
    ViewBar { height: auto; padding: 0 1; background: $surface; text-wrap: nowrap; }
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

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line or two."""
        del container
        return len(self._lines(width, viewport.height))

    def render(self) -> RenderResult:
        """All views."""
        width, height = self.content_size.width, self.app.size.height
        return Text("\n").join(
            Text(" ").join(self._label(view, width) for view in line) for line in self._lines(width, height)
        )

    def on_click(self, event: events.Click) -> None:
        """Change to the view under the pointer."""
        place, width = event.get_content_offset(self), self.content_size.width
        lines = self._lines(width, self.app.size.height)
        if place is None or place.y >= len(lines):
            return
        left = 0
        for view in lines[place.y]:
            wide = self._label(view, width).cell_len
            if left <= place.x < left + wide:
                self.post_message(self.Chosen(view.key))
            left += wide + 1

    def _lines(self, width: int, height: int) -> list[Sequence[ViewSpec]]:
        """The views line by line: on two lines where their titles need that, have the room, and leave some."""
        half = (len(self._views) + 1) // 2
        halves = [self._views[:half], self._views[half:]]
        if _cells(self._views) <= width or height < _TWO_LINES or max(map(_cells, halves)) > width:
            return [self._views]
        return list(halves)

    def _label(self, view: ViewSpec, width: int) -> Text:
        if view.key == self.current:
            return Text(f"[{view.number} {view.title}]", "bold reverse")
        return Text(f"{view.number} {view.title[: self._letters(width)]}".rstrip())

    def _letters(self, width: int) -> int:
        """How many letters of each title there is room for."""
        longest = max(len(view.title) for view in self._views)
        if max(map(_cells, self._lines(width, self.app.size.height))) <= width:
            return longest
        room = width - len(_CHOSEN) - longest
        fits = (n for n in range(longest, 0, -1) if sum(len(v.title[:n]) + 3 for v in self._views) - 1 - n <= room)
        return next(fits, 0)


_CHOSEN: Final = "[]"


def _cells(views: Sequence[ViewSpec]) -> int:
    """Of a line with all titles in full, one of them chosen."""
    return sum(len(f"{view.number} {view.title} ") for view in views) - 1 + len(_CHOSEN)
