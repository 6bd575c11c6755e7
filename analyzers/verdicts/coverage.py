"""What kinds of evidence a trace holds, and what is missing: every conclusion is only as good as that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzers.requests.tables import RequestSnapshot
from analyzers.snapshot import PoolSnapshot, PoolTotals
from tracer.events.thread import CONTEXT_SWITCH
from tracer.trace import Census, Loss, TraceInfo

_FEW_STACKS: Final = 0.5
"""Share of outstanding allocations with a stack below which a trace counts as one without stacks."""
_WRAPPED_SHARE: Final = 0.2
"""Share of frees without their allocation from which a trace shows only the end of a longer story."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which evidence is there.

    ``lost``: share of events that were lost, 0 for none. ``complete_from_ns``: from when on the events of all CPUs are
    there (:class:`tracer.trace.Loss`).
    """

    stacks: bool
    context_switches: bool
    requests: bool
    sockets: bool
    wrapped: bool
    lost: float
    complete_from_ns: int = 0


def coverage(info: TraceInfo, census: Census, loss: Loss, pool: PoolSnapshot, requests: RequestSnapshot) -> Coverage:
    """What the trace holds, from its counts."""
    rows = pool.outstanding.site
    stacks = float(np.mean(pool.sites.stack[rows] >= 0)) if len(rows) else 1.0
    totals = pool.totals
    return Coverage(
        stacks=stacks >= _FEW_STACKS,
        context_switches=bool(census.kernel_events.get(CONTEXT_SWITCH, 0)),
        requests=requests.seen_irp,
        sockets=requests.seen_afd,
        wrapped=loss.complete_from_ns > 0
        or ("circular" in info.mode and totals.frees_without_allocation > _WRAPPED_SHARE * max(totals.frees, 1)),
        lost=lost_share(info, census, loss, totals),
        complete_from_ns=loss.complete_from_ns,
    )


def lost_share(info: TraceInfo, census: Census, loss: Loss, totals: PoolTotals) -> float:
    """The largest of what the counters, missing buffers and replaced allocations say; 0.0 to 1.0.

    In a file that was overwritten allocations are replaced because the free was in a buffer that is gone: that says
    nothing of the time from which on all are there.
    """
    by_counter = loss.events_lost / max(loss.events_lost + census.total, 1)
    by_buffers = loss.buffers_lost / max(loss.buffers_lost + info.buffers, 1)
    holes = sum(gap.buffers for gap in loss.gaps)
    by_holes = holes / max(holes + info.buffers, 1)
    replaced = 0 if loss.complete_from_ns else totals.replaced_without_free
    by_replaced = replaced / max(totals.frees + replaced, 1)
    return min(max(by_counter, by_buffers, by_holes, by_replaced), 1.0)
