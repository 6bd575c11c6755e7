"""Tags of which only memory from before the trace was freed, and whether the pool's counters bear that out."""

from __future__ import annotations

import numpy as np

from analyzers.findings import Cleared, Verdict
from analyzers.formatting import agreeing, counted
from analyzers.pool_tables import PoolSnapshot
from analyzers.verdicts.groups import unmatched_of_tags
from tracer.live.counters import PoolCounters


def before_trace(pool: PoolSnapshot, baseline: PoolCounters | None) -> tuple[Cleared, ...]:
    """The cleared tags that have frees without allocation and nothing outstanding.

    ``baseline``: the counters when the events began. With it, more frees than there were allocations then cannot all be
    of memory from before: allocations went unseen, and the verdict is *unknown*. Without it, all count as *pre-trace*.
    """
    tags, unmatched = pool.tags, unmatched_of_tags(pool)
    before = None if baseline is None else baseline.taken("count", baseline.rows_of(tags.tag, tags.paged))
    return tuple(
        _cleared(pool, row, int(unmatched[row]), None if before is None else int(before[row]))
        for row in np.flatnonzero((unmatched > 0) & (tags.outstanding_count == 0)).tolist()
    )


def _cleared(pool: PoolSnapshot, row: int, unmatched: int, before: int | None) -> Cleared:
    tags, verdict = pool.tags, Verdict.PRE_TRACE
    if before is None:
        why = f"{counted(unmatched, 'block was', 'blocks were')} freed whose allocation is not in the trace"
    elif unmatched <= before:
        freed = counted(unmatched, "block was", "blocks were")
        why = f"{freed} freed, of {before:,} that {agreeing(before, 'was', 'were')} there when the trace began"
    else:
        verdict = Verdict.UNKNOWN
        why = (
            f"{counted(unmatched, 'block was', 'blocks were')} freed whose allocation is not in the trace, though only"
            f" {before:,} {agreeing(before, 'was', 'were')} there when it began (Windows does not count session pool)"
        )
    return Cleared(int(tags.tag[row]), bool(tags.paged[row]), tags.driver[row], verdict, 0, 0, why)
