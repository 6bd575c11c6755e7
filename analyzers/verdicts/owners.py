"""Which process, thread and stack stand out among some allocations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.snapshot import Outstanding, SiteTable
from tracer.columns import UNKNOWN_ID, Who

_STANDS_OUT: Final = 0.8
"""Share of the allocations that makes a process or a thread the one."""
_NOBODY: Final = {0, UNKNOWN_ID}
"""The idle thread is on the CPU when an interrupt comes: what is allocated then is nobody's."""


@dataclass(frozen=True, slots=True)
class Owners:
    """``process``, ``thread``: ``None`` where none stands out; shares are of allocations. ``stack``: -1 for none.

    ``inferred``: most of the threads are known by context switches only.
    """

    process: int | None
    process_share: float
    thread: int | None
    thread_share: float
    stack: int
    inferred: bool


def owners(rows: npt.NDArray[np.intp], outstanding: Outstanding, sites: SiteTable) -> Owners:
    """Of some rows of the outstanding table, at least one."""
    process, process_share = _most(outstanding.process[rows])
    thread, thread_share = _most(outstanding.thread[rows])
    counts = np.bincount(outstanding.site[rows])
    return Owners(
        process=process,
        process_share=process_share,
        thread=thread,
        thread_share=thread_share,
        stack=int(sites.stack[int(np.argmax(counts))]),
        inferred=float(np.mean(outstanding.who[rows] == Who.CONTEXT_SWITCH)) > 1 - _STANDS_OUT,
    )


def _most(ids: npt.NDArray[np.uint32]) -> tuple[int | None, float]:
    values, counts = np.unique(ids, return_counts=True)
    best = int(np.argmax(counts))
    share = float(counts[best]) / len(ids)
    known = int(values[best]) not in _NOBODY and share >= _STANDS_OUT
    return (int(values[best]) if known else None), share
