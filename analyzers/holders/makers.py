"""Who issued a request whose own event does not tell: the thread that allocated its packet just before."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.holders.irp_blocks import IrpBlocks
from analyzers.requests.tables import RequestTable
from tracer.columns import UNKNOWN_ID, Who

_AT_ONCE_NS: Final = 20_000
"""From the allocation to the call: straight-line code, with a buffer and the stack walks of both. Any longer, and the
packet may have served its maker and come to somebody else over a lookaside list in the meantime."""


def with_makers(requests: RequestTable, packets: IrpBlocks) -> RequestTable:
    """The table with such threads filled in, marked as inferred.

    A system call allocates the packet and calls the driver in one go; an older packet may have been another thread's
    and have come from a lookaside list.
    """
    told = (requests.thread == UNKNOWN_ID) & packets.held & (packets.maker != UNKNOWN_ID)
    told &= (requests.issued_ns - packets.made_ns <= _AT_ONCE_NS) & ~packets.drivers_own
    return replace(
        requests,
        thread=np.where(told, packets.maker, requests.thread),
        process=np.where(told & (requests.process == UNKNOWN_ID), packets.process, requests.process),
        who=np.where(told, np.uint8(Who.CONTEXT_SWITCH), requests.who),
    )
