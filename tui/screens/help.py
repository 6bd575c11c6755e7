"""What the keys do on the screen below, and what the words on it mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tui.tables.allocations import INFERRED_MARK

_WORDS = (
    ("Outst", "allocated and not freed in the trace; not yet a leak"),
    ("Peak", "most bytes outstanding at one time"),
    ("First, Last", "first and last allocation there, since the start"),
    (INFERRED_MARK, "process or thread is inferred, not observed"),
)


class HelpScreen(ModalScreen[None]):
    """Lists the active keys of the screen that it was opened from."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: round $primary; padding: 0 1; background: $panel;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", id="help.close", tooltip="Back to the table"),
    ]

    def __init__(self, asking: Screen[None]) -> None:
        super().__init__()
        self._lines = [*_key_lines(asking), Text(), *_word_lines()]

    def compose(self) -> ComposeResult:
        """One scrollable text."""
        with VerticalScroll() as scroll:
            scroll.border_title = "Keys (Escape closes)"
            yield Static(Text("\n").join(self._lines), markup=False)


def _key_lines(asking: Screen[None]) -> Iterable[Text]:
    """One line for each action; the keys of one action together."""
    keys: dict[str, list[str]] = {}
    for active in asking.active_bindings.values():
        binding = active.binding
        if not binding.system and binding.tooltip:
            keys.setdefault(binding.tooltip, []).append(asking.app.get_key_display(binding))
    return [Text.assemble((f"{' '.join(shown):<16}", "bold"), f" {tooltip}") for tooltip, shown in keys.items()]


def _word_lines() -> Iterable[Text]:
    return [Text.assemble((f"{word:<16}", "bold"), f" {meaning}") for word, meaning in _WORDS]
