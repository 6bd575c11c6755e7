"""The first screen: outstanding allocations by pool tag."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.widget import Widget
from textual.widgets import Static

from analyzers.pooltag import tag_hex, tag_text
from analyzers.quantities import exact_size, number
from analyzers.snapshot import Snapshot
from tui.report.pool import has_pool_events
from tui.report.recording import HOW_TO_RECORD, NO_POOL_EVENTS
from tui.safe_text import safe
from tui.screens.browser import BrowserScreen
from tui.screens.sites import SiteScreen
from tui.tables.tags import tag_table
from tui.tables.words import pool_word
from tui.widgets.detail_line import DetailLine
from tui.widgets.verdict_line import VerdictLine
from tui.widgets.virtual_table import VirtualTable


class TagScreen(BrowserScreen):
    """PoolMon's table; Enter shows where a tag is allocated."""

    is_first: ClassVar[bool] = True

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, "Pool tags", tag_table(snapshot), "bytes")
        self._detail = DetailLine()

    def compose_body(self) -> Iterable[Widget]:
        """The verdict and the table; in a trace without pool events, how to record one with them."""
        if has_pool_events(self.snapshot.pool.totals):
            yield VerdictLine(self.snapshot.diagnosis)
            yield self.table
            yield self._detail
        else:
            yield Static("\n".join((NO_POOL_EVENTS, "", *HOW_TO_RECORD)), markup=False, id="no-pool-events")

    @on(VirtualTable.Moved)
    def _describe(self, event: VirtualTable.Moved) -> None:
        self._detail.show(Text("no tag matches the filter") if event.row is None else self._description(event.row))

    @on(VirtualTable.Opened)
    def _open_sites(self, event: VirtualTable.Opened) -> None:
        self.app.push_screen(SiteScreen(self.snapshot, event.row))

    def _description(self, row: int) -> Text:
        tags = self.snapshot.pool.tags
        tag = int(tags.tag[row])
        return Text.assemble(
            (f"{tag_text(tag)} {pool_word(paged=bool(tags.paged[row]))}", "bold"),
            f" ({tag_hex(tag)})  {safe(tags.driver[row])}  {safe(tags.description[row])}\n",
            f"{number(int(tags.outstanding_count[row]))} outstanding, {exact_size(int(tags.outstanding_bytes[row]))}",
            f"; peak {exact_size(int(tags.peak_bytes[row]))}",
        )
