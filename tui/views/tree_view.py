"""A view that is a tree in a table."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeAlias

from textual import on

from tracer.data_classes import dataclass
from tui.tables.tree import Branches
from tui.views.listing import Listing
from tui.views.scene import Scene
from tui.views.table_view import TableView
from tui.widgets.tree_table import TreeTable
from tui.widgets.virtual_table import VirtualTable

Folds: TypeAlias = Mapping[Hashable, bool]
"""By the key of a row: whether somebody opened or closed it."""


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A listing and how its rows lie below each other."""

    listing: Listing
    branches: Branches


class TreeView(TableView):
    """``grow`` takes what is dear from a scene; what it gives makes the tree for the rows that are open."""

    def __init__(self, grow: Callable[[Scene], Callable[[Folds], Tree]], sort_key: str) -> None:
        super().__init__(self._list, sort_key)
        self._grow = grow
        self._scene: Scene | None = None
        self._folds: dict[Hashable, bool] = {}
        self._branches: Branches | None = None
        self._unfolded: Callable[[Folds], Tree] | None = None
        self.table = self._tree_table = TreeTable(self.table.view.model, sort_key)

    def _list(self, scene: Scene) -> Listing:
        if scene is not self._scene or self._unfolded is None:
            self._scene, self._unfolded = scene, self._grow(scene)
        tree = self._unfolded(self._folds)
        self._branches = tree.branches
        return tree.listing

    def forget(self) -> None:
        """Keep what is open, not the tree."""
        super().forget()
        self._scene = self._unfolded = self._branches = None

    def grow_again(self, grow: Callable[[Scene], Callable[[Folds], Tree]]) -> None:
        """Another tree of the same scene."""
        scene, self._scene, self._grow = self._scene, None, grow
        if scene is not None:
            self.show(scene)

    def _fold(self, row: int, *, is_open: bool) -> None:
        branches = self._branches
        if branches is None or self._scene is None or row >= len(branches.parent):
            return
        if branches.can_open[row] and bool(branches.is_open[row]) != is_open:
            self._folds[branches.key(row)] = is_open
            self.show(self._scene)
        elif not is_open and branches.parent[row] >= 0:
            self._tree_table.put_on(int(branches.parent[row]))

    @on(TreeTable.Folded)
    def _fold_row(self, event: TreeTable.Folded) -> None:
        event.stop()
        self._fold(event.row, is_open=event.is_open)

    @on(VirtualTable.Opened)
    def _open_branch(self, event: VirtualTable.Opened) -> None:
        """Enter on a row that leads nowhere opens or closes it."""
        branches = self._branches
        if self._listing is not None and branches is not None and self._listing.step(event.row) is None:
            event.stop()
            event.prevent_default()
            self._fold(event.row, is_open=not branches.is_open[event.row])
