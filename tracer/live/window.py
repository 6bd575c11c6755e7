"""The reorder window: how long an event waits for earlier ones that are still on their way.

A session hands over a buffer when it is full or a second old, so that what one CPU logged may come a second after
what another logged later. An event goes out when something at least as late has been there for longer than that.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

REORDER_SECONDS: Final = 1.5
"""The sessions' flush timer of one second, and half of one for the way."""
_MARKS_A_SECOND: Final = 20
NOTHING: Final = -(1 << 63)
"""A raw time before all others."""


class ReorderWindow:
    """Remembers which raw time had been seen when, twenty times a second at most."""

    def __init__(self, clock: Callable[[], float], seconds: float = REORDER_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._marks: deque[tuple[float, int]] = deque()
        self._marked = (-math.inf, NOTHING)
        self._passed = NOTHING
        self.newest = NOTHING

    def saw(self, newest: int) -> None:
        """Records up to this raw time have come."""
        self.newest = max(self.newest, newest)
        self._mark()

    def horizon(self) -> int:
        """Raw time before which events may go out now; never less than the time before. :data:`NOTHING` for none."""
        self._mark()
        now = self._clock()
        while self._marks and now - self._marks[0][0] >= self._seconds:
            self._passed = self._marks.popleft()[1] + 1
        return self._passed

    def give_up(self) -> int:
        """Wait no longer for what is on its way: the horizon is behind everything seen."""
        self._marks.clear()
        self._passed = max(self._passed, self.newest + 1)
        return self._passed

    def _mark(self) -> None:
        now = self._clock()
        if self.newest > self._marked[1] and now - self._marked[0] >= 1 / _MARKS_A_SECOND:
            self._marked = (now, self.newest)
            self._marks.append(self._marked)
