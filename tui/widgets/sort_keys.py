"""The keys by which columns are sorted, as bindings."""

from __future__ import annotations

from textual.binding import Binding

from tui.tables.model import TableModel


def sort_bindings(model: TableModel) -> list[Binding]:
    """The keys that the columns ask for; the first tells what all of them do when pressed again."""
    headings = [column.heading for column in model.columns if column.heading.sort_key]
    return [
        Binding(
            heading.sort_key,
            f"sort('{heading.key}')",
            f"Sort by {heading.title}",
            show=False,
            id=f"sort.{heading.key}",
            tooltip=f"Sort by {heading.title}" + ("" if place else "; each key here again: the other way round"),
        )
        for place, heading in enumerate(headings)
    ]
