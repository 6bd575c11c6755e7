"""Who issued a request whose own event does not tell: the thread that allocated its packet just before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analyzers.holders.irp_blocks import IrpBlocks
from analyzers.policy import HELD
from analyzers.requests.tables import RequestTable
from tracer.columns import UNKNOWN_ID, Who

Bools = npt.NDArray[np.bool_]


def with_makers(requests: RequestTable, packets: IrpBlocks) -> RequestTable:
    """The table with such threads filled in, marked as inferred.

    A system call allocates the packet and calls the driver in one go; an older packet may have been another thread's
    and have come from a lookaside list.
    """
    told = (requests.thread == UNKNOWN_ID) & packets.held & (packets.maker != UNKNOWN_ID) & ~packets.drivers_own
    after_ns = requests.issued_ns - packets.made_ns
    told &= (after_ns <= HELD.at_once_ns) | _one_threads(requests, packets, told & (after_ns <= HELD.soon_ns))
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
    result[rows] = of_both[pair] >= HELD.one_maker * of_kind[kind]
    return result
