"""Which rows of a table are shown, and in which order."""

from __future__ import annotations

from copy import copy

import numpy as np

from tracer.arrays import I64, Mask
from tui.filtering.parser import parse
from tui.filtering.rows import fitting
from tui.filtering.terms import FilterError, Term
from tui.tables.columns import Column, TableModel
from tui.tables.order import sorted_rows


class SortedTable:
    """A model with a sort order and a filter: ``order`` holds the model's rows as they are shown.

    ``preset`` is a second filter that has to fit as well: one that a key sets, not the filter line. ``by_change``: a
    column that has one is sorted by its change since the last refresh instead of its value.
    """

    def __init__(
        self,
        model: TableModel,
        sort_key: str,
        *,
        descending: bool,
        after: SortedTable | None = None,
        rows: I64 | None = None,
    ) -> None:
        """``after``: the view whose filters to go on with. ``rows``: an order to keep instead of sorting."""
        self.model = model
        self.sort_key = sort_key if model.has(sort_key) or not model.columns else model.columns[0].heading.key
        self.descending = descending
        self.by_change = False
        self.needle = ""
        self.preset = ""
        self.sought: tuple[Term, ...] = ()
        if after is not None:
            self.by_change, self.sought = after.by_change, after.sought
            self.needle, self.preset = after.needle, after.preset
        self._sorted = np.arange(model.length, dtype=np.int64) if rows is None else rows
        self.order = self._sorted
        try:
            if rows is None:
                self._sort()
            else:
                self._filter()
        except FilterError:  # the columns that the filters ask for are gone
            self.needle, self.preset, self.sought = "", "", ()

    def __len__(self) -> int:
        return len(self.order)

    def emptied(self) -> SortedTable:
        """The same sort order and filters without a model: something to go on from that keeps no rows."""
        empty = copy(self)
        empty.model = TableModel((), 0)
        empty.order = empty._sorted = np.zeros(0, np.int64)
        return empty

    def sort_by(self, key: str) -> None:
        """Sort by a column, in the direction that it prefers; the same column again turns the order round."""
        self.descending = not self.descending if key == self.sort_key else self.model.column(key).heading.most_first
        self.sort_key = key
        self._sort()

    def sort_by_change(self, wanted: bool) -> None:
        """Sort by changes, or by values again."""
        self.by_change = wanted
        self._sort()

    def filter_by(self, needle: str) -> None:
        """Show only rows that fit a filter; raises FilterError, and changes nothing, for what cannot be understood."""
        terms = parse(needle)
        self._apply(terms, parse(self.preset))
        self.needle, self.sought = needle, terms or self.sought

    def set_preset(self, preset: str) -> None:
        """Set the second filter."""
        self._apply(parse(self.needle), parse(preset))
        self.preset = preset

    def sought_rows(self) -> Mask:
        """Of the rows in order, which fit the last filter, whether or not it is in force."""
        return fitting(self.model, self.sought)[self.order]

    @property
    def all_rows(self) -> I64:
        """The model's rows in their order, those included that the filters hide."""
        return self._sorted

    @property
    def sorted_column(self) -> Column:
        """The column that decides the order."""
        column = self.model.column(self.sort_key)
        change = column.heading.change
        return self.model.column(change) if self.by_change and change and self.model.has(change) else column

    def _sort(self) -> None:
        if self.model.columns:
            self._sorted = self._arranged(sorted_rows(self.sorted_column, descending=self.descending))
        self._filter()

    def _filter(self) -> None:
        self._apply(parse(self.needle), parse(self.preset))

    def _arranged(self, rows: I64) -> I64:
        return rows if self.model.arrange is None else self.model.arrange(rows)

    def _apply(self, terms: tuple[Term, ...], preset: tuple[Term, ...]) -> None:
        wanted = (*terms, *preset)
        self.order = self._sorted[fitting(self.model, wanted)[self._sorted]] if wanted else self._sorted
