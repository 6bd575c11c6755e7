"""Who issued a request whose own event does not tell: the thread that allocated its packet just before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzers.holders.irp_blocks import IrpBlocks
from analyzers.requests.tables import CALL_NS, RequestTable
from tracer.columns import UNKNOWN_ID, Who


def with_makers(requests: RequestTable, packets: IrpBlocks) -> RequestTable:
    """The table with such threads filled in, marked as inferred.

    A system call allocates the packet and calls the driver in one go (:data:`CALL_NS`); an older packet may have been
    another thread's and have come from a lookaside list.
    """
    told = (requests.thread == UNKNOWN_ID) & packets.held & (packets.maker != UNKNOWN_ID)
    told &= (requests.issued_ns - packets.made_ns <= CALL_NS) & ~packets.drivers_own
    return replace(
        requests,
        thread=np.where(told, packets.maker, requests.thread),
        process=np.where(told & (requests.process == UNKNOWN_ID), packets.process, requests.process),
        who=np.where(told, np.uint8(Who.CONTEXT_SWITCH), requests.who),
    )
