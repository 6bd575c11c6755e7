"""A table: its columns, and which of its rows are shown in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tui.tables.columns import Column, Mask, Rows


@dataclass(frozen=True, slots=True, eq=False)
class TableModel:
    """Columns of equal length; ``also_matches`` finds rows by what no column shows."""

    columns: tuple[Column, ...]
    length: int
    also_matches: Callable[[str], Mask] | None = None

    def column(self, key: str) -> Column:
        """The column of that key; ``KeyError`` for none."""
        for column in self.columns:
            if column.heading.key == key:
                return column
        raise KeyError(key)


class TableView:
    """A model with a sort order and a filter: ``order`` holds the model's rows as they are shown."""

    def __init__(self, model: TableModel, sort_key: str, *, descending: bool) -> None:
        self.model = model
        self.sort_key = sort_key
        self.descending = descending
        self.needle = ""
        self._sorted = _sorted_rows(model.column(sort_key), descending=descending)
        self.order: Rows = self._sorted

    def __len__(self) -> int:
        return len(self.order)

    def sort_by(self, key: str) -> None:
        """Sort by a column, in the direction that it prefers; the same column again turns the order round."""
        column = self.model.column(key)
        self.descending = not self.descending if key == self.sort_key else column.heading.most_first
        self.sort_key = key
        self._sorted = _sorted_rows(column, descending=self.descending)
        self._apply_filter()

    def filter_by(self, needle: str) -> None:
        """Show only rows in which some searchable text holds ``needle``, upper and lower case alike."""
        self.needle = needle
        self._apply_filter()

    def _apply_filter(self) -> None:
        folded = self.needle.casefold()
        self.order = self._sorted[self._mask(folded)[self._sorted]] if folded else self._sorted

    def _mask(self, needle: str) -> Mask:
        found = np.zeros(self.model.length, np.bool_)
        for column in self.model.columns:
            matches = column.matches(needle)
            if matches is not None:
                found |= matches
        if self.model.also_matches is not None:
            found |= self.model.also_matches(needle)
        return found


def _sorted_rows(column: Column, *, descending: bool) -> Rows:
    """Stable both ways: rows that compare equal keep the model's order."""
    ranks = column.ranks()
    if not descending:
        return np.argsort(ranks, kind="stable").astype(np.int64)
    return (len(ranks) - 1 - np.argsort(ranks[::-1], kind="stable"))[::-1].astype(np.int64)
