"""Holder *list*: the packet of a retired request rests on a lookaside list, which leaves no event behind.

IoFreeIrp puts a packet onto a list of the CPU on which it was **taken** (``AllocationProcessorNumber`` of IRP, seen
in published analyses of Windows 8.1 and later; ReactOS, ntoskrnl/io/iomgr/irp.c, takes the CPU that frees) while that
has room; its pool block stays allocated, and looks just like that of a request that something holds. But a packet is
allocated from the pool only when the lists of that CPU and the common ones have none. So one whose CPU needed a new
packet of its size after its request was completed was on no list then. And a size that is not one of a list never
rests.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.holders.irp_blocks import IrpBlocks, is_packet
from analyzers.policy import RESTING
from analyzers.pool_tables import PoolSnapshot
from analyzers.requests.tables import CALL_NS, RequestSnapshot, RequestTable

Bools = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
Rows = npt.NDArray[np.integer]

_LIST_SIZES: Final = {4: (0x94, 0x100, 0x268), 8: (0x118, 0x1F0, 0x4C0)}
"""Bytes of packets with 1, 4 and 14 stack locations, by pointer size: what the three lists hold unless Windows has
tuned them. A packet is 0x70 or 0xD0 bytes and 0x24 or 0x48 a location (wdm.h)."""


def off_lists(
    pool: PoolSnapshot,
    requests: RequestTable,
    blocks: IrpBlocks,
    rows: Rows,
    released_ns: I64,
    pointer_size: int,
    at_ns: int,
) -> Bools:
    """By row of requests that are completed and whose packets are held: whether the packet is on no list for sure.

    ``released_ns``: by row, when it was released at the latest, if it was.
    """
    lists = _list_of(requests.issued_cpu, blocks.size)[rows]
    return np.asarray(_list_was_empty(pool, lists, released_ns, at_ns) | _exact(requests, blocks, pointer_size)[rows])


def _list_was_empty(pool: PoolSnapshot, lists: npt.NDArray[np.uint64], released_ns: I64, at_ns: int) -> Bools:
    """By row: whether its list's CPU got a packet of that size from the pool since. ``lists``: by :func:`_list_of`.

    What was released after the last such time may rest. So it counts only where there are more than lists hold, or
    where new ones were needed up to the end.
    """
    out = pool.outstanding
    packets = np.flatnonzero(is_packet(pool)[out.site])
    result = np.zeros(len(lists), np.bool_)
    keys = np.concatenate((_list_of(out.cpu[packets], out.size[packets]), lists))
    _, number = np.unique(keys, return_inverse=True)
    misses, mine = number[: len(packets)], number[len(packets) :]
    order = np.argsort(misses, kind="stable")  # the outstanding ones come oldest first, and stay so
    bounds = np.searchsorted(misses[order], np.arange(number.max(initial=-1) + 2))
    by_list = np.argsort(mine, kind="stable")
    edges = np.flatnonzero(np.diff(mine[by_list], prepend=-1, append=-1))
    for low, high in pairwise(edges.tolist()):
        asked = by_list[low:high]
        number_here = mine[asked[0]]
        times = out.time_ns[packets[order[bounds[number_here] : bounds[number_here + 1]]]]
        place = np.searchsorted(times, released_ns[asked], "right")
        since = place < len(times)
        if len(asked) > RESTING.far_too_many:
            result[asked] = True
        elif np.count_nonzero(since) > RESTING.both_lists or (len(times) and _to_the_end(times, at_ns)):
            result[asked] = since
    return result


def _to_the_end(times: I64, at_ns: int) -> bool:
    """Whether new packets were needed up to the end."""
    return len(times) > 1 and at_ns - int(times[-1]) <= RESTING.pause * int(np.diff(times).max())


def _list_of(cpu: npt.NDArray[np.uint16], size: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return (cpu.astype(np.uint64) << np.uint64(48)) | size


def _exact(requests: RequestTable, blocks: IrpBlocks, pointer_size: int) -> Bools:
    """By request: whether its packet has a size that no list holds, as far as packets used again tell.

    Windows tunes what its lists hold. A packet that would fit into one gets another size only where a CPU's allowance
    of listed ones, some hundred, is used up: so it takes more packets of that size than lists hold.
    """
    used_again = blocks.held & (requests.issued_ns - blocks.made_ns > CALL_NS)
    listed = np.append(np.unique(blocks.size[used_again]), np.array(_LIST_SIZES[pointer_size], np.uint64))
    sizes, size, count = np.unique(blocks.size, return_inverse=True, return_counts=True)
    many = ~np.isin(sizes, listed) & (count > RESTING.both_lists)
    return blocks.held & many[size]


def believed(requests: RequestTable, rows: Rows, proof: Bools, rests: Bools, seldom: Bools) -> Bools:
    """By row: whether its packet is taken to be on no list, thread by thread.

    It takes some of the thread's packets that are on none for sure; then all count that were completed no earlier than
    the first of them. So do all where they are far too many, and of kinds of which hardly any was retired (``seldom``).
    ``rests``: those of kinds nearly all of which were retired are few, and taken to rest.
    """
    result = np.zeros(len(rows), np.bool_)
    order = np.argsort(requests.thread[rows], kind="stable")
    bounds = np.flatnonzero(np.diff(requests.thread[rows][order].astype(np.int64), prepend=-1, append=-1))
    for low, high in pairwise(bounds.tolist()):
        mine = order[low:high]
        if len(mine) > RESTING.far_too_many and np.all(seldom[mine]):
            result[mine] = True
        elif np.count_nonzero(proof[mine]) >= RESTING.least_on_none:
            completed = requests.completed_ns[rows[mine]]
            result[mine] = (completed >= completed[proof[mine]].min()) & ~rests[mine]
    return result


def mostly_retired(snapshot: RequestSnapshot, rows: Rows) -> Bools:
    """By row: whether nearly all of its kind were retired, and few of its thread were not."""
    thread, kind = (column[rows].astype(np.int64) for column in (snapshot.requests.thread, snapshot.requests.kind))
    keys = (thread << 24) | (kind + 1)
    _, number, count = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray((snapshot.retired_share[rows] >= RESTING.retired) & (count[number] <= RESTING.depth), np.bool_)
