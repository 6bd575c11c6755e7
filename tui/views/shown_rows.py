"""The rows of a table as text, made when they are asked for: a million of them cost nothing until then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from tui.tables.columns import Rows
from tui.tables.model import TableModel


class ShownRows(Sequence[Sequence[str]]):
    """Rows of a model in an order, as cells."""

    def __init__(self, model: TableModel, order: Rows) -> None:
        self._columns = model.columns
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Sequence[str]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[str]]: ...

    def __getitem__(self, index: int | slice) -> Sequence[str] | Sequence[Sequence[str]]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        row = int(self._order[index])
        return [column.text(row) for column in self._columns]
