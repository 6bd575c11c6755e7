"""A table that costs what is visible, however many rows it has.

Textual's own table builds every row when it is filled (14 s for 100,000 rows) and reads markup in
strings. This one draws a line when the compositor asks for it and never interprets a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
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

from tui.filtering.terms import FilterError
from tui.tables.columns import Column, Rows, Styled
from tui.tables.fitting import GAP, cell, fit
from tui.tables.model import TableModel, TableView
from tui.tables.order import Keys, coded, same_order
from tui.widgets.sort_keys import sort_bindings

_ASCENDING, _DESCENDING, _FROZEN = "▲", "▼", "="


class VirtualTable(ScrollView, can_focus=True):
    """Shows a :class:`TableView`; its first line is the heading and stays when the rest scrolls."""

    DEFAULT_CSS = """
    VirtualTable {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--sorted",
        "table--cursor",
        "table--blurred",
        "table--changed",
    }

    BINDINGS: ClassVar[list[BindingType]] = [
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

    def __init__(
        self,
        model: TableModel,
        sort_key: str,
        *,
        descending: bool = True,
        identity: Callable[[int], Hashable] = int,
        id: str | None = None,
    ) -> None:
        """``identity``: what stays the same about a row of the model when another model takes its place."""
        super().__init__(id=id)
        self.view = TableView(model, sort_key, descending=descending)
        self.cursor = 0
        self.highlights = True
        self.frozen = False
        self._identity = identity
        self._keys: Keys | None = None
        self._fitted: list[tuple[Column, int]] = []
        self._fitted_for: tuple[TableModel, int] | None = None
        self._bindings = BindingsMap.merge([self._bindings, BindingsMap(sort_bindings(model))])

    def replace(self, model: TableModel, identity: Callable[[int], Hashable], keys: Keys | None = None) -> None:
        """Show another model with the same columns; sort, filter and the cursor's row stay where they can.

        ``keys``: the identities of all rows as one array, for tables too long to ask row by row.
        """
        old, place = self.view, self.cursor
        row = self._row_again(model, identity, keys)
        rows = self._order_again(model, identity, keys) if self.frozen else None
        if not old.model.columns:  # the first model brings the keys that sort
            self._bindings = BindingsMap.merge([self._bindings, BindingsMap(sort_bindings(model))])
        self.view = TableView(model, old.sort_key, descending=old.descending, after=old, rows=rows)
        self._identity, self._keys = identity, keys
        self._changed(row, otherwise=place)

    def _row_again(self, model: TableModel, identity: Callable[[int], Hashable], keys: Keys | None) -> int | None:
        """Where the cursor's row is in another model."""
        row = self.row
        if row is None:
            return None
        if keys is not None and self._keys is not None:
            places = np.flatnonzero(keys == self._keys[row])
            return int(places[0]) if len(places) else None
        kept = self._identity(row)
        likely = range(row, min(row + 1, model.length))  # often nothing came before it
        return next((at for rows in (likely, range(model.length)) for at in rows if identity(at) == kept), None)

    def _order_again(self, model: TableModel, identity: Callable[[int], Hashable], keys: Keys | None) -> Rows:
        """The order as it is, in another model."""
        rows = self.view.all_rows
        if keys is not None and self._keys is not None:
            return same_order(self._keys[rows], keys)
        return same_order(*coded(self._identity, rows, identity, model.length))

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

    def filter_by(self, words: str) -> str:
        """Show only rows that fit; the cursor stays on its row if that is still there.

        Gives what is wrong with the filter, empty for nothing; a wrong filter changes nothing.
        """
        kept = self.row
        try:
            self.view.filter_by(words)
        except FilterError as error:
            return str(error)
        self._changed(kept)
        return ""

    def preset(self, words: str) -> None:
        """Set the filter that a key sets, beside the one that is typed."""
        kept = self.row
        self.view.set_preset(words)
        self._changed(kept)

    def sort_by_change(self, wanted: bool) -> None:
        """Sort by changes since the last refresh, or by values again."""
        kept = self.row
        self.view.sort_by_change(wanted)
        self._changed(kept)

    def highlight(self, wanted: bool) -> None:
        """Mark rows that changed, or do not."""
        self.highlights = wanted
        self.refresh()

    def action_find(self, step: int) -> None:
        """Move to the next or previous row that fits the last filter, hidden rows aside; goes round at the end."""
        if not self.view.sought:
            self.notify("no filter yet: / takes one", markup=False)
            return
        places = np.flatnonzero(self.view.sought_rows())
        if not len(places):
            self.notify("no row here fits the last filter", markup=False)
            return
        at = int(np.searchsorted(places, self.cursor, "right" if step > 0 else "left")) - (step < 0)
        self._put_cursor(int(places[at % len(places)]))

    def action_freeze(self) -> None:
        """Keep the order of the rows while their values change; again: sort as before."""
        self.frozen = not self.frozen
        if not self.frozen:
            self.sort_by_change(self.view.by_change)
        self.refresh()

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
        arrow = _FROZEN if self.frozen else _DESCENDING if self.view.descending else _ASCENDING
        by = self.view.sorted_column.heading.key if self._fitted else ""
        segments = []
        for column, wide in self._fitted:
            heading = column.heading
            is_sorted = heading.key == by
            title = f"{heading.title}{arrow}" if is_sorted else heading.title
            segments += [
                Segment(cell(title, wide, right=heading.right), marked if is_sorted else plain),
                Segment(" " * GAP, plain),
            ]
        return Strip(segments).adjust_cell_length(width, plain)

    def _row_strip(self, place: int, width: int) -> Strip:
        row = int(self.view.order[place])
        style = self._row_style(place, row)
        segments = []
        for column, wide in self._fitted:
            own = style + Style.parse(column.style(row)) if isinstance(column, Styled) else style
            segments += [
                Segment(cell(column.text(row), wide, right=column.heading.right), own),
                Segment(" " * GAP, style),
            ]
        return Strip(segments).adjust_cell_length(width, style)

    def _row_style(self, place: int, row: int) -> Style:
        if place != self.cursor:
            changed = self.view.model.changed
            is_marked = self.highlights and changed is not None and bool(changed[row])
            return self.get_component_rich_style("table--changed") if is_marked else self.rich_style
        return self.get_component_rich_style("table--cursor" if self.has_focus else "table--blurred")

    @property
    def _body_height(self) -> int:
        return max(1, self.size.height - 1)

    def _measure(self) -> None:
        width = self.scrollable_content_region.width
        if self._fitted_for is None or self._fitted_for[0] is not self.view.model or self._fitted_for[1] != width:
            self._fitted = fit(self.view.model.columns, max(width, 1))
            self._fitted_for = self.view.model, width
        self.virtual_size = Size(width, len(self.view) + 1)
        self.refresh()

    def _changed(self, kept: int | None, otherwise: int = 0) -> None:
        """Rows were sorted, filtered or replaced: find the cursor's row again."""
        places = np.flatnonzero(self.view.order == (-1 if kept is None else kept))
        self.cursor = int(places[0]) if len(places) else min(otherwise, max(len(self.view) - 1, 0))
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
