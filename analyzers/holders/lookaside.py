"""Holder *list*: the IRP of a retired request rests on a lookaside list, which leaves no event behind.

IoFreeIrp puts an IRP onto a list of the CPU on which it was **taken** (``AllocationProcessorNumber`` of IRP, seen
in published analyses of Windows 8.1 and later; ReactOS, ntoskrnl/io/iomgr/irp.c, takes the CPU that frees) while that
has room; its pool block stays allocated, and looks just like that of a request that something holds. But an IRP is
allocated from the pool only when the lists of that CPU and the common ones have none. So one whose CPU needed a new
IRP of its size after its request was completed was on no list then. And a size that is not one of a list never
rests.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from analyzers.holders.irp_blocks import IrpBlocks, is_irp
from analyzers.policy import RESTING
from analyzers.pool_tables import PoolSnapshot
from analyzers.requests.tables import CALL_NS, RequestSnapshot, RequestTable
from tracer.arrays import I64, U16, U64, Mask, Rows, is_among, unique

_LIST_SIZES: Final = {4: (0x94, 0x100, 0x268), 8: (0x118, 0x1F0, 0x4C0)}
"""Bytes of IRPs with 1, 4 and 14 stack locations, by pointer size: what the three lists hold unless Windows has
tuned them. An IRP is 0x70 or 0xD0 bytes and 0x24 or 0x48 a location (wdm.h)."""


def off_lists(
    pool: PoolSnapshot,
    requests: RequestTable,
    blocks: IrpBlocks,
    rows: Rows,
    released_ns: I64,
    pointer_size: int,
    at_ns: int,
) -> Mask:
    """By row of requests that are completed and whose IRPs are held: whether the IRP is on no list for sure.

    ``released_ns``: by row, when it was released at the latest, if it was.
    """
    lists = list_of(requests.issued_cpu, blocks.size)[rows]
    return np.asarray(_list_was_empty(pool, lists, released_ns, at_ns) | _exact(requests, blocks, pointer_size)[rows])


def _list_was_empty(pool: PoolSnapshot, lists: U64, released_ns: I64, at_ns: int) -> Mask:
    """By row: whether its list's CPU got an IRP of that size from the pool since. ``lists``: by :func:`list_of`.

    What was released after the last such time may rest. So it counts only where there are more than lists hold, or
    where new ones were needed up to the end.
    """
    out = pool.outstanding
    irps = np.flatnonzero(is_irp(pool)[out.site])
    result = np.zeros(len(lists), np.bool_)
    keys = np.concatenate((list_of(out.cpu[irps], out.size[irps]), lists))
    _, number = np.unique(keys, return_inverse=True)
    misses, mine = number[: len(irps)], number[len(irps) :]
    order = np.argsort(misses, kind="stable")  # the outstanding ones come oldest first, and stay so
    bounds = np.searchsorted(misses[order], np.arange(number.max(initial=-1) + 2))
    by_list = np.argsort(mine, kind="stable")
    edges = np.flatnonzero(np.diff(mine[by_list], prepend=-1, append=-1))
    for low, high in pairwise(edges.tolist()):
        asked = by_list[low:high]
        number_here = mine[asked[0]]
        times = out.time_ns[irps[order[bounds[number_here] : bounds[number_here + 1]]]]
        place = np.searchsorted(times, released_ns[asked], "right")
        since = place < len(times)
        if len(asked) > RESTING.far_too_many:
            result[asked] = True
        elif np.count_nonzero(since) > RESTING.both_lists or (len(times) and _to_the_end(times, at_ns)):
            result[asked] = since
    return result


def _to_the_end(times: I64, at_ns: int) -> bool:
    """Whether new IRPs were needed up to the end."""
    return len(times) > 1 and at_ns - int(times[-1]) <= RESTING.pause * int(np.diff(times).max())


def list_of(cpu: U16, size: U64) -> U64:
    """Which lookaside list IRPs come from and go back to: one number for each processor and size."""
    return (cpu.astype(np.uint64) << np.uint64(48)) | size


def _exact(requests: RequestTable, blocks: IrpBlocks, pointer_size: int) -> Mask:
    """By request: whether its IRP has a size that no list holds, as far as IRPs used again tell.

    Windows tunes what its lists hold. An IRP that would fit into one gets another size only where a CPU's allowance
    of listed ones, some hundred, is used up: so it takes more IRPs of that size than lists hold.
    """
    used_again = blocks.held & (requests.issued_ns - blocks.made_ns > CALL_NS)
    listed = np.append(unique(blocks.size[used_again]), np.array(_LIST_SIZES[pointer_size], np.uint64))
    sizes, size, count = np.unique(blocks.size, return_inverse=True, return_counts=True)
    many = ~is_among(sizes, listed) & (count > RESTING.both_lists)
    return blocks.held & many[size]


def believed(requests: RequestTable, rows: Rows, proof: Mask, rests: Mask, rarely_retired: Mask) -> Mask:
    """By row: whether its IRP is taken to be on no list, thread by thread.

    It takes some of the thread's IRPs that are on none for sure; then all count that were completed no earlier than
    the first of them. So do all where they are far too many, and of kinds that are ``rarely_retired``.
    ``rests``: those of kinds nearly all of which were retired are few, and taken to rest.
    """
    result = np.zeros(len(rows), np.bool_)
    order = np.argsort(requests.thread[rows], kind="stable")
    bounds = np.flatnonzero(np.diff(requests.thread[rows][order].astype(np.int64), prepend=-1, append=-1))
    for low, high in pairwise(bounds.tolist()):
        mine = order[low:high]
        if len(mine) > RESTING.far_too_many and np.all(rarely_retired[mine]):
            result[mine] = True
        elif np.count_nonzero(proof[mine]) >= RESTING.least_on_none:
            completed = requests.completed_ns[rows[mine]]
            result[mine] = (completed >= completed[proof[mine]].min()) & ~rests[mine]
    return result


def mostly_retired(snapshot: RequestSnapshot, rows: Rows) -> Mask:
    """By row: whether nearly all of its kind were retired, and only a few of its thread were not."""
    thread, kind = (column[rows].astype(np.int64) for column in (snapshot.requests.thread, snapshot.requests.kind))
    keys = (thread << 24) | (kind + 1)
    _, number, count = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray((snapshot.retired_share[rows] >= RESTING.retired) & (count[number] <= RESTING.depth), np.bool_)
