"""How many frees the trace may have lost: what is outstanding only for that reason must not be accused.

A lost free leaves a survivor behind wherever pool is used, at the rate of the loss. Three things tell
that rate: the session's own counters, allocations made on an address whose free was not seen, and the survivors of all
the other groups. A leak stands out from them.

An allocation whose free was lost need not stay a survivor: where its address is handed out again it shows as replaced.
A leaked one is never replaced. So a group's survivors and replaced ones together are as many as its lost frees.
"""

from __future__ import annotations

from math import sqrt

from analyzers.policy import LOSS
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class LossRate:
    """``reported``: share of events that the session says it lost, or that replaced allocations show; 0 for none.

    ``kept``: by other group, the share of its allocations that survive.
    """

    reported: float
    kept: tuple[float, ...] = ()

    def explained(self, allocations: int, unmatched: float | None = None) -> float:
        """Survivors that the loss may explain among so many allocations.

        ``unmatched``: frees of the same kind without their allocation, where that is known. A session loses allocations
        as often as frees, and some of these were allocated before the trace: no more frees were lost than that.
        """
        if not self.reported:
            return 0.0
        share = LOSS.margin * self.reported
        if len(self.kept) >= LOSS.fewest_groups:
            from statistics import median  # brings fractions and random numbers

            share = min(share, LOSS.measured_margin * median(self.kept))
        expected = share * allocations if unmatched is None else min(share * allocations, unmatched)
        return expected + LOSS.sigmas * sqrt(expected + 1)

    def hardly(self, allocations: int, unmatched: float, replaced: int) -> float:
        """Survivors beyond which the loss is not the likely explanation, although it is a possible one.

        ``replaced``: allocations of the kind that were replaced without a free. Lost allocations (unmatched frees) and
        lost frees each vary by chance, so that their difference does so by both.
        """
        expected = min(LOSS.margin * self.reported * allocations, unmatched)
        return expected + LOSS.few_sigmas * sqrt(2 * expected + 1) - replaced
