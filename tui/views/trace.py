"""Trace: the trace itself, its losses and damage, and what evidence is in it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size

from tui.views.scene import Scene
from tui.views.trace_text import limit_lines, trace_lines
from tui.views.view import Table, View
from tui.widgets.hanging import HungText


class TraceText(VerticalScroll, can_focus=True, inherit_bindings=False):
    """The lines, scrolled with the keys that move in a table."""

    DEFAULT_CSS = """
    TraceText { padding: 0 1; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="text.up", tooltip="One line up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="text.down", tooltip="One line down"),
        Binding("pageup", "page_up", "Page up", show=False, id="text.page-up", tooltip="One page up"),
        Binding("pagedown", "page_down", "Page down", show=False, id="text.page-down", tooltip="One page down"),
        Binding("home,g", "scroll_home", "Start", show=False, id="text.first", tooltip="To the first line"),
        Binding("end,G", "scroll_end", "End", show=False, id="text.last", tooltip="To the last line"),
    ]


def make() -> TraceView:
    """The view."""
    return TraceView()


class TraceView(View):
    """Text about the whole trace, whatever the other views are limited to."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Text] = []
        self._needle = ""
        self._text = HungText()
        self.scroll = TraceText()

    def compose(self) -> ComposeResult:
        """One text."""
        with self.scroll:
            yield self._text

    def show(self, scene: Scene) -> None:
        """Put the trace's lines in place of those before."""
        self._lines = trace_lines(scene)
        self._write()
        self.describe(Text("\n").join(limit_lines(scene)))

    def wanted(self, width: int) -> Size:
        """All of the lines."""
        longest = max((line.cell_len for line in self._lines), default=0)
        return Size(max(longest + self.scroll.gutter.width + 1, super().wanted(width).width), len(self._shown))

    def take_focus(self) -> None:
        """Keys go to the text."""
        self.scroll.focus()

    def narrow(self, words: str) -> str:
        """Show only lines that hold the words."""
        self._needle = words.casefold()
        self._write()
        return ""

    def counts(self) -> tuple[int, int]:
        """Lines that hold the words, and all."""
        return len(self._shown), len(self._lines)

    def exported(self) -> Table:
        """A column of lines."""
        return ["Trace"], [[line.plain] for line in self._shown]

    def copied(self) -> str:
        """The text as shown."""
        return "\n".join(line.plain for line in self._shown)

    @property
    def _shown(self) -> list[Text]:
        return [line for line in self._lines if self._needle in line.plain.casefold()]

    def _write(self) -> None:
        self._text.say(Text("\n").join(self._shown))
        self._text.refresh(layout=True)
