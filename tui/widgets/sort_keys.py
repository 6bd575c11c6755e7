"""The keys by which columns are sorted, as bindings."""

from __future__ import annotations

from textual.binding import Binding

from tui.tables.model import TableModel


def sort_bindings(model: TableModel) -> list[Binding]:
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
