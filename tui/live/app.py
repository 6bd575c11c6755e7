"""The interface on a trace that is followed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tui.app import PoolscopeApp
from tui.live.follower import Follower
from tui.live.screen import LiveScreen
from tui.look import FULL, Look
from tui.naming import Naming
from tui.safe_text import safe

_LOOK_SECONDS: Final = 1.0
"""How often it is seen whether there is something more to say."""


class LiveApp(PoolscopeApp):
    """Opens on the tags, where growth is seen first."""

    def __init__(
        self,
        follower: Follower,
        view: str = "tags",
        *,
        words: str = "",
        notes: Callable[[], Sequence[str]] = tuple,
        look: Look = FULL,
        naming: Naming | None = None,
    ) -> None:
        """``words``: a filter to begin with. ``notes``: what to say, which only grows."""
        super().__init__(follower.first(), view, look=look, naming=naming)
        self._follower = follower
        self._words = words
        self._notes = notes
        self._said = 0

    def first_screen(self) -> LiveScreen:
        """Views that move."""
        return LiveScreen(self.snapshot, self._view, self._follower, words=self._words, naming=self.naming)

    def on_mount(self) -> None:
        """Say what was not to be had, and what is seen later not to be."""
        self._say_notes()
        self.set_interval(_LOOK_SECONDS, self._say_notes)

    def _say_notes(self) -> None:
        notes = self._notes()
        for note in notes[self._said :]:
            self.notify(safe(note), severity="warning", markup=False)
        self._said = len(notes)
