"""What the ledger writes down: its rows, and the counters that its kernels share with their caller."""

from __future__ import annotations

from typing import Final

import numpy as np

ALLOCATION: Final = np.dtype(
    [
        ("address", "<u8"),
        ("size", "<u8"),
        ("time", "<i8"),
        ("offset", "<i8"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("site", "<i4"),
        ("user_stack", "<i4"),
        ("type", "<u4"),
        ("cpu", "<u2"),
        ("who", "u1"),
        ("live", "u1"),
        ("next_free", "<i4"),
        ("recent", "<u4"),
    ]
)
"""One live allocation in 64 bytes: one cache line for its alloc, one for its free.

``recent`` is its place in the ring of recent allocations.
"""

SITE: Final = np.dtype(
    [
        ("tag_row", "<i4"),
        ("stack", "<i4"),
        ("allocations", "<i8"),
        ("frees", "<i8"),
        ("count", "<i8"),
        ("bytes", "<i8"),
        ("first", "<i8"),
        ("last", "<i8"),
        ("process", "<u4"),
        ("thread", "<u4"),
    ]
)
"""What was allocated with one tag from one kernel stack.

Where each process' allocations are counted by themselves (:mod:`analyzers.tags.callers`), those of one ``process``, or
of one ``thread`` where its process is not known yet; else both are UNKNOWN_ID.
"""

TAG: Final = np.dtype(
    [
        ("tag", "<u4"),
        ("paged", "<u4"),
        ("by_process", "<u4"),
        ("failed", "<u4"),
        ("allocations", "<i8"),
        ("frees", "<i8"),
        ("count", "<i8"),
        ("bytes", "<i8"),
        ("peak", "<i8"),
    ]
)
"""What was allocated with one tag from paged or from nonpaged pool; ``failed`` allocations are outside the others."""

STEP: Final = np.dtype([("allocations", "<i4"), ("frees", "<i4"), ("bytes", "<i8")])
"""What happened at one site in one step of time: allocations made, allocations freed or replaced, change in bytes."""

RECENT: Final = np.dtype(
    [
        ("raw_time", "<i8"),
        ("time", "<i8"),
        ("ended", "<i8"),
        ("size", "<i8"),
        ("thread", "<u4"),
        ("slot", "<i4"),
        ("site", "<i4"),
        ("cpu", "<u2"),
        ("flags", "<u2"),
    ]
)
"""A recent allocation, for stacks that come after their batch; ``flags`` as below.

``ended``: when it was freed or replaced, where that happened before its kernel stack came.
"""
HAS_STACK: Final = 1
"""It has its kernel stack."""
HAS_USER_STACK: Final = 2
WAS_REPLACED: Final = 4
"""It was closed without a free."""
RECENT_ROWS: Final = 1 << 18
"""Allocations among which the one of a late stack is looked up: the newest quarter million."""

STATE_NEXT: Final = 0
"""The event to go on with, where the last call had to stop."""
STATE_SLOTS: Final = 1
STATE_FREE_HEAD: Final = 2
"""First of the slots to use again, -1 for none."""
STATE_LIVE: Final = 3
STATE_SITES: Final = 4
STATE_TAGS: Final = 5
STATE_ALLOCATIONS: Final = 6
STATE_FREES: Final = 7
STATE_MATCHED: Final = 8
STATE_WITHOUT: Final = 9
STATE_REPLACED: Final = 10
STATE_BYTES: Final = 11
STATE_RECENT: Final = 12
STATE_LATE: Final = 13
"""The late stack to go on with."""
STATE_ATTACHED: Final = 14
"""Late stacks that found their allocation."""
STATE_STEP_SHIFT: Final = 15
"""A step of the histories is two to this power nanoseconds long."""
STATE_FAILED: Final = 16
"""Allocations that failed."""
STATE_REVERSED: Final = 17
"""Pairs of a free and a later allocation of its address."""
STATE_LAST_STRAY: Final = 18
"""Time in nanoseconds up to which an allocation may be near a free without allocation."""
STATE_REPLACED_IN_SESSION: Final = 19
"""Of :data:`STATE_REPLACED`, those of session pool, of which each session has its own at the same addresses."""
STATE_ROWS: Final = 20

DONE: Final = 0
SLOTS_FULL: Final = 1
BUCKETS_FULL: Final = 2
SITES_FULL: Final = 3
TAGS_FULL: Final = 4
"""Results of a call: done, or what needs more room before it can go on."""
