"""Rows on lines that are drawn when they are seen, with a cursor on one of them.

Textual's own table builds every row when it is filled (14 s for 100,000 rows) and reads markup in
strings. This one draws a line when the compositor asks for it and never interprets a cell.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.tables.columns import Column, TableModel
from tui.tables.fitting import GAP, fit, natural_widths, wanted_width
from tui.tables.model import SortedTable
from tui.widgets.table_lines import Fitted, TableLines, TableStyles

_SCROLLBAR: Final = 1


class RowList(ScrollView, can_focus=True):
    """Shows a :class:`SortedTable`; its first line is the heading and stays when the rest scrolls."""

    DEFAULT_CSS = """
    RowList {
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

    class Moved(Message):
        """The cursor is on another row of the model; ``None`` in an empty table."""

        def __init__(self, table: RowList, row: int | None) -> None:
            super().__init__()
            self.table = table
            self.row = row

    class Opened(Message):
        """A row of the model was chosen."""

        def __init__(self, table: RowList, row: int) -> None:
            super().__init__()
            self.table = table
            self.row = row

    def __init__(self, view: SortedTable, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = view
        self.cursor = 0
        self.highlights = True
        self.frozen = False
        self._lines: TableLines | None = None
        self._fitted: Fitted = ()
        self._fitted_for: tuple[TableModel, int] | None = None
        self._measured: tuple[TableModel, dict[str, int]] | None = None

    @property
    def wanted(self) -> Size:
        """Cells and lines on which every column and row stands in full; no filter makes it less."""
        return Size(wanted_width(self._natural()) + self.gutter.width + _SCROLLBAR, self.view.model.length + 1)

    @property
    def row(self) -> int | None:
        """The model's row under the cursor."""
        return int(self.view.order[self.cursor]) if len(self.view) else None

    def on_mount(self) -> None:
        """Measure, and tell where the cursor starts."""
        self._measure()
        self.post_message(self.Moved(self, self.row))

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._show_cursor()

    def let_go(self) -> None:
        """Drop what was measured and drawn of a model."""
        self._lines, self._fitted, self._fitted_for, self._measured = None, (), None, None

    def heading_clicked(self, column: Column) -> None:
        """A column's title was clicked."""

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
            self._click_heading(place.x)
            return
        row = self.scroll_offset.y + place.y - 1
        if row == self.cursor:
            self.action_open()
        elif row < len(self.view):
            self._put_cursor(row)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines of a region; the styles are looked up once for all of them."""
        width = self.scrollable_content_region.width
        self._lines = TableLines(self.view, self._columns(width), self._styles(), width)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line: the heading, a row, or nothing."""
        lines = self._lines
        if lines is None:
            return Strip.blank(self.size.width, self.rich_style)
        if y == 0:
            return lines.heading(frozen=self.frozen)
        place = self.scroll_offset.y + y - 1
        if place >= len(self.view):
            return Strip.blank(lines.width, lines.styles.plain)
        row = int(self.view.order[place])
        return lines.row(row, under_cursor=place == self.cursor, highlights=self.highlights)

    def _styles(self) -> TableStyles:
        named = self.get_component_rich_style
        return TableStyles(
            self.rich_style,
            named("table--heading"),
            named("table--sorted"),
            named("table--cursor" if self.has_focus else "table--blurred"),
            named("table--changed"),
        )

    @property
    def _body_height(self) -> int:
        return max(1, self.size.height - 1)

    def _measure(self) -> None:
        """Only the lines: with a width of its own, a table that was just laid out would ask for it once more."""
        self.virtual_size = Size(0, len(self.view) + 1)
        self.refresh()

    def _columns(self, width: int) -> Fitted:
        """The model's columns in that width; measured when it is first drawn so."""
        if self._fitted_for is None or self._fitted_for[0] is not self.view.model or self._fitted_for[1] != width:
            self._fitted = fit(self.view.model.columns, max(width, 1), self._natural())
            self._fitted_for = self.view.model, width
        return self._fitted

    def _natural(self) -> dict[str, int]:
        """Widths of the model's columns, measured once."""
        if self._measured is None or self._measured[0] is not self.view.model:
            self._measured = self.view.model, natural_widths(self.view.model.columns)
        return self._measured[1]

    def _put_cursor(self, place: int) -> None:
        before, self.cursor = self.cursor, min(max(place, 0), max(len(self.view) - 1, 0))
        self._show_cursor()
        for row in (before, self.cursor):
            self.refresh_line(row + 1)
        self.post_message(self.Moved(self, self.row))

    def _show_cursor(self) -> None:
        top = self.scroll_offset.y
        lowest = self.cursor - self._body_height + 1
        if not lowest <= top <= self.cursor:
            self.scroll_to(y=self.cursor if self.cursor < top else lowest, animate=False)

    def _click_heading(self, x: int) -> None:
        left = 0
        for column, wide in self._fitted:
            if x < left + wide + GAP:
                self.heading_clicked(column)
                return
            left += wide + GAP
