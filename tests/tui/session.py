"""An open interface in a test: its keys, and what is then on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Static

from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tui.app import PoolscopeApp
from tui.look import Look
from tui.screens.main import MainScreen
from tui.views.view import View
from tui.widgets.side_panel import SidePanel
from tui.widgets.virtual_table import VirtualTable


class Session:
    """An open interface, its keys and its lines."""

    def __init__(self, app: PoolscopeApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, words: str) -> None:
        """Wait for words that something in the background brings."""
        for _ in range(100):
            if words in self.text or any(words in told for told in self.told):
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"{words!r} does not come:\n{self.text}")

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def screen(self) -> MainScreen:
        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, MainScreen))

    @property
    def place(self) -> str:
        """The key of the view that is shown."""
        return self.screen.location.view

    @property
    def scope(self) -> Query:
        return self.screen.location.scope

    @property
    def view(self) -> View:
        return self.screen.view

    @property
    def table(self) -> VirtualTable:
        return self.view.query_one(VirtualTable)

    @property
    def side_panel(self) -> SidePanel:
        return self.screen.query_one(SidePanel)

    @property
    def panel(self) -> str:
        """All that the panel says, in one line, seen or scrolled away."""
        words = self.side_panel.query_one(Static)
        return " ".join(str(words.visual).split())

    @property
    def told(self) -> list[str]:
        """What notifications said."""
        return [notification.message for notification in self.app._notifications]

    def column(self, key: str) -> list[str]:
        view = self.table.view
        return [view.model.column(key).text(int(row)).strip() for row in view.order]

    @property
    def cursor(self) -> str:
        """The first column of the row under the cursor."""
        row = self.table.row
        assert row is not None
        return self.table.view.model.columns[0].text(row).strip()


@asynccontextmanager
async def running(app: PoolscopeApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Session]:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Session(app, pilot)


@asynccontextmanager
async def opened(
    snapshot: Snapshot, size: tuple[int, int] = (80, 24), view: str = "", *, ascii_only: bool = False
) -> AsyncIterator[Session]:
    async with running(PoolscopeApp(snapshot, view, look=Look(ascii_only=ascii_only)), size) as it:
        yield it
