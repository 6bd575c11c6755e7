"""Groups made of allocations by chance, judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.findings import Verdict
from analyzers.pool_tables import Outstanding
from analyzers.trends.bins import BINS
from analyzers.trends.history import STEPS, GroupHistory
from analyzers.verdicts.birth_pattern import Span
from analyzers.verdicts.groups import Group
from analyzers.verdicts.judgement import Judgement, judge_all
from tests.analyzers.verdicts.lives import Lives

SIZE = 64


def outstanding_at(births: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Outstanding:
    """Allocations of one size, made at these times by one thread of one process, all at site 0."""
    count = len(births)
    return Outstanding(
        address=np.arange(count, dtype=np.uint64) * np.uint64(0x100) + np.uint64(0xFFFF_8000_0000_0000),
        size=np.full(count, SIZE, np.uint64),
        time_ns=births,
        type=np.zeros(count, np.uint32),
        thread=np.full(count, 8, np.uint32),
        process=np.full(count, 4, np.uint32),
        cpu=np.zeros(count, np.uint16),
        who=np.ones(count, np.uint8),
        site=np.zeros(count, np.int32),
        user_stack=np.full(count, -1, np.int32),
        offset=np.arange(count, dtype=np.int64),
    )


def history_of(lives: Lives) -> GroupHistory:
    """What the ledger would have noted of them."""
    made, step = lives.steps()
    freed_at = lives.freed[(lives.freed < lives.length) & (lives.made < lives.length)].astype(np.int64)
    freed = np.bincount(freed_at // step, minlength=STEPS)[:STEPS].astype(np.int64)
    used = min(int(lives.length // step) + 1, STEPS)
    stays = np.bincount(lives.births() // step, minlength=used)[:used]
    change = ((made - freed) * SIZE)[:used]
    return GroupHistory(made[:used], freed[:used], change, stays, stays * SIZE, lives.lifetimes(), step)


def group_of(
    lives: Lives,
    *,
    siblings: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None,
    unmatched: float = 1e9,
    replaced: int = 0,
    older: Sequence[float] = (),
) -> Group:
    """The group of all of them; as many ``unmatched`` as may be, so that they limit nothing.

    ``older``: times at which blocks from before the trace are freed.
    """
    history = history_of(lives)
    used = len(history.allocations)
    unmatched_steps = np.array(older, np.int64) // history.step_ns
    return Group(
        tag_row=0,
        tag=0x74736554,
        paged=False,
        driver="test.sys",
        sites=np.zeros(1, np.intp),
        rows=np.arange(len(lives.births())),
        allocations=int(history.allocations.sum()),
        frees=int(history.frees.sum()),
        replaced=replaced,
        unmatched=unmatched,
        unmatched_by_step=np.bincount(unmatched_steps, minlength=used)[:used].astype(np.float64),
        history=history,
        siblings=history.lifetimes if siblings is None else siblings,
        parts=np.zeros(1, np.intp),
    )


def judged(lives: Lives, *, reported: float = 0.0, older: Sequence[float] = ()) -> Judgement:
    """The judgement of one group alone."""
    outstanding = outstanding_at(lives.births())
    return judge_all([group_of(lives, older=older)], outstanding, Span(0, int(lives.length)), reported)[0]


def is_accused(lives: Lives) -> bool:
    """Whether it is called a leak."""
    return judged(lives).verdict in {Verdict.MISSING_FREE, Verdict.GROWTH}


NO_LIFETIMES = np.zeros(BINS, np.int64)
