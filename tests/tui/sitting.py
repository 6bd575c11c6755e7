"""Somebody sits at the interface: keys go in, lines come out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot
from textual.widgets import Static

from analyzers.snapshot import Snapshot
from tui.app import PoolscopeApp
from tui.screens.main import MainScreen
from tui.views.scope import Scope
from tui.widgets.side_panel import SidePanel


class Sitting:
    """An open interface."""

    def __init__(self, app: PoolscopeApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def screen(self) -> MainScreen:
        screen = self.app.screen
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def place(self) -> str:
        return self.screen.place.view

    @property
    def scope(self) -> Scope:
        return self.screen.place.scope

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def panel(self) -> str:
        """All that the panel says, in one line, seen or scrolled away."""
        words = self.screen.query_one(SidePanel).query_one(Static)
        return " ".join(str(words.visual).split())


@asynccontextmanager
async def seated(app: PoolscopeApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Sitting]:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Sitting(app, pilot)


@asynccontextmanager
async def looking(snapshot: Snapshot, view: str, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Sitting]:
    async with seated(PoolscopeApp(snapshot, view), size) as it:
        yield it
