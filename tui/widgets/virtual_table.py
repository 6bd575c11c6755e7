"""A table that costs what is visible, however many rows it has.

Textual's own table builds every row when it is filled (14 s for 100,000 rows) and reads markup in
strings. This one draws a line when the compositor asks for it and never interprets a cell.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingsMap, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.tables.columns import Column
from tui.tables.fitting import GAP, cell, fit
from tui.tables.model import TableModel, TableView

_ASCENDING, _DESCENDING = "▲", "▼"


class VirtualTable(ScrollView, can_focus=True):
    """Shows a :class:`TableView`; its first line is the heading and stays when the rest scrolls."""

    DEFAULT_CSS = """
    VirtualTable {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--heading", "table--sorted", "table--cursor", "table--blurred"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up", tooltip="One row up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down", tooltip="One row down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up", tooltip="One page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down", tooltip="One page down"),
        Binding("home,g", "move_to(0)", "First row", show=False, id="table.first", tooltip="To the first row"),
        Binding("end,G", "move_to(-1)", "Last row", show=False, id="table.last", tooltip="To the last row"),
        Binding("enter", "open", "Open", id="table.open", tooltip="What the row is made of"),
    ]

    class Moved(Message):
        """The cursor is on another row of the model; ``None`` in an empty table."""

        def __init__(self, table: VirtualTable, row: int | None) -> None:
            super().__init__()
            self.table = table
            self.row = row

    class Opened(Message):
        """A row of the model was chosen."""

        def __init__(self, table: VirtualTable, row: int) -> None:
            super().__init__()
            self.table = table
            self.row = row

    def __init__(self, model: TableModel, sort_key: str, *, descending: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = TableView(model, sort_key, descending=descending)
        self.cursor = 0
        self._fitted: list[tuple[Column, int]] = []
        self._bindings = BindingsMap.merge([self._bindings, BindingsMap(_sort_bindings(model))])

    @property
    def row(self) -> int | None:
        """The model's row under the cursor."""
        return int(self.view.order[self.cursor]) if len(self.view) else None

    def on_mount(self) -> None:
        """Measure, and tell where the cursor starts."""
        self._measure()
        self.post_message(self.Moved(self, self.row))

    def on_resize(self) -> None:
        """Give the columns their new widths and keep the cursor in sight."""
        self._measure()
        self._show_cursor()

    def sort_by(self, key: str) -> None:
        """Sort by a column (again: the other way round); the cursor stays on its row."""
        kept = self.row
        self.view.sort_by(key)
        self._changed(kept)

    def filter_by(self, needle: str) -> None:
        """Show only rows that hold ``needle``; the cursor stays on its row if that is still there."""
        kept = self.row
        self.view.filter_by(needle)
        self._changed(kept)

    def action_sort(self, key: str) -> None:
        """Sort by a column."""
        self.sort_by(key)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._put_cursor(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is visible."""
        self._put_cursor(self.cursor + pages * max(1, self._body_height - 1))

    def action_move_to(self, place: int) -> None:
        """Put the cursor on the first (0) or the last (-1) row."""
        self._put_cursor(place % max(1, len(self.view)))

    def action_open(self) -> None:
        """Tell which row was chosen."""
        if self.row is not None:
            self.post_message(self.Opened(self, self.row))

    def on_click(self, event: events.Click) -> None:
        """A heading sorts; a row takes the cursor, and opens when it had it already."""
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y == 0:
            self._sort_at(place.x)
            return
        row = self.scroll_offset.y + place.y - 1
        if row == self.cursor:
            self.action_open()
        elif row < len(self.view):
            self._put_cursor(row)

    def render_line(self, y: int) -> Strip:
        """One line: the heading, a row, or nothing."""
        width = self.scrollable_content_region.width
        if y == 0:
            return self._heading(width)
        place = self.scroll_offset.y + y - 1
        if place >= len(self.view):
            return Strip.blank(width, self.rich_style)
        return self._row_strip(place, width)

    def _heading(self, width: int) -> Strip:
        plain, marked = self.get_component_rich_style("table--heading"), self.get_component_rich_style("table--sorted")
        arrow = _DESCENDING if self.view.descending else _ASCENDING
        segments = []
        for column, wide in self._fitted:
            heading = column.heading
            is_sorted = heading.key == self.view.sort_key
            title = f"{heading.title}{arrow}" if is_sorted else heading.title
            segments += [
                Segment(cell(title, wide, right=heading.right), marked if is_sorted else plain),
                Segment(" " * GAP, plain),
            ]
        return Strip(segments).adjust_cell_length(width, plain)

    def _row_strip(self, place: int, width: int) -> Strip:
        style = self._row_style(place)
        row = int(self.view.order[place])
        texts = [cell(column.text(row), wide, right=column.heading.right) for column, wide in self._fitted]
        return Strip([Segment((" " * GAP).join(texts), style)]).adjust_cell_length(width, style)

    def _row_style(self, place: int) -> Style:
        if place != self.cursor:
            return self.rich_style
        return self.get_component_rich_style("table--cursor" if self.has_focus else "table--blurred")

    @property
    def _body_height(self) -> int:
        return max(1, self.size.height - 1)

    def _measure(self) -> None:
        width = self.scrollable_content_region.width
        self._fitted = fit(self.view.model.columns, max(width, 1))
        self.virtual_size = Size(width, len(self.view) + 1)
        self.refresh()

    def _changed(self, kept: int | None) -> None:
        """Rows were sorted or filtered: find the cursor's row again."""
        places = np.flatnonzero(self.view.order == kept)
        self.cursor = int(places[0]) if len(places) else 0
        self._measure()
        self._show_cursor()
        self.post_message(self.Moved(self, self.row))

    def _put_cursor(self, place: int) -> None:
        self.cursor = min(max(place, 0), max(len(self.view) - 1, 0))
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved(self, self.row))

    def _show_cursor(self) -> None:
        top = self.scroll_offset.y
        lowest = self.cursor - self._body_height + 1
        if not lowest <= top <= self.cursor:
            self.scroll_to(y=self.cursor if self.cursor < top else lowest, animate=False)

    def _sort_at(self, x: int) -> None:
        left = 0
        for column, wide in self._fitted:
            if x < left + wide + GAP:
                self.sort_by(column.heading.key)
                return
            left += wide + GAP


def _sort_bindings(model: TableModel) -> list[Binding]:
    """The keys that the columns ask for."""
    headings = [column.heading for column in model.columns if column.heading.sort_key]
    return [
        Binding(
            heading.sort_key,
            f"sort('{heading.key}')",
            f"Sort by {heading.title}",
            show=False,
            id=f"sort.{heading.key}",
            tooltip=f"Sort by {heading.title}; again: the other way round",
        )
        for heading in headings
    ]
