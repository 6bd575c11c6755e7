"""The second screen: where one tag is allocated, stack by stack."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.containers import Container
from textual.widget import Widget

from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from tui.safe_text import safe
from tui.screens.allocations import AllocationScreen
from tui.screens.browser import BrowserScreen
from tui.tables.sites import NO_STACK_TEXT, site_rows, site_table
from tui.tables.words import pool_word
from tui.widgets.stack_panel import StackPanel, stack_text
from tui.widgets.virtual_table import VirtualTable


class SiteScreen(BrowserScreen):
    """The sites of a tag, with the frames of the one under the cursor; Enter shows its allocations."""

    def __init__(self, snapshot: Snapshot, tag_row: int) -> None:
        tags = snapshot.pool.tags
        name = f"{tag_text(int(tags.tag[tag_row]))} {pool_word(paged=bool(tags.paged[tag_row]))}"
        about = " ".join(word for word in (safe(tags.driver[tag_row]), safe(tags.description[tag_row])) if word)
        self._rows = site_rows(snapshot, tag_row)
        self._tag_name = name
        heading = f"Pool tags › {name}" + (f"  {about}" if about else "")
        super().__init__(snapshot, heading, site_table(snapshot, self._rows), "bytes")
        self._panel = StackPanel()

    def compose_body(self) -> Iterable[Widget]:
        """The table with the stack beside it or below it."""
        yield Container(self.table, self._panel, classes="split")

    @on(VirtualTable.Moved)
    def _show_stack(self, event: VirtualTable.Moved) -> None:
        if event.row is None:
            self._panel.show([])
            return
        stack = int(self.snapshot.pool.sites.stack[self._rows[event.row]])
        frames = self.snapshot.names.frames(stack)
        self._panel.show(stack_text(f"Stack of the allocation, {len(frames)} frames", frames, NO_STACK_TEXT))

    @on(VirtualTable.Opened)
    def _open_allocations(self, event: VirtualTable.Opened) -> None:
        self.app.push_screen(AllocationScreen(self.snapshot, int(self._rows[event.row]), self._tag_name))
