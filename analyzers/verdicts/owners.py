"""Which process, thread and stack stand out among some allocations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analyzers.pool_tables import Outstanding, SiteTable
from tracer.columns import UNKNOWN_ID, Who

I64 = npt.NDArray[np.int64]

_STANDS_OUT: Final = 0.8
"""Share of the allocations that makes a process or a thread the one."""
_NOBODY: Final = (0, UNKNOWN_ID)
"""The idle thread is on the CPU when an interrupt comes: what is allocated then is nobody's."""


@dataclass(frozen=True, slots=True)
class Owners:
    """``process``, ``thread``: ``None`` where none stands out; shares are of allocations. ``stack``: -1 for none.

    ``inferred``: most of the threads are known by context switches only. ``user_stack``: the user-mode stack that most
    of those have which have one, -1 for none.
    """

    process: int | None
    process_share: float
    thread: int | None
    thread_share: float
    stack: int
    inferred: bool
    user_stack: int = -1


def owners(groups: Sequence[npt.NDArray[np.intp]], outstanding: Outstanding, sites: SiteTable) -> list[Owners]:
    """Of each of several groups of rows of the outstanding table, at least one row in each."""
    if not groups:
        return []
    rows, lengths = np.concatenate(groups), np.array([len(each) for each in groups])
    group = np.repeat(np.arange(len(groups)), lengths)
    by_switch = np.bincount(group, outstanding.who[rows] == Who.CONTEXT_SWITCH, len(groups)) / lengths
    site, _ = _most(group, outstanding.site[rows], lengths)
    called = np.full(len(groups), -1, np.int64)
    walked = np.flatnonzero(outstanding.user_stack[rows] >= 0)  # a session may walk few of them
    if len(walked):
        of, place = np.unique(group[walked], return_inverse=True)
        called[of], _ = _most(place.astype(np.int64), outstanding.user_stack[rows[walked]], np.bincount(place))
    columns = (
        *_standing_out(group, outstanding.process[rows], lengths),
        *_standing_out(group, outstanding.thread[rows], lengths),
        sites.stack[site].tolist(),
        (by_switch > 1 - _STANDS_OUT).tolist(),
        called.tolist(),
    )
    return [Owners(*each) for each in zip(*columns, strict=True)]


def _standing_out(group: I64, ids: npt.NDArray[np.uint32], lengths: I64) -> tuple[list[int | None], list[float]]:
    best, share = _most(group, ids, lengths)
    known = (share >= _STANDS_OUT) & ~np.isin(best, _NOBODY)
    return [
        each if stands else None for each, stands in zip(best.tolist(), known.tolist(), strict=True)
    ], share.tolist()


def _most(group: I64, ids: npt.NDArray[np.integer[Any]], lengths: I64) -> tuple[I64, npt.NDArray[np.float64]]:
    """By group: the id that it has most often, the least of several, and its share. Ids have up to 32 bits."""
    keys, counts = np.unique((group << 32) | ids.astype(np.int64), return_counts=True)
    of = keys >> 32
    first = np.flatnonzero(np.diff(of, prepend=-1))
    at = np.lexsort((keys, -counts, of))[first]
    return keys[at] & 0xFFFFFFFF, counts[at] / lengths
