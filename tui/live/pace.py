"""How fast a replay goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], float]

_SECOND = 1_000_000_000


@dataclass
class Pace:
    """Trace time against the clock: ``speed`` times as fast, as fast as it goes for ``None``."""

    speed: float | None = 1.0
    clock: Clock = time.monotonic
    _began: float = field(init=False, default=0.0)

    def begin(self) -> None:
        """The trace's time 0 is now."""
        self._began = self.clock()

    def go_on_from(self, time_ns: int) -> None:
        """That time of the trace is now."""
        self._began = self.clock() - (0.0 if self.speed is None else time_ns / _SECOND / self.speed)

    def wait_for(self, time_ns: int) -> float:
        """Seconds until a moment of the trace has come; not positive when it has."""
        return 0.0 if self.speed is None else self._began + time_ns / _SECOND / self.speed - self.clock()

    def now(self, known_ns: int, next_ns: int) -> int:
        """The trace's time: between what was read last and what comes next."""
        return (
            known_ns
            if self.speed is None
            else max(known_ns, next_ns - round(self.wait_for(next_ns) * self.speed * _SECOND))
        )

    def __str__(self) -> str:
        return "xMAX" if self.speed is None else f"x{self.speed:g}"
