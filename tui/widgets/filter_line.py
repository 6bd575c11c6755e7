"""The line to type a filter into."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class FilterLine(Input):
    """Filters while one types; Enter keeps the filter, Escape drops it."""

    DEFAULT_CSS = """
    FilterLine { display: none; padding: 0 1; }
    FilterLine.-open { display: block; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", "Clear filter", id="filter.drop", tooltip="Show all rows again"),
    ]

    class Closed(Message):
        """Typing has ended; the filter as it is now counts."""

    def __init__(self) -> None:
        super().__init__(placeholder="part of a name; Enter keeps the filter, Escape drops it", compact=True)

    def open(self) -> None:
        """Show the line and take the keys."""
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Hand the keys back; the line stays while it holds a filter."""
        self.set_class(bool(self.value), "-open")
        self.post_message(self.Closed())

    def drop(self) -> None:
        """Without a filter."""
        self.value = ""
        self.close()

    def action_drop(self) -> None:
        """Escape."""
        self.drop()

    def on_input_submitted(self) -> None:
        """Enter."""
        self.close()
