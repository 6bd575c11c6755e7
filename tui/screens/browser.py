"""What the screens of the interface share: the trace's bar, a table with filter and sort keys, and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from analyzers.snapshot import Snapshot
from tui.safe_text import safe
from tui.screens.help import HelpScreen
from tui.tables.model import TableModel
from tui.widgets.filter_line import FilterLine
from tui.widgets.trace_bar import TraceBar
from tui.widgets.virtual_table import VirtualTable


class BrowserScreen(Screen[None]):
    """A table of one level of the way down from tags to single allocations."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - textual does not declare it as a class variable

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "Back", id="browser.back", tooltip="Drop the filter, or one level up"),
        Binding(
            "slash", "filter", "Filter", key_display="/", id="browser.filter", tooltip="Show rows that hold a text"
        ),
        Binding("question_mark", "help", "Help", key_display="?", id="browser.help", tooltip="What the keys do"),
        Binding("q", "app.quit", "Quit", id="browser.quit", tooltip="Leave Poolscope"),
    ]

    is_first: ClassVar[bool] = False
    """Whether there is no screen to go back to."""

    def __init__(self, snapshot: Snapshot, heading: str, model: TableModel, sort_key: str) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.heading = safe(heading)
        self.table = VirtualTable(model, sort_key)
        self._filter = FilterLine()

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield TraceBar(self.snapshot)
        yield Static(self.heading, id="heading", markup=False)
        yield from self.compose_body()
        yield self._filter
        yield Footer(show_command_palette=False)

    def compose_body(self) -> Iterable[Widget]:
        """The table and what stands beside it."""
        yield self.table

    def on_mount(self) -> None:
        """Keys go to the table."""
        self.table.focus()

    def action_filter(self) -> None:
        """Open the filter line."""
        self._filter.open()

    def action_back(self) -> None:
        """Drop the filter if there is one, else go one level up."""
        if self.focused not in (None, self.table):
            self.table.focus()
        elif self._filter.value:
            self._filter.drop()
        else:
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing lies above the first table."""
        if action == "back" and self.is_first and self.focused in (None, self.table):
            return bool(self._filter.value)
        return super().check_action(action, parameters)

    def action_help(self) -> None:
        """Show what the keys do here."""
        self.app.push_screen(HelpScreen(self))

    @on(Input.Changed)
    def _filter_table(self, event: Input.Changed) -> None:
        self.table.filter_by(event.value)
        self.refresh_bindings()

    @on(FilterLine.Closed)
    def _return_keys(self) -> None:
        self.table.focus()
