"""The rows of a table for an export, made when they are asked for: a million of them cost nothing until then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from tracer.arrays import I64
from tui.tables.columns import TableModel
from tui.tables.export_values import Value, exact_columns

Values = Sequence[Value]


class ShownRows(Sequence[Values]):
    """Rows of a model in an order; ``cells`` make what stands in a row."""

    def __init__(self, order: I64, cells: Sequence[Callable[[int], Value]]) -> None:
        self._cells = cells
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Values: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Values]: ...

    def __getitem__(self, index: int | slice) -> Values | Sequence[Values]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        row = int(self._order[index])
        return [cell(row) for cell in self._cells]


def rows_as_shown(model: TableModel, order: I64) -> tuple[list[str], ShownRows]:
    """Titles and texts."""
    return [column.heading.title for column in model.columns], ShownRows(
        order, [column.text for column in model.columns]
    )


def rows_in_full(model: TableModel, order: I64) -> tuple[list[str], ShownRows]:
    """Names for programs, and values with all their digits."""
    exact = exact_columns(model.columns)
    return [column.name for column in exact], ShownRows(order, [column.value for column in exact])
