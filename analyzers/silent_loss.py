"""Loss that no counter, flag or sequence number tells, inferred from allocations and frees that do not match.

Nobody gets memory at an address where a block still lies. So each allocation that replaces another shows that a free
is missing, between the two. Session pool is no such proof: every session maps its own at the same addresses (Windows
Internals, part 1, "Session space"), and its events need not say which session it is. A trace that loses frees loses
allocations as often: their frees then come without one. Those near the start are of blocks from before the trace; in
its second half few should be, so they bear out what the replaced allocations say, and how much.
"""

from __future__ import annotations

from analyzers.policy import LOSS
from analyzers.pool_tables import PoolSnapshot
from tracer.arrays import Structured
from tracer.trace import Gap, InferredLoss


def inferred_loss(pool: PoolSnapshot, reported: float, *, corrected: bool = False) -> InferredLoss | None:
    """What is missing although nothing says so, ``None`` where the matches show no such loss.

    ``reported``: share of events the session itself says are missing. ``corrected``: clocks that differ between CPUs
    were put right, by what is known of the difference at least.
    """
    totals, history, signs = pool.totals, pool.history, pool.signs
    if signs is None:
        return None
    replaced = totals.replaced_without_free - signs.in_session
    by_replaced = replaced / max(totals.matched + totals.replaced_without_free, 1)
    fewest, least = (LOSS.fewest_by_clocks, LOSS.left_by_clocks) if corrected else (1, 0.0)
    if replaced < fewest or by_replaced < least:
        return None
    late = slice(history.used // 2, history.used)
    unmatched, ended = int(history.unmatched[:, late].sum()), int(history.frees[:, late].sum())
    share = max(by_replaced, min(unmatched / max(ended, 1), LOSS.by_unmatched * by_replaced))
    if share <= LOSS.beyond_reported * reported:
        return None
    share = min(share, LOSS.most)
    events = max(round((totals.allocations + totals.frees) * share / (1 - share)), replaced)
    return InferredLoss(events, share, replaced, totals.frees_without_allocation, _gaps(signs.lost_frees))


def _gaps(lost: Structured) -> tuple[Gap, ...]:
    """When frees are missing, in time order: what overlaps is one gap. A free may come on any CPU."""
    gaps: list[Gap] = []
    for begin, end in sorted(zip(lost["from"].tolist(), lost["to"].tolist(), strict=True)):
        if gaps and begin <= gaps[-1].to_ns:
            gaps[-1] = Gap(gaps[-1].from_ns, max(end, gaps[-1].to_ns), -1, "free-lost")
        else:
            gaps.append(Gap(begin, end, -1, "free-lost"))
    return tuple(gaps)
