"""A view that is a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.widgets import Static

from analyzers.formatting import moment
from tui.filtering.rows import offers
from tui.tables.columns import TableModel
from tui.tables.words import NONPAGED_WORD, PAGED_WORD
from tui.views.listing import Listing
from tui.views.scene import Scene
from tui.views.shown_rows import rows_as_shown, rows_in_full
from tui.views.view import Table, View
from tui.widgets.virtual_table import VirtualTable

_POOLS: Final = {"": f"type:{NONPAGED_WORD}", f"type:{NONPAGED_WORD}": f"type:{PAGED_WORD}", f"type:{PAGED_WORD}": ""}
"""What follows what when PoolMon's p is pressed."""
_POOL_WORDS: Final = {f"type:{NONPAGED_WORD}": "nonpaged pool (p)", f"type:{PAGED_WORD}": "paged pool (p)"}
"""What each is called as a limit, with the key that changes it."""


class TableView(View):
    """Shows the listing that ``build`` makes of a scene; sort, filter and cursor outlive a refresh."""

    DEFAULT_CSS = """
    TableView > .empty { display: none; padding: 1 2; }
    TableView > .totals { display: none; height: auto; padding: 0 1; text-style: bold; }
    TableView.-empty > .empty { display: block; }
    TableView.-empty > VirtualTable { display: none; }
    TableView.-totals > .totals { display: block; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pool", "Pool", show=False, id="rows.pool", tooltip="Nonpaged pool only, paged only, both"),
        Binding(
            "(,)", "by_change", "By change", show=False, id="rows.by-change", tooltip="Sort by changes, or by values"
        ),
        Binding("l", "highlight", "Highlight", show=False, id="rows.highlight", tooltip="Mark changed rows, or do not"),
        Binding("e", "totals", "Totals", show=False, id="rows.totals", tooltip="A line of totals, or none"),
    ]

    def __init__(self, build: Callable[[Scene], Listing], sort_key: str, *, descending: bool = True) -> None:
        super().__init__()
        self._build = build
        self._listing: Listing | None = None
        self._empty = Static(markup=False, classes="empty")
        self._totals = Static(markup=False, classes="totals")
        self.table = VirtualTable(TableModel((), 0), sort_key, descending=descending)

    def compose(self) -> ComposeResult:
        """The table, or the words for none."""
        yield self.table
        yield self._empty
        yield self._totals

    def show(self, scene: Scene) -> None:
        """Put the scene's listing in place of the one before."""
        listing = self._listing = self._build(scene)
        was_empty = self.has_class("-empty")
        if was_empty and listing.model.length:
            self.call_after_refresh(self._take_back_focus)
        self.set_class(not listing.model.length, "-empty")
        self._empty.update(listing.empty + _only_since(scene), layout=not listing.model.length)
        self.table.replace(listing.model, listing.identity, listing.keys)
        if was_empty != self.has_class("-empty"):
            self.refresh_bindings()
        self._tell(listing, self.table.row)

    def _take_back_focus(self) -> None:
        """A table that was hidden while it was empty has lost the keys; they go back where nobody else has them."""
        if self.screen.focused is None:
            self.table.focus()

    def wanted(self, width: int) -> Size:
        """The table in full; the words for none."""
        del width
        if self._listing is None or not self._listing.model.length:
            return super().wanted(0)
        table = self.table.wanted
        return Size(table.width, table.height + self.has_class("-totals"))

    def needs(self) -> int | None:
        """The heading, and what rows the listing cannot do without."""
        listing = self._listing
        return None if listing is None or listing.needs is None else 1 + listing.needs

    def forget(self) -> None:
        """Keep neither listing nor rows."""
        self._listing = None
        self.table.forget()

    def take_focus(self) -> None:
        """Keys go to the table."""
        self.table.focus()

    def narrow(self, words: str) -> str:
        """Filter the rows."""
        return self.table.filter_by(words)

    def own_limit(self) -> str:
        """The kind of pool that ``p`` has chosen."""
        return _POOL_WORDS.get(self.table.view.preset, "")

    def drop_own_limit(self) -> None:
        """Both kinds of pool."""
        if self.own_limit():
            self._limit("")

    def offers(self) -> list[tuple[str, str]]:
        """By the columns that the table has."""
        return offers(self.table.view.model)

    def counts(self) -> tuple[int, int]:
        """Rows that are shown, and all."""
        return len(self.table.view), self.table.view.model.length

    def exported(self) -> Table:
        """The table's columns and its rows, with all digits."""
        return rows_in_full(self.table.view.model, self.table.view.order)

    def shown(self) -> Table:
        """The columns and rows as the texts that stand on the screen."""
        return rows_as_shown(self.table.view.model, self.table.view.order)

    def document(self) -> tuple[str, str] | None:
        """What the listing makes of the row under the cursor."""
        row = self.table.row
        return None if self._listing is None or row is None else self._listing.document(row)

    def copied(self) -> str:
        """What the listing gives for the row under the cursor, else its cells."""
        row = self.table.row
        if self._listing is None or row is None:
            return ""
        return self._listing.copy(row) or "\t".join(
            column.text(row).strip() for column in self.table.view.model.columns
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """PoolMon's keys work where the table has what they are about."""
        model = self.table.view.model
        match action:
            case "pool":
                return model.has("type")
            case "by_change":
                return any(column.heading.change for column in model.columns)
            case "highlight":
                return model.changed is not None
            case "totals":
                return self._listing is not None and self._listing.totals is not None
        return super().check_action(action, parameters)

    def action_pool(self) -> None:
        """One kind of pool, the other, both."""
        self._limit(_POOLS.get(self.table.view.preset, ""))

    def _limit(self, preset: str) -> None:
        self.table.preset(preset)
        self.screen.post_message(self.Limited(self))

    def action_by_change(self) -> None:
        """Sort by changes, or by values again."""
        self.table.sort_by_change(not self.table.view.by_change)

    def action_highlight(self) -> None:
        """Mark rows that changed, or do not."""
        self.table.highlight(not self.table.highlights)

    def action_totals(self) -> None:
        """Show or hide the line of totals."""
        self.toggle_class("-totals")
        self._total()

    def _total(self) -> None:
        if self.has_class("-totals") and self._listing is not None and self._listing.totals is not None:
            self._totals.update(self._listing.totals(self.table.view.order))

    @on(VirtualTable.Moved)
    def _describe(self, event: VirtualTable.Moved) -> None:
        event.stop()
        if self._listing is not None:
            self._tell(self._listing, event.row)

    def _tell(self, listing: Listing, row: int | None) -> None:
        self._total()
        self.describe(_words(listing, row))

    @on(VirtualTable.Opened)
    def _step(self, event: VirtualTable.Opened) -> None:
        event.stop()
        step = self._listing.step(event.row) if self._listing is not None else None
        if step is None:
            self.notify("nothing lies below this row", markup=False)
        else:
            self.post_message(self.Stepped(self, step))


def _only_since(scene: Scene) -> str:
    """Why a table may be empty while there is a mark."""
    if scene.mark is None:
        return ""
    return f"\nOnly what came after the mark at {moment(scene.mark.at_ns)} counts.  C Clears the mark."


def _words(listing: Listing, row: int | None) -> Text:
    if row is not None and row < listing.model.length:  # told of the rows before a refresh
        return listing.describe(row)
    return Text("no row fits the filter" if listing.model.length else "")
