"""How much happens per second of trace time."""

from __future__ import annotations

from collections import deque
from typing import Final

from tracer.data_classes import dataclass

_SECOND: Final = 1_000_000_000
_SAMPLES: Final = 5
"""Rates are over the last four refreshes: about two seconds, so that they can be read."""
_LEAST_NS: Final = 1_000_000
"""Over less time, what happens to lie in it says nothing: a trace's first events come at once."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Events, bytes of the trace, and growth of outstanding pool bytes, each per second."""

    events: float = 0.0
    bytes: float = 0.0
    growth: float = 0.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted up to a moment."""

    at_ns: int = 0
    events: int = 0
    bytes: int = 0
    outstanding: int = 0

    def since(self, before: Counts) -> Rates:
        """The rates between two moments; none where hardly any time lies between them."""
        if self.at_ns - before.at_ns < _LEAST_NS:
            return Rates()
        seconds = (self.at_ns - before.at_ns) / _SECOND
        return Rates(
            (self.events - before.events) / seconds,
            (self.bytes - before.bytes) / seconds,
            (self.outstanding - before.outstanding) / seconds,
        )


class RateMeter:
    """Keeps the last few counts."""

    def __init__(self) -> None:
        self._counts: deque[Counts] = deque((Counts(),), maxlen=_SAMPLES)

    def take(self, counts: Counts) -> Rates:
        """The rates up to now."""
        self._counts.append(counts)
        return counts.since(self._counts[0])
