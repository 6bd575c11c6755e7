"""The terminal interface: a snapshot, from pool tags down to single allocations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from analyzers.snapshot import Snapshot
from tui.safe_text import safe
from tui.screens.tags import TagScreen


class PoolscopeApp(App[None]):
    """Opens on the table of tags."""

    CSS = """
    #heading { height: 1; padding: 0 1; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    #no-pool-events { padding: 1 2; height: 1fr; overflow-y: auto; }
    VirtualTable { height: 1fr; padding: 0 0 0 1; }
    VirtualTable > .table--heading { text-style: bold; color: $text-muted; }
    VirtualTable > .table--sorted { text-style: bold underline; }
    VirtualTable > .table--cursor { text-style: reverse bold; }
    VirtualTable > .table--blurred { text-style: underline; }
    .split { height: 1fr; }
    .-narrow .split { layout: vertical; }
    .-narrow .split StackPanel { height: 40%; }
    .-wide .split { layout: horizontal; }
    .-wide .split VirtualTable { width: 3fr; height: 100%; }
    .-wide .split StackPanel { width: 2fr; height: 100%; border-top: none; border-left: solid $primary; }
    .-wide .split StackPanel:focus { border-left: heavy $accent; }
    """

    ENABLE_COMMAND_PALETTE = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", "Quit", show=False, id="app.quit", tooltip="Leave Poolscope"),
    ]

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot
        simulated = "SIMULATED " if snapshot.info.simulated else ""
        self.title = f"poolscope: {simulated}{safe(PurePath(snapshot.info.path).name)}"

    @property
    def fault(self) -> Exception | None:
        """The exception that ended the interface, if one did."""
        return self._exception

    def on_mount(self) -> None:
        """Show the first table."""
        self.push_screen(TagScreen(self.snapshot))

    def _fatal_error(self) -> None:
        """Leave without textual's traceback: the command line tells a fault in its own way."""
        self._close_messages_no_wait()


async def screenshot(snapshot: Snapshot, size: tuple[int, int], keys: Sequence[str]) -> str:
    """The interface as an SVG picture of ``size`` (columns, rows) after some keys, drawn without a terminal."""
    app = PoolscopeApp(snapshot)
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        return app.export_screenshot(title=app.title)
