"""The lines of a table as they are drawn; no cell is ever read as markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tracer.data_classes import dataclass
from tui.tables.columns import Column, Styled
from tui.tables.fitting import GAP, cell
from tui.tables.model import SortedTable

Fitted = Sequence[tuple[Column, int]]
"""Columns with their widths, in the order in which they stand."""

_ASCENDING, _DESCENDING, _FROZEN = "▲", "▼", "="
_BETWEEN: Final = " " * GAP
_CHANGED: Final = "•".ljust(GAP)
"""After the first cell of a row that has changed: no cursor hides it, nor the want of colours, and no tag has it."""


@dataclass(frozen=True, slots=True)
class TableStyles:
    """Of the heading and of rows, by what they are."""

    plain: Style
    heading: Style
    sorted: Style
    cursor: Style
    changed: Style


@dataclass(frozen=True, slots=True, eq=False)
class TableLines:
    """Draws the heading and single rows of a view."""

    view: SortedTable
    fitted: Fitted
    styles: TableStyles
    width: int

    def heading(self, *, frozen: bool) -> Strip:
        """The titles, with an arrow at the sorted one."""
        arrow = _FROZEN if frozen else _DESCENDING if self.view.descending else _ASCENDING
        by = self.view.sorted_column.heading.key if self.fitted else ""
        segments = []
        for column, wide in self.fitted:
            heading, is_sorted = column.heading, column.heading.key == by
            title = cell(f"{heading.title}{arrow}" if is_sorted else heading.title, wide, right=heading.right)
            segments += [
                Segment(title, self.styles.sorted if is_sorted else self.styles.heading),
                Segment(_BETWEEN, self.styles.heading),
            ]
        return Strip(segments).adjust_cell_length(self.width, self.styles.heading)

    def row(self, row: int, *, under_cursor: bool, highlights: bool) -> Strip:
        """A row of the model; cells of one style are drawn as one piece."""
        is_marked = highlights and self.view.model.changed is not None and bool(self.view.model.changed[row])
        style = self._style(under_cursor, is_marked)
        segments: list[Segment] = []
        pieces: list[str] = []
        gap = _CHANGED if is_marked else _BETWEEN
        for column, wide in self.fitted:
            text = cell(column.text(row), wide, right=column.heading.right)
            own = column.style(row) if isinstance(column, Styled) else ""
            if own:
                segments += [Segment("".join(pieces), style), Segment(text, style + Style.parse(own))]
                pieces = [gap]
            else:
                pieces += [text, gap]
            gap = _BETWEEN
        segments.append(Segment("".join(pieces), style))
        return Strip(segments).adjust_cell_length(self.width, style)

    def _style(self, under_cursor: bool, is_marked: bool) -> Style:
        if under_cursor:
            return self.styles.cursor
        return self.styles.changed if is_marked else self.styles.plain
