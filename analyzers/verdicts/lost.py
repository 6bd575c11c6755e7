"""How many frees the trace may have lost: what looks outstanding because of that must not be accused.

A lost free leaves a survivor behind wherever pool is used, at the rate of the loss. Three things tell
that rate: the session's own counters, allocations made on an address whose free was not seen, and the survivors of all
the other groups. A leak stands out from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Final

_MARGIN: Final = 1.5
"""A rate told by counters is that of all events; pool events may be lost half as often again."""
_MEASURED_MARGIN: Final = 1.15
"""The rate at which other groups keep survivors is measured on pool events themselves."""
_SIGMAS: Final = 4.0
"""Standard deviations by which a group must stand out: among ten thousand groups none does so by chance."""
_FEWEST_GROUPS: Final = 3
TELLING_ALLOCATIONS: Final = 50
"""A group that allocated less says nothing about the loss."""


@dataclass(frozen=True, slots=True)
class LossRate:
    """``told``: share of events that the session says it lost, or that replaced allocations show; 0 for none.

    ``kept``: by other group, the share of its allocations that survive.
    """

    told: float
    kept: tuple[float, ...] = ()

    def explained(self, allocations: int, strays: float | None = None) -> float:
        """Survivors that the loss may explain among so many allocations.

        ``strays``: frees of the same kind without their allocation, where that is known. A session loses allocations
        as often as frees, and some of these were allocated before the trace: no more frees were lost than that.
        """
        if not self.told:
            return 0.0
        share = _MARGIN * self.told
        if len(self.kept) >= _FEWEST_GROUPS:
            share = min(share, _MEASURED_MARGIN * median(self.kept))
        expected = share * allocations if strays is None else min(share * allocations, strays)
        return expected + _SIGMAS * sqrt(expected + 1)
