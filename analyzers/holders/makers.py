"""Who issued a request whose own event does not tell: the thread that allocated its packet just before."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.holders.irp_blocks import IrpBlocks
from analyzers.requests.tables import RequestTable
from tracer.columns import UNKNOWN_ID, Who

Bools = npt.NDArray[np.bool_]

_AT_ONCE_NS: Final = 20_000
"""From the allocation to the call: straight-line code, with a buffer and the stack walks of both. Any longer, and the
packet may have served its maker and come to somebody else over a lookaside list in the meantime."""
_SOON_NS: Final = 100_000
"""Within this the same thread may have used its packet again: so it counts only where one thread made nearly all."""
_NEARLY_ALL: Final = 0.9
"""Share of packets of a kind of requests that one thread made soon before, from which it issued those requests."""


def with_makers(requests: RequestTable, packets: IrpBlocks) -> RequestTable:
    """The table with such threads filled in, marked as inferred.

    A system call allocates the packet and calls the driver in one go; an older packet may have been another thread's
    and have come from a lookaside list.
    """
    told = (requests.thread == UNKNOWN_ID) & packets.held & (packets.maker != UNKNOWN_ID) & ~packets.drivers_own
    after_ns = requests.issued_ns - packets.made_ns
    told &= (after_ns <= _AT_ONCE_NS) | _one_threads(requests, packets, told & (after_ns <= _SOON_NS))
    if not told.any():
        return requests
    return replace(
        requests,
        thread=np.where(told, packets.maker, requests.thread),
        process=np.where(told & (requests.process == UNKNOWN_ID), packets.process, requests.process),
        who=np.where(told, np.uint8(Who.CONTEXT_SWITCH), requests.who),
    )


def _one_threads(requests: RequestTable, packets: IrpBlocks, soon: Bools) -> Bools:
    """Those of ``soon`` whose maker made nearly all of these of their kind."""
    result = np.zeros(len(requests), np.bool_)
    rows = np.flatnonzero(soon)
    _, kind, of_kind = np.unique(requests.kind[rows], return_inverse=True, return_counts=True)
    keys = (kind.astype(np.int64) << 32) | packets.maker[rows]
    _, pair, of_both = np.unique(keys, return_inverse=True, return_counts=True)
    result[rows] = of_both[pair] >= _NEARLY_ALL * of_kind[kind]
    return result
