"""The interface on a trace that is followed."""

from __future__ import annotations

from tui.app import PoolscopeApp
from tui.live.follower import Follower
from tui.live.screen import LiveScreen


class LiveApp(PoolscopeApp):
    """Opens on the tags, where growth is seen first."""

    def __init__(self, follower: Follower, view: str = "tags") -> None:
        super().__init__(follower.first(), view)
        self._follower = follower

    def first_screen(self) -> LiveScreen:
        """Views that move."""
        return LiveScreen(self.snapshot, self._view, self._follower)
