"""The third screen: the single outstanding allocations of one site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual import on
from textual.containers import Container
from textual.widget import Widget

from analyzers.quantities import duration, exact_size, moment
from analyzers.snapshot import Frame, Snapshot
from tracer.columns import Who
from tui.screens.browser import BrowserScreen
from tui.tables.allocations import allocation_rows, allocation_table
from tui.tables.sites import NO_STACK_TEXT, caller
from tui.tables.words import KNOWN_BY_LONG, pool_type, process_label, thread_label
from tui.widgets.stack_panel import StackPanel, stack_text
from tui.widgets.virtual_table import VirtualTable

_NO_USER_STACK = "(no user-mode stack in the trace)"


class AllocationScreen(BrowserScreen):
    """Every allocation of a site, with what is known of the one under the cursor."""

    def __init__(self, snapshot: Snapshot, site: int, tag_name: str) -> None:
        self._rows = allocation_rows(snapshot, site)
        self._frames: Sequence[Frame] = snapshot.names.frames(int(snapshot.pool.sites.stack[site]))
        heading = f"Pool tags › {tag_name} › {caller(self._frames)}"
        super().__init__(snapshot, heading, allocation_table(snapshot, self._rows), "bytes")
        self._panel = StackPanel()

    def compose_body(self) -> Iterable[Widget]:
        """The table with the details beside it or below it."""
        yield Container(self.table, self._panel, classes="split")

    @on(VirtualTable.Opened)
    def _read_details(self) -> None:
        self._panel.focus()

    @on(VirtualTable.Moved)
    def _show_details(self, event: VirtualTable.Moved) -> None:
        self._panel.show([] if event.row is None else self._details(int(self._rows[event.row])))

    def _user_frames(self, row: int) -> Sequence[Frame]:
        """User addresses mean something in their own process only."""
        out = self.snapshot.pool.outstanding
        return self.snapshot.names.frames(int(out.user_stack[row]), int(out.process[row]))

    def _details(self, row: int) -> list[Text]:
        out = self.snapshot.pool.outstanding
        age = duration(self.snapshot.at_ns - int(out.time_ns[row]))
        process = process_label(self.snapshot, int(out.process[row]), int(out.time_ns[row]))
        return [
            Text(f"0x{int(out.address[row]):x}", "bold"),
            Text(f"  {exact_size(int(out.size[row]))}, {pool_type(int(out.type[row]))}"),
            Text(f"  allocated at {moment(int(out.time_ns[row]))}, CPU {int(out.cpu[row])}, age {age}"),
            Text(f"  by {process}, thread {thread_label(int(out.thread[row]))}"),
            Text(f"  {KNOWN_BY_LONG[Who(int(out.who[row]))]}"),
            Text(f"  event at byte {int(out.offset[row]):,} of the file"),
            *stack_text("User-mode stack", self._user_frames(row), _NO_USER_STACK),
            *stack_text("Kernel stack", self._frames, NO_STACK_TEXT),
        ]
