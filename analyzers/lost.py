"""How many frees the trace may have lost: what looks outstanding because of that must not be accused.

A lost free leaves a survivor behind wherever pool is used, at the rate of the loss. Three things tell
that rate: the session's own counters, allocations made on an address whose free was not seen, and the survivors of all
the other groups. A leak stands out from them.

An allocation whose free was lost need not stay a survivor: where its address is handed out again it shows as replaced.
A leaked one is never replaced. So a group's survivors and replaced ones together are as many as its lost frees.
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
_FEW_SIGMAS: Final = 2.0
"""By so many it may be accused with little confidence."""
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

    def hardly(self, allocations: int, strays: float, replaced: int) -> float:
        """Survivors beyond which the loss is not the likely explanation, although it is a possible one.

        ``replaced``: allocations of the kind that were replaced without a free. Lost allocations (the strays) and lost
        frees each vary by chance, so that their difference does so by both.
        """
        expected = min(_MARGIN * self.told * allocations, strays)
        return expected + _FEW_SIGMAS * sqrt(2 * expected + 1) - replaced
