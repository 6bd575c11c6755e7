"""The keys of a table."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

TABLE_KEYS: Final[list[BindingType]] = [
    Binding("up,k", "move(-1)", "Up", show=False, id="table.up", tooltip="One row up"),
    Binding("down,j", "move(1)", "Down", show=False, id="table.down", tooltip="One row down"),
    Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up", tooltip="One page up"),
    Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down", tooltip="One page down"),
    Binding("home,g", "move_to(0)", "First row", show=False, id="table.first", tooltip="To the first row"),
    Binding("end,G", "move_to(-1)", "Last row", show=False, id="table.last", tooltip="To the last row"),
    Binding("enter", "open", "Open", id="table.open", tooltip="What the row is made of"),
    Binding("n", "find(1)", "Next match", show=False, id="table.next", tooltip="Next row that fits the filter"),
    Binding("N", "find(-1)", "Previous match", show=False, id="table.previous", tooltip="Previous such row"),
    Binding("o", "freeze", "Freeze order", show=False, id="table.freeze", tooltip="Rows keep their order, or sort"),
]
