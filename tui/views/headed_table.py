"""A table with a few words above it that hold for all of its rows."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.geometry import Size
from textual.widgets import Static

from tui.views.listing import Listing
from tui.views.scene import Scene
from tui.views.table_view import TableView


class HeadedTable(TableView):
    """``head`` makes the words of a scene; they are not shown above an empty table, whose own words say more."""

    DEFAULT_CSS = """
    HeadedTable > .head { height: auto; padding: 0 1; }
    HeadedTable.-empty > .head { display: none; }
    """

    def __init__(
        self,
        build: Callable[[Scene], Listing],
        head: Callable[[Scene], Text],
        sort_key: str,
        *,
        descending: bool = True,
    ) -> None:
        super().__init__(build, sort_key, descending=descending)
        self._head_of = head
        self._cells: list[int] = []
        self._head = Static(markup=False, classes="head")

    def compose(self) -> ComposeResult:
        """The words, then the table."""
        yield self._head
        yield from super().compose()

    def wanted(self, width: int) -> Size:
        """The table below its words."""
        table = super().wanted(width)
        return Size(table.width, table.height + sum(max(-(-cells // max(width - 2, 1)), 1) for cells in self._cells))

    def needs(self) -> int | None:
        """Those of the table, and the words above it."""
        rows = super().needs()
        return None if rows is None else rows + self._head.size.height

    def show(self, scene: Scene) -> None:
        """Put words and rows of the scene in place of those before."""
        head = self._head_of(scene)
        self._cells = [line.cell_len for line in head.split("\n")]
        self._head.update(head)
        super().show(scene)
