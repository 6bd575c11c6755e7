"""Watches what the sessions say they lost, and places it between two looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tracer.live.following import LiveReading
from tracer.live.session import Losses
from tracer.live.starting import Sessions

LOSS_SECONDS: Final = 1.0
"""How often the sessions are asked."""


class LossWatch:
    """Asks the sessions now and then; a counter that grew becomes a gap since the look before."""

    def __init__(self, sessions: Sessions, clock: Callable[[], float]) -> None:
        self._sessions = sessions
        self._clock = clock
        self._asked = clock()
        self._known = Losses()
        self._newest = 0

    def ask(self, reading: LiveReading) -> None:
        """Ask, if it is time."""
        if self._clock() - self._asked >= LOSS_SECONDS:
            self._asked = self._clock()
            self._sessions.poll()
            self.settle(reading)

    def settle(self, reading: LiveReading) -> None:
        """Place what was told last."""
        losses = self._sessions.losses
        if losses.events > self._known.events or losses.buffers > self._known.buffers:
            reading.lost_by_session(self._newest)
        self._known = losses
        self._newest = reading.newest
