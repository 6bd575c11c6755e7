"""IRPs that rest on the I/O manager's lookaside lists: allocated, unused and not leaked.

IoFreeIrp puts an IRP of a list's size onto a list while that has room, and no event tells of it. It is a list of the
processor on which the IRP was allocated, whoever frees it (AllocationProcessorNumber in the IRP; seen in
published analyses of Windows 8.1 and later). There is one for each of three sizes; IRPs are 0xD0 + 0x48 bytes for
each stack location (32 bit: 0x70 + 0x24), but two of the sizes are set anew while the system runs, so that no size
excludes a list. What a list holds is bounded, though: more IRPs of one size and processor than that do not rest.

With request events in the trace an IRP in use is known by its request; of what holds no unretired one, as many rest
as lists may hold. Where events were lost, a request without completion may have been completed and retired long ago, so
its IRP may rest, too. IRPs of completion ports rest on lists of their own.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.policy import PARTS, RESTING
from analyzers.pool_tables import Outstanding, PoolSnapshot
from analyzers.requests.tables import NEVER, RequestSnapshot
from analyzers.retention.attribution import Attribution
from analyzers.tags.callers import IRP, MDL, PORT_PACKET, is_callers
from analyzers.trends.arrivals import keep_coming
from analyzers.verdicts.birth_pattern import Span, increasingly_rare
from tracer.arrays import I64, Mask, Rows

WHY: Final = "IRPs rest on the I/O manager's lookaside lists until they are used again"
_LISTED: Final = (IRP, PORT_PACKET)
"""Exact tags: those of Driver Verifier begin alike and are no IRPs."""
_MDL_BYTES: Final = np.array([0x30 + 8 * 17, 0x30 + 8 * 23, 0x1C + 4 * 17, 0x1C + 4 * 23], np.uint64)
"""Bytes of a descriptor list of 17 pages on 64 and on 32 bit, and of 23 as on older systems (ReactOS IoAllocateMdl)."""


def resting(
    pool: PoolSnapshot,
    requests: RequestSnapshot,
    attribution: Attribution,
    judged: Mask,
    released: Mask,
    span: Span,
    lost: float = 0.0,
) -> Mask:
    """By outstanding allocation: whether it may rest on such a list.

    ``judged``: by outstanding allocation, those that something is known to hold. ``released``: those in which no
    request is that something may hold. ``span``: the time that the trace covers. ``lost``: share of events lost.
    """
    listed = _listed(pool) & ~judged
    if requests.seen_irp:
        in_use = np.append((requests.requests.completed_ns == NEVER) & (not lost), np.False_)
        listed &= ~in_use[attribution.request]
    listed |= _descriptor_lists(pool) & ~judged
    logged = requests.seen_irp and not lost  # an IRP without a request is out of use, however many there are
    idle = _listed(pool) & ~judged & released & np.bool_(logged)
    rows = np.flatnonzero(listed & ~idle)
    list_of, held, spilt = _lists(pool.outstanding, rows)
    too_many = (held[list_of] > RESTING.depth) & (spilt[list_of] > RESTING.depth)
    listed[rows[too_many | _of_those_who_keep(pool, rows, too_many)]] = False
    return listed & (idle | ~_ever_more(pool.outstanding, np.flatnonzero(listed), span))


def _ever_more(outstanding: Outstanding, rows: Rows, span: Span) -> Mask:
    """By outstanding allocation: whether it is one of IRPs of a process and size that keep coming up to the end.

    Lists take back what is released. So the number that rests is soon as large as the most that were ever in use.
    """
    result = np.zeros(len(outstanding), np.bool_)
    keys = (outstanding.size[rows] << np.uint64(32)) | outstanding.process[rows].astype(np.uint64)
    _, number, count = np.unique(keys, return_inverse=True, return_counts=True)
    for group in np.flatnonzero(count >= RESTING.fewest_shown).tolist():
        mine = rows[number == group]
        births = outstanding.time_ns[mine]
        if keep_coming(births, span.start, span.until) and not increasingly_rare(births, span.until):
            result[mine] = True
    return result


def _of_those_who_keep(pool: PoolSnapshot, rows: Rows, too_many: Mask) -> Mask:
    """By row: whether most of its tag and process are more than lists hold, so that it is one of them.

    The IRPs that a program keeps change their size when the lists have given away all that they may.
    """
    out = pool.outstanding
    key = (pool.sites.tag_row[out.site[rows]].astype(np.int64) << 32) | out.process[rows]
    _, whose = np.unique(key, return_inverse=True)
    share = np.bincount(whose, too_many) / np.maximum(np.bincount(whose), 1)
    return np.asarray(share[whose] > PARTS.most, np.bool_)


def may_rest(outstanding: Outstanding, rows: Rows) -> int:
    """How many of some IRPs may rest on lists at most, by their sizes and processors."""
    _, held, _ = _lists(outstanding, rows)
    return int(np.minimum(held, RESTING.depth).sum())


def _lists(outstanding: Outstanding, rows: Rows) -> tuple[I64, I64, I64]:
    """The list that each of the rows could be on, as a number; by list how many that are.

    And by list how many of its size, of all processors, are more than their own lists hold: the shared list's.
    """
    keys = (outstanding.size[rows] << np.uint64(16)) | outstanding.cpu[rows].astype(np.uint64)
    values, list_of, held = np.unique(keys, return_inverse=True, return_counts=True)
    _, of_size = np.unique(values >> np.uint64(16), return_inverse=True)
    spilt = np.bincount(of_size, np.maximum(held - RESTING.depth, 0)).astype(np.int64)
    return list_of.astype(np.int64), held.astype(np.int64), spilt[of_size] if len(of_size) else held.astype(np.int64)


def _descriptor_lists(pool: PoolSnapshot) -> Mask:
    """Memory descriptor lists of the size that lists of their own hold, whoever asked for them (IoAllocateMdl)."""
    of_tag = (pool.tags.tag == MDL)[pool.sites.tag_row][pool.outstanding.site]
    return np.asarray(of_tag & np.isin(pool.outstanding.size, _MDL_BYTES), np.bool_)


def _listed(pool: PoolSnapshot) -> Mask:
    """IRPs that the I/O manager made itself: those of drivers go back to the pool."""
    tags = np.isin(pool.tags.tag, _LISTED)[pool.sites.tag_row]
    own = np.fromiter((is_callers(IRP, driver) for driver in pool.sites.driver), np.bool_, len(tags))
    return np.asarray((tags & own)[pool.outstanding.site], np.bool_)
