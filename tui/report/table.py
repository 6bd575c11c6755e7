"""A table model as lines of text."""

from __future__ import annotations

from rich.text import Text

from tui.report.styles import LABEL, note
from tui.tables.fitting import GAP, cell, fit
from tui.tables.model import SortedTable

_CUT_MARK = ".."


def table_lines(view: SortedTable, width: int, limit: int) -> list[Text]:
    """The first ``limit`` rows in the view's order under their headings, and how many more there are."""
    fitted = fit(view.model.columns, width - GAP)
    gap = " " * GAP
    titles = [cell(column.heading.title, wide, right=column.heading.right, mark="") for column, wide in fitted]
    lines = [Text(gap + gap.join(titles).rstrip(), LABEL)]
    for row in view.order[:limit]:
        cells = [cell(column.text(int(row)), w, right=column.heading.right, mark=_CUT_MARK) for column, w in fitted]
        lines.append(Text(gap + gap.join(cells).rstrip()))
    more = len(view) - min(limit, len(view))
    return [*lines, note(f"  and {more:,} more (--top shows more)")] if more else lines
