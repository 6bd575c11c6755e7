"""How many frees the trace may have lost: what is outstanding only for that reason must not be accused.

A lost free leaves a survivor behind wherever pool is used, at the rate of the loss. Three things tell
that rate: the session's own counters, allocations made on an address whose free was not seen, and the survivors of all
the other groups. A leak stands out from them.

An allocation whose free was lost need not stay a survivor: where its address is handed out again it shows as replaced.
A leaked one is never replaced. So a group's survivors and replaced ones together are as many as its lost frees.

An address that is handed out again was freed before. So of those that are, the replaced ones are the share of frees
that are missing, whichever they are, as long as a free is lost whatever becomes of its address.
"""

from __future__ import annotations

from math import sqrt

from analyzers.policy import LOSS
from analyzers.pool_tables import PoolSnapshot
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

    def possible(self, allocations: int, replaced: int) -> float:
        """Survivors that are no surprise, where frees alone may be lost too, and whatever other groups keep.

        ``replaced``: allocations of the kind that were replaced without a free: so many of the lost frees left no
        survivor.
        """
        if not self.reported:
            return 0.0
        expected = LOSS.measured_margin * self.reported * allocations
        return max(expected + LOSS.few_sigmas * sqrt(expected + 1) - replaced, 0.0)

    def unmatched(self, frees: int) -> float:
        """Frees without their allocation that are no surprise among so many frees: it was lost."""
        expected = self.reported * frees
        return expected + LOSS.few_sigmas * sqrt(expected + 1) if expected else 0.0

    def hardly(self, allocations: int, unmatched: float, replaced: int) -> float:
        """Survivors beyond which the loss is not the likely explanation, although it is a possible one.

        ``replaced``: allocations of the kind that were replaced without a free. Lost allocations (unmatched frees) and
        lost frees each vary by chance, so that their difference does so by both.
        """
        expected = min(LOSS.margin * self.reported * allocations, unmatched)
        return expected + LOSS.few_sigmas * sqrt(2 * expected + 1) - replaced


@dataclass(frozen=True, slots=True)
class Share:
    """A share, 0 to 1: as counted, and the ends of its interval."""

    likely: float
    low: float
    high: float


def share_of(count: float, of: float, sigmas: float, in_a_row: float) -> Share:
    """Wilson's score interval, for what comes so many in a row; 0 to 1 where nothing was counted."""
    if of <= 0:
        return Share(0.0, 0.0, 1.0)
    seen, likely = of / in_a_row, count / of
    spread = sigmas**2 / seen
    middle = likely + spread / 2
    side = sigmas * sqrt(likely * (1 - likely) / seen + spread / seen / 4)
    low, high = ((middle + sign * side) / (1 + spread) for sign in (-1, 1))
    return Share(likely, min(max(low, 0.0), likely), min(max(high, likely), 1.0))


def lost_frees(pool: PoolSnapshot) -> Share:
    """Share of the frees that is missing, by the addresses that were handed out again."""
    replaced, again = replaced_and_again(pool)
    return share_of(replaced, replaced + again, LOSS.interval_sigmas, LOSS.in_a_row)


def replaced_share(pool: PoolSnapshot) -> float:
    """Share of the frees that is missing, as replaced allocations show it at least; 0 where there are none.

    Not each address whose free was lost is handed out again: where many are, these tell the share of all.
    """
    totals = pool.totals
    replaced, again = replaced_and_again(pool)
    share = totals.replaced_without_free / max(totals.frees + totals.replaced_without_free, 1)
    return max(share, replaced / (replaced + again)) if again >= LOSS.fewest_again else share


def without_sign(pool: PoolSnapshot, allocations: int, kept: int) -> int:
    """Survivors among so many allocations, of which ``kept`` are outstanding, that a loss without any sign may explain.

    One that is not small would show: in addresses that are handed out again, and in what other groups keep.
    """
    replaced, again = replaced_and_again(pool)
    totals = pool.totals
    stay, made = totals.outstanding_count - kept + replaced, totals.matched + totals.outstanding_count - allocations
    shares = (
        share_of(count, of, LOSS.unseen_sigmas, 1).high for count, of in ((replaced, again + replaced), (stay, made))
    )
    expected = min(*shares, LOSS.unseen) * allocations
    return int(expected + LOSS.unseen_sigmas * sqrt(expected))


def replaced_and_again(pool: PoolSnapshot) -> tuple[int, float]:
    """Addresses handed out again although no free was seen, and after their free, about."""
    totals, signs = pool.totals, pool.signs
    if signs is None:
        return 0, 0.0
    replaced = max(totals.replaced_without_free - signs.in_session, 0)
    return replaced, max(totals.allocations - signs.addresses - totals.replaced_without_free, 0.0)
