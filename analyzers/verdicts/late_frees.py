"""Groups that grew until a drain began and were freed in it: what looked like a leak were late frees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analyzers.drain import Drain, late_words, was_freed_late
from analyzers.findings import Cleared, Verdict
from analyzers.pool_tables import PoolSnapshot
from analyzers.verdicts.judgement import Judgement


def with_late_frees(cleared: Sequence[Judgement], drain: Drain | None) -> list[Judgement]:
    """The cleared groups; for those that were mostly freed in the drain, the reason says so."""
    return [each if drain is None else _told(each, drain) for each in cleared]


def _told(judgement: Judgement, drain: Drain) -> Judgement:
    history = judgement.group.history
    if not was_freed_late(history.allocations, history.frees, history.drained):
        return judgement
    there = int((history.allocations - history.frees).sum())
    return replace(judgement, verdict=Verdict.TRANSIENT, why=late_words(there, history.drained, drain))


def freed_late(pool: PoolSnapshot, drain: Drain | None) -> tuple[Cleared, ...]:
    """Places in the code that grew until the drain began, and of which nothing is left."""
    sites = pool.sites
    rows = np.flatnonzero(sites.allocations > 0)
    if drain is None or not len(rows):
        return ()
    rows = rows[np.lexsort((sites.frame[rows], sites.tag_row[rows]))]
    new = (np.diff(sites.tag_row[rows], prepend=-1) != 0) | (
        np.diff(sites.frame[rows], prepend=sites.frame[rows[:1]]) != 0
    )
    first = np.flatnonzero(new)
    left = np.add.reduceat(sites.outstanding_count[rows], first)
    found = []
    for history, row, stay in zip(pool.history.by_group(rows, first, 0, drain.from_ns), rows[first], left, strict=True):
        if stay or not was_freed_late(history.allocations, history.frees, history.drained):
            continue
        tag_row, there = sites.tag_row[row], int((history.allocations - history.frees).sum())
        found.append(
            Cleared(
                int(pool.tags.tag[tag_row]), bool(pool.tags.paged[tag_row]), sites.driver[row], Verdict.TRANSIENT, 0, 0,
                late_words(there, history.drained, drain),
            )
        )  # fmt: skip
    return tuple(found)
