"""A table that can be sorted, filtered and filled anew, and costs what is visible, however many rows it has."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import ClassVar, Final

import numpy as np
from textual.binding import Binding, BindingsMap, BindingType

from tui.filtering.terms import FilterError
from tui.tables.columns import Column, TableModel
from tui.tables.model import SortedTable
from tui.tables.order import Identity, Keys
from tui.widgets.row_list import RowList


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


TABLE_KEYS: Final[list[BindingType]] = [
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


class VirtualTable(RowList):
    """Cursor, sort and filter outlive another model."""

    BINDINGS: ClassVar[list[BindingType]] = TABLE_KEYS

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
        super().__init__(SortedTable(model, sort_key, descending=descending), id=id)
        self._identity = Identity(identity)
        self._forgotten = False
        self._sort_keys: set[str] = set()
        self._bind_sort_keys(model)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is opened where there are no rows."""
        return bool(len(self.view)) if action == "open" else super().check_action(action, parameters)

    def replace(self, model: TableModel, identity: Callable[[int], Hashable], keys: Keys | None = None) -> None:
        """Show another model with the same columns; sort, filter and the cursor's row stay where they can.

        Says nothing of the cursor: who puts a model there knows that :attr:`row` is another.
        ``keys``: the identities of all rows as one array, for tables too long to ask row by row.
        """
        old, place, before, now = self.view, self.cursor, self._identity, Identity(identity, keys)
        known = 0 if self._forgotten else self.row
        row = None if known is None else before.row_in(now, known, model.length)
        rows = before.order_in(now, old.all_rows, model.length) if self.frozen else None
        self._bind_sort_keys(model)
        self.view = SortedTable(model, old.sort_key, descending=old.descending, after=old, rows=rows)
        self._identity, self._forgotten = now, False
        self._find(row, otherwise=place)

    def forget(self) -> None:
        """Let go of the model while nobody looks; :meth:`replace` finds cursor, order and filters again.

        An order that was frozen needs the rows that it was frozen with, and keeps them.
        """
        if self.frozen or self._forgotten:
            return
        self._forgotten = self.row is not None
        self._identity = Identity() if self.row is None else self._identity.only(self.row)
        self.view = self.view.emptied()
        self.let_go()

    def _bind_sort_keys(self, model: TableModel) -> None:
        """Bind the keys of columns that were not there before."""
        new = [binding for binding in sort_bindings(model) if binding.key not in self._sort_keys]
        if new:
            self._sort_keys |= {binding.key for binding in new}
            self._bindings = BindingsMap.merge([self._bindings, BindingsMap(new)])

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
        """Sort by a column; a key may be typed before the view that it is meant for has the keys."""
        if self.view.model.has(key):
            self.sort_by(key)

    def heading_clicked(self, column: Column) -> None:
        """A click on a title sorts."""
        self.sort_by(column.heading.key)

    def _changed(self, kept: int | None) -> None:
        """Rows were sorted or filtered."""
        self._find(kept)
        self.post_message(self.Moved(self, self.row))

    def _find(self, kept: int | None, otherwise: int = 0) -> None:
        """Put the cursor on a row of the model again, wherever that is now."""
        places = np.flatnonzero(self.view.order == (-1 if kept is None else kept))
        self.cursor = int(places[0]) if len(places) else min(otherwise, max(len(self.view) - 1, 0))
        self._measure()
        self._show_cursor()
