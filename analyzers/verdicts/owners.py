"""Which process, thread and stack stand out among some allocations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from analyzers.factorize import coded, most_often
from analyzers.policy import PARTS
from analyzers.pool_tables import Outstanding, SiteTable
from analyzers.processes import KnowsLives, lives_at
from tracer.arrays import F64, I32, I64, Mask, Rows
from tracer.columns import UNKNOWN_ID, Who
from tracer.data_classes import dataclass

_NOBODY: Final = (0, UNKNOWN_ID)
"""The idle thread is on the CPU when an interrupt comes: what is allocated then is nobody's."""


@dataclass(frozen=True, slots=True)
class Known:
    """For how many allocations something is known, and for how many of these only by context switches."""

    count: int = 0
    switched: int = 0

    @property
    def inferred(self) -> bool:
        """Whether it is inferred for all of them: no event of their own tells it."""
        return self.switched == self.count > 0

    @property
    def partly(self) -> bool:
        """Whether so many are inferred that the others would not stand out."""
        return (1 - PARTS.stands_out) * self.count < self.switched < self.count


@dataclass(frozen=True, slots=True)
class Owners:
    """``process``, ``thread``: ``None`` where none stands out; shares are of allocations. ``name``: of the process.

    ``stack``, ``user_stack``: the kernel-mode and the user-mode stack that most of those have which have one, -1 for
    none. ``on_thread``, ``in_process``: how many are the thread's and the process'.
    """

    process: int | None
    process_share: float
    thread: int | None
    thread_share: float
    stack: int
    user_stack: int = -1
    on_thread: Known = Known()
    in_process: Known = Known()
    name: str = ""


def owners(groups: Sequence[Rows], outstanding: Outstanding, sites: SiteTable, names: KnowsLives) -> list[Owners]:
    """Of each of several groups of rows of the outstanding table, at least one row in each."""
    if not groups:
        return []
    rows, lengths = np.concatenate(groups), np.array([len(each) for each in groups])
    group = np.repeat(np.arange(len(groups)), lengths)
    lives, life = lives_at(names, outstanding.process[rows], outstanding.time_ns[rows])
    best, count = most_often(group, life)
    process_share = count / lengths
    process = np.array([lives[row].id for row in best.tolist()], np.int64)
    thread, count = most_often(group, outstanding.thread[rows])
    thread_share = count / lengths
    switched = outstanding.who[rows] == Who.CONTEXT_SWITCH
    columns = (
        *(_standing_out(process, process_share), process_share.tolist()),
        *(_standing_out(thread, thread_share), thread_share.tolist()),
        _usual(group, sites.stack[outstanding.site[rows]], len(groups)),
        _usual(group, outstanding.user_stack[rows], len(groups)),
        _known(group, outstanding.thread[rows] == thread[group], switched, len(groups)),
        _known(group, life == best[group], switched, len(groups)),
        [lives[row].name for row in best.tolist()],
    )
    return [Owners(*each) for each in zip(*columns, strict=True)]


def _usual(group: I64, stacks: I32, groups: int) -> list[int]:
    """By group: the stack that most of those have which have one; a session may walk few of them."""
    usual = np.full(groups, -1, np.int64)
    walked = np.flatnonzero(stacks >= 0)
    if len(walked):
        usual[coded(group[walked])[0]], _ = most_often(group[walked], stacks[walked])
    found: list[int] = usual.tolist()
    return found


def _known(group: I64, its: Mask, switched: Mask, groups: int) -> list[Known]:
    """By group: of how many allocations something holds, and of how many of these a context switch tells it."""
    count, by_switch = np.bincount(group[its], minlength=groups), np.bincount(group[its & switched], minlength=groups)
    return [Known(*each) for each in zip(count.tolist(), by_switch.tolist(), strict=True)]


def _standing_out(best: I64, share: F64) -> list[int | None]:
    known = (share >= PARTS.stands_out) & ~np.isin(best, _NOBODY)
    return [each if stands else None for each, stands in zip(best.tolist(), known.tolist(), strict=True)]
