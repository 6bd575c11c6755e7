"""The interface on a trace that is followed."""

from __future__ import annotations

from collections.abc import Sequence

from tui.app import PoolscopeApp
from tui.live.follower import Follower
from tui.live.screen import LiveScreen
from tui.look import FULL, Look
from tui.safe_text import safe


class LiveApp(PoolscopeApp):
    """Opens on the tags, where growth is seen first."""

    def __init__(
        self,
        follower: Follower,
        view: str = "tags",
        *,
        words: str = "",
        notes: Sequence[str] = (),
        look: Look = FULL,
    ) -> None:
        """``words``: a filter to begin with. ``notes``: what to say first."""
        super().__init__(follower.first(), view, look=look)
        self._follower = follower
        self._words = words
        self._notes = notes

    def first_screen(self) -> LiveScreen:
        """Views that move."""
        return LiveScreen(self.snapshot, self._view, self._follower, words=self._words)

    def on_mount(self) -> None:
        """Say what was not to be had."""
        for note in self._notes:
            self.notify(safe(note), severity="warning", markup=False)
