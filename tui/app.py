"""The terminal interface: a snapshot, from pool tags down to single allocations."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.filter import LineFilter
from textual.markup import escape

from analyzers.selection.query import EVERYTHING, Query
from analyzers.snapshot import Snapshot
from tui.glyphs import KEY_NAMES, AsciiFilter
from tui.look import FULL, Look
from tui.naming import Naming
from tui.redaction.snapshots import is_redacted
from tui.safe_text import safe
from tui.screens.actions import actions
from tui.screens.main import MainScreen
from tui.streams import is_terminal
from tui.theme_names import SIXTEEN
from tui.themes import LIGHT_SIXTEEN, THEMES

if TYPE_CHECKING:
    from tui.reading.compared import Compared

_FETCHED: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_MADE_WITH: Final = re.compile(r"\s*<!-- Generated with Rich .*?-->")
_FONT: Final = "font-family: Fira Code, monospace;"
_TITLE: Final = "font-family: arial;"
_FONTS: Final = (
    'font-family: "Cascadia Mono", Consolas, Menlo, "DejaVu Sans Mono", "Liberation Mono", monospace;'
    ' font-variant-ligatures: none; font-feature-settings: "liga" 0, "calt" 0;'
)
"""What Windows, macOS and Linux bring, in this order. Ligatures would draw ``0x`` and ``->`` as other signs."""


def self_contained(svg: str) -> str:
    """A picture as rich draws it, without the fonts that it would fetch; with those that machines have."""
    svg = _MADE_WITH.sub("", _FETCHED.sub("", svg))
    return svg.replace(_FONT, _FONTS).replace(_TITLE, "font-family: Arial, Helvetica, sans-serif;")


_NAMES_SECONDS: Final = 0.05
"""How often it is seen whether all names were looked for."""
_TERMINAL_SECONDS: Final = 1.0
"""How often it is seen whether the terminal is still there."""


def _has_terminal() -> bool:
    return sys.__stdin__ is not None and is_terminal(sys.__stdin__)


class ActionProvider(Provider):
    """Offers what the keys do, by name."""

    async def discover(self) -> Hits:
        """Everything, before a letter is typed; first what stands on the line of keys."""
        for title, explanation, run in self._commands():
            yield DiscoveryHit(escape(title), run, help=escape(explanation))

    async def search(self, query: str) -> Hits:
        """What fits the letters, in title or explanation."""
        matcher = self.matcher(query)
        for title, explanation, run in self._commands():
            score = max(matcher.match(title), matcher.match(explanation) / 2)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, text=title, help=escape(explanation))

    def _commands(self) -> Iterable[tuple[str, str, Callable[[], Awaitable[object]]]]:
        for action in sorted(actions(self.screen), key=lambda action: not action.is_shown):
            keys = " ".join(action.keys)
            yield action.title, f"{action.explanation} ({keys})", partial(self.app.run_action, action.call, action.node)
        for theme in THEMES:
            yield f"Theme {theme.name}", "Other colours", partial(self._change_theme, theme.name)

    async def _change_theme(self, name: str) -> None:
        self.app.theme = name


class PoolscopeApp(App[None]):
    """Opens on ``view``, or on the one that says most about the snapshot, limited to ``scope``."""

    CSS = """
    VirtualTable { height: 1fr; padding: 0 0 0 1; }
    VirtualTable > .table--heading { text-style: bold; color: $text-muted; }
    VirtualTable > .table--sorted { text-style: bold underline; }
    VirtualTable > .table--cursor { text-style: reverse bold; }
    VirtualTable > .table--blurred { text-style: underline; }
    VirtualTable > .table--changed { text-style: bold; color: $accent; }
    Toast { max-width: 90%; }
    SearchIcon { display: none; }
    CommandList:nocolor > .option-list--option-highlighted { text-style: bold underline; }
    """

    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionProvider}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", "Quit", show=False, id="app.quit", tooltip="Leave Poolscope"),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            id="app.suspend",
            tooltip="Leave Poolscope in the background, until the shell's fg (not on Windows)",
        ),
        Binding(
            "ctrl+p",
            "command_palette",
            "Palette",
            key_display="^p",
            id="app.palette",
            tooltip="Every action by name",
            priority=True,
        ),
    ]

    def __init__(
        self,
        snapshot: Snapshot,
        view: str = "",
        *,
        look: Look = FULL,
        scope: Query = EVERYTHING,
        naming: Naming | None = None,
        compared: Compared | None = None,
    ) -> None:
        """``naming``: finds names of functions aside. ``compared``: what changed since other traces."""
        without_colour = "NO_COLOR" in os.environ  # textual would send shades of grey
        super().__init__(ansi_color=True if without_colour else None)
        self._ascii = [AsciiFilter()] if look.ascii_only else []
        self.snapshot = snapshot
        self._view = view
        self._scope = scope
        self.naming = naming
        self._compared = compared
        signs = ("SIMULATED " if snapshot.info.simulated else "") + ("REDACTED " if is_redacted(snapshot) else "")
        self.title = f"poolscope: {signs}{safe(PurePath(snapshot.info.path).name)}"
        for known in THEMES:
            self.register_theme(known)
        self.set_reactive(PoolscopeApp.ansi_theme_light, LIGHT_SIXTEEN)
        self.theme = SIXTEEN if without_colour else look.theme

    def show(self) -> None:
        """Run until the user leaves; raises what the interface could not go on after."""
        self.run()
        if self._exception is not None:
            raise self._exception

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line goes through on its way to the terminal."""
        return [*super().get_line_filters(), *self._ascii]

    def get_key_display(self, binding: Binding) -> str:
        """A key as it is called on the screen."""
        shown = super().get_key_display(binding)
        return shown.translate(KEY_NAMES) if self._ascii else shown

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as an SVG picture that needs nothing else."""
        return self_contained(super().export_screenshot(title=title, simplify=simplify))

    def on_mount(self) -> None:
        """Show the first view."""
        self.push_screen(self.first_screen())
        if not self.is_headless and _has_terminal():
            self.set_interval(_TERMINAL_SECONDS, self._leave_without_terminal)

    def _leave_without_terminal(self) -> None:
        """Leave once the terminal is gone, if no signal told so: textual reads its end again and again, without end."""
        if not _has_terminal():
            self.exit()

    def first_screen(self) -> MainScreen:
        """The views of a snapshot; another app may give views that move."""
        return MainScreen(self.snapshot, self._view, self._scope, self.naming, self._compared)

    def _fatal_error(self) -> None:
        """Leave without textual's traceback: the command line tells a fault in its own way."""
        self._close_messages_no_wait()


async def screenshot(
    snapshot: Snapshot,
    size: tuple[int, int],
    keys: Sequence[str],
    view: str = "",
    *,
    look: Look = FULL,
    scope: Query = EVERYTHING,
    naming: Naming | None = None,
    compared: Compared | None = None,
) -> str:
    """The interface as an SVG picture of ``size`` (columns, rows) after some keys, drawn without a terminal.

    It is drawn when all names that it asks for have been looked for.
    """
    app = PoolscopeApp(snapshot, view, look=look, scope=scope, naming=naming, compared=compared)
    async with app.run_test(size=size) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        while naming is not None and naming.is_due:
            await asyncio.sleep(_NAMES_SECONDS)
            await pilot.pause()
        return app.export_screenshot(title=app.title)
