"""What the keys do on the screen below, and what the words on it mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from tui.screens.actions import actions
from tui.tables.allocations import INFERRED_MARK
from tui.widgets.key_bar import KeyBar

_WORDS: Final = (
    ("Outst", "allocated and not freed in the trace; not yet a leak"),
    ("Peak", "most bytes outstanding at one time"),
    ("First, Last", "first and last allocation there, since the start"),
    (INFERRED_MARK, "process or thread is inferred, not observed"),
)
_LEFT: Final = 20
"""Cells for a key or a word."""


class HelpScreen(ModalScreen[None]):
    """Lists the active keys of the screen that it was opened from; typing narrows the list."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Vertical {
        width: 78; max-width: 100%; height: 100%; max-height: 44;
        border: round $primary; padding: 0 1; background: $panel;
    }
    HelpScreen VerticalScroll { height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Close", id="help.close", tooltip="Back to the view", priority=True),
        Binding("down", "scroll(1)", "Down", show=False, id="help.down", tooltip="Scroll down", priority=True),
        Binding("up", "scroll(-1)", "Up", show=False, id="help.up", tooltip="Scroll up", priority=True),
        Binding("pagedown", "scroll(10)", "Down", id="help.page-down", tooltip="Down", priority=True),
        Binding("pageup", "scroll(-10)", "Up", id="help.page-up", tooltip="Up", priority=True),
    ]

    def __init__(self, asking: Screen[Any], offered: Sequence[tuple[str, str]] = ()) -> None:
        """``offered``: terms of a filter there, and what they mean."""
        super().__init__()
        self._sections = (
            ("Keys", [(" ".join(action.keys), action.explanation) for action in actions(asking)]),
            ("Filter", offered),
            ("Words", list(_WORDS)),
        )
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        """A line to type into above one scrollable text."""
        with Vertical() as box:
            box.border_title = "Help"
            yield Input(placeholder="type to narrow this list; Esc closes it", compact=True)
            with VerticalScroll(can_focus=False):
                yield self._text
        yield KeyBar()

    def on_mount(self) -> None:
        """Show all of it."""
        self._show("")

    def action_scroll(self, lines: int) -> None:
        """Scroll the text."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._show(event.value.casefold())

    def _show(self, needle: str) -> None:
        lines = [line for title, entries in self._sections for line in _section(title, entries, needle)]
        self._text.update(Text("\n").join(lines or [Text("nothing here fits")]))


def _section(title: str, entries: Sequence[tuple[str, str]], needle: str) -> Iterable[Text]:
    """A heading with its entries, or nothing."""
    fitting = [(left, right) for left, right in entries if needle in f"{left} {right}".casefold()]
    if fitting:
        yield Text(title, "bold underline")
        yield from (Text.assemble((f"{left:<{_LEFT}}", "bold"), f" {right}") for left, right in fitting)
        yield Text()
