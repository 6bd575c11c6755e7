"""The command palette: every action of the view that one looks at, every view, every theme."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.markup import escape

from tui.screens.actions import actions
from tui.themes import THEMES


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
