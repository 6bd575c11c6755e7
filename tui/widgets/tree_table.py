"""A virtual table whose rows can be opened and closed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.virtual_table import VirtualTable


class TreeTable(VirtualTable):
    """Asks for rows to be opened and closed; who listens brings the model that shows it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,plus", "fold(True)", "Open", show=False, id="tree.open", tooltip="Show what lies below the row"),
        Binding(
            "left,minus",
            "fold(False)",
            "Close",
            show=False,
            id="tree.close",
            tooltip="Hide it; again: one level up",
        ),
    ]

    class Folded(Message):
        """A row of the model is to be opened, or to be closed."""

        def __init__(self, row: int, *, is_open: bool) -> None:
            super().__init__()
            self.row = row
            self.is_open = is_open

    def action_fold(self, is_open: bool) -> None:
        """Ask for it."""
        if self.row is not None:
            self.post_message(self.Folded(self.row, is_open=is_open))

    def put_on(self, row: int) -> None:
        """Move the cursor to a row of the model; it stays where the filter hides that row."""
        places = (self.view.order == row).nonzero()[0]
        if len(places):
            self.action_move_to(int(places[0]))
