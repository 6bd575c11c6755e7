"""Which packets cannot rest on a lookaside list: a request that was retired onto one leaves no event behind.

IoFreeIrp puts a packet onto a list of the CPU it runs on while that has room; its pool block stays allocated, and looks
just like that of a request which was never retired. Two things tell them apart. What else the request owned (its system
buffer, its descriptor list) is released before the packet, so that a request which still owns some is not retired. And
a packet is allocated from the pool only when the lists of that CPU and the common ones are empty: when the issuing
thread needs a new one later, on the only CPU where it ran in between, the old one is on no list.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.activity import Since
from analyzers.apcs.limits import SETTLED_NS
from analyzers.apcs.packets import Packets
from analyzers.requests.tables import RequestTable
from tracer.events.irp import MajorFunction

Bools = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]

MAY_REST: Final = 0
"""The packet may rest on a lookaside list, for all the trace tells."""
PROBABLY_NOT: Final = 1
"""A new packet was needed later, but the thread may have been on other CPUs in between."""
LISTS_WERE_EMPTY: Final = 2
OWNS_MORE: Final = 3

_LEAST_EMPTY: Final = 3
"""Requests with empty lists that a thread needs where none of its requests owns more: one or two may be chance."""
_RELEASED_BY_COMPLETION: Final = (MajorFunction.READ, MajorFunction.WRITE, MajorFunction.INTERNAL_DEVICE_CONTROL)
"""Paging reads and writes, and requests between drivers, are released by who completes them, on any CPU's list."""
_NO_TIME: Final = np.iinfo(np.int64).max


def proofs(requests: RequestTable, packets: Packets, rows: Rows, since: Since) -> U8:
    """What tells, by candidate, that its packet rests on no list; ``since``: what its thread did since completion."""
    needed = _next_new_packet(requests, packets, rows)
    completed = requests.completed_ns[rows]
    stayed = (since.stay_ns >= 0) & (since.stay_ns <= completed)
    stayed |= (since.long_from_ns <= completed) & (needed < since.long_to_ns) & (since.long_from_ns >= 0)
    by_lists = (needed != _NO_TIME) & ~packets.drivers_own[rows]
    by_lists &= ~np.isin(requests.major[rows], np.array(_RELEASED_BY_COMPLETION, np.uint8))
    result = np.where(by_lists, np.where(stayed, LISTS_WERE_EMPTY, PROBABLY_NOT), MAY_REST)
    return np.where(packets.owns_more[rows], OWNS_MORE, result).astype(np.uint8)


def believed(proof: U8, completed: I64) -> Bools:
    """Of one thread's candidates: those that are taken for not retired.

    It takes one that owns more, or some for which the lists were empty. Then all count that were completed no earlier
    than the first one which is probably on no list: the thread's APCs are held up, so none after it was retired by one.
    """
    if not (proof == OWNS_MORE).any() and np.count_nonzero(proof == LISTS_WERE_EMPTY) < _LEAST_EMPTY:
        return np.zeros(len(proof), np.bool_)
    return np.asarray(completed >= completed[proof != MAY_REST].min(), np.bool_)


def _next_new_packet(requests: RequestTable, packets: Packets, rows: Rows) -> I64:
    """By candidate: when its thread next got a packet of that size from the pool, once it had its chance to retire."""
    result = np.full(len(rows), _NO_TIME, np.int64)
    order = np.lexsort((packets.made_ns, packets.size, packets.maker))
    order = order[packets.held[order] & np.isin(packets.maker[order], requests.thread[rows])]
    if not len(order):
        return result
    keys = np.stack((packets.maker[order].astype(np.uint64), packets.size[order]), axis=1)
    groups, first = np.unique(keys, axis=0, return_index=True)
    ends = np.append(first[1:], len(order))
    for (thread, size), low, high in zip(groups, first, ends, strict=True):
        mine = np.flatnonzero((requests.thread[rows] == thread) & (packets.size[rows] == size))
        times = packets.made_ns[order[low:high]]
        place = np.searchsorted(times, requests.completed_ns[rows[mine]] + SETTLED_NS, "right")
        result[mine] = np.append(times, _NO_TIME)[place]
    return result
