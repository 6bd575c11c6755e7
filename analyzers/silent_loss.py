"""Loss that no counter, flag or sequence number tells, inferred from allocations and frees that do not match.

Nobody gets memory at an address where a block still lies. So each allocation that replaces another shows that a free
is missing. Session pool is no such proof: every session maps its own at the same addresses (Windows Internals, part 1,
"Session space"), and its events need not say which session it is. A trace that loses frees loses allocations as often:
their frees then come without one. Those near the start are of blocks from before the trace; in its second half few
should be, so they bear out what the replaced allocations say, and how much.
"""

from __future__ import annotations

from analyzers.policy import LOSS
from analyzers.pool_tables import PoolSnapshot
from tracer.trace import InferredLoss


def inferred_loss(
    pool: PoolSnapshot, replaced_in_session: int, reported: float, *, corrected: bool = False
) -> InferredLoss | None:
    """What is missing although nothing says so, ``None`` where the matches show no such loss.

    ``replaced_in_session``: how many of the replaced allocations are session pool. ``reported``: share of events the
    session itself says are missing. ``corrected``: clocks that differ between CPUs were put right, by what is known of
    the difference at least.
    """
    totals, history = pool.totals, pool.history
    replaced = totals.replaced_without_free - replaced_in_session
    by_replaced = replaced / max(totals.matched + totals.replaced_without_free, 1)
    if replaced < LOSS.fewest_replaced or by_replaced < (LOSS.left_by_clocks if corrected else LOSS.least_replaced):
        return None
    late = slice(history.used // 2, history.used)
    unmatched, ended = int(history.unmatched[:, late].sum()), int(history.frees[:, late].sum())
    share = max(by_replaced, min(unmatched / max(ended, 1), LOSS.by_unmatched * by_replaced))
    if share <= LOSS.beyond_reported * reported:
        return None
    share = min(share, LOSS.most)
    events = round((totals.allocations + totals.frees) * share / (1 - share))
    return InferredLoss(events, share, replaced, totals.frees_without_allocation)
