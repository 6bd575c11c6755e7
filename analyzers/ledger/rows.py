"""The ledger's rows and counters, and the records in which kernels take them."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracer.arrays import I32, I64, U8, U16, U32, U64, Structured

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
        ("allocated", "<i8"),
        ("frees", "<i8"),
        ("count", "<i8"),
        ("bytes", "<i8"),
        ("first", "<i8"),
        ("last", "<i8"),
        ("process", "<u4"),
        ("thread", "<u4"),
    ]
)
"""What was allocated with one tag from one kernel stack; ``allocated``: the bytes of all, freed ones too.

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
"""What a site's counters stood at when a step of time ended: allocations, those of them freed or replaced, and
outstanding bytes. Counts are modulo 2^32: what is told is how they differ."""

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

COUNTERS: Final = np.dtype(
    [
        ("next", "<i8"),
        ("next_late", "<i8"),
        ("slots", "<i8"),
        ("free_slot", "<i8"),
        ("sites", "<i8"),
        ("tags", "<i8"),
        ("recent", "<i8"),
        ("allocations", "<i8"),
        ("frees", "<i8"),
        ("matched", "<i8"),
        ("frees_with_stack", "<i8"),
        ("unmatched", "<i8"),
        ("replaced", "<i8"),
        ("replaced_in_session", "<i8"),
        ("lost_frees", "<i8"),
        ("live", "<i8"),
        ("bytes", "<i8"),
        ("failed", "<i8"),
        ("attached", "<i8"),
        ("reversed", "<i8"),
        ("near_unmatched", "<i8"),
        ("step", "<i8"),
        ("step_shift", "<i8"),
    ]
)
"""``next``, ``next_late``: the event and the late stack to go on with, where the last call had to stop.

``slots``, ``sites``, ``tags``: rows in use, or used before; ``free_slot``: the first of the slots to use again, -1 for
none; ``recent``: allocations that were ever in the ring. ``unmatched``: frees without allocation;
``replaced_in_session``: of the replaced allocations those of session pool, of which each session has its own at the
same addresses; ``lost_frees``: rows in use of the others. ``failed``: allocations that failed. ``attached``: late
stacks that found their allocation. ``frees_with_stack``: frees that came with a kernel stack. ``reversed``: pairs of a
free and a later allocation of its address; ``near_unmatched``: time in nanoseconds up to which an allocation may be
near a free without allocation. ``step_shift``: a step of the histories is two to this power nanoseconds long; ``step``:
the one that has not ended.
"""


class PoolEvents(NamedTuple):
    """Pool events in time order; ``taken`` marks those that were matched before their turn (ties between CPUs)."""

    time: I64
    raw_time: I64
    cpu: U16
    thread: U32
    process: U32
    who: U8
    event: U16
    stack: I32
    user_stack: I32
    offset: I64
    type: U32
    tag: U32
    size: U64
    address: U64
    taken: U8


SEEN_BITS: Final = 1 << 20
"""Bits for the addresses that were ever handed out, by their hash: 128 KiB stay in a core's cache, and count up to some
million addresses to a per cent."""
LOST_FREE: Final = np.dtype([("from", "<i8"), ("to", "<i8")])
"""A free that is missing: it came between the allocation of its block and the next one at the address."""
LOST_FREE_ROWS: Final = 1 << 12
"""So many are kept one by one; the last row reaches over all others."""


class LedgerTables(NamedTuple):
    """The ledger from batch to batch: arrays of the types above, and indices of :mod:`analyzers.hashing`.

    ``seen``: uint8, a bit for each address that was handed out. ``lost_frees``: :data:`LOST_FREE`, not of session pool.
    ``buckets``: slots of the live allocations by address. ``site_memo``: int32, recent sites, found again without a
    search. ``recent``: a ring. ``counts``: one row of :data:`COUNTERS`.
    """

    slots: Structured
    buckets: U64
    sites: Structured
    site_index: Structured
    site_memo: I32
    tags: Structured
    tag_index: Structured
    recent: Structured
    seen: U8
    lost_frees: Structured
    counts: Structured


class History(NamedTuple):
    """``steps``: :data:`STEP` (STEPS, sites), of steps that have ended.

    ``lifetimes``: int32 (sites, BINS). ``unmatched``: int32 (STEPS, tags), frees without allocation by tag.
    """

    steps: Structured
    lifetimes: I32
    unmatched: I32


DONE: Final = 0
SLOTS_FULL: Final = 1
BUCKETS_FULL: Final = 2
SITES_FULL: Final = 3
TAGS_FULL: Final = 4
"""Results of a call: done, or what needs more room before it can go on."""
