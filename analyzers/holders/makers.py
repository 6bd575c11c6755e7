"""Who issued a request whose own event does not tell: the thread that allocated its IRP just before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzers.holders.irp_blocks import IrpBlocks
from analyzers.policy import HELD
from analyzers.requests.tables import RequestTable
from tracer.arrays import Mask
from tracer.columns import UNKNOWN_ID, Who


def with_makers(requests: RequestTable, blocks: IrpBlocks) -> RequestTable:
    """The table with such threads filled in, marked as inferred.

    A system call allocates the IRP and calls the driver in one go; an older IRP may have been another thread's
    and have come from a lookaside list.
    """
    filled = (requests.thread == UNKNOWN_ID) & blocks.held & (blocks.maker != UNKNOWN_ID) & ~blocks.drivers_own
    after_ns = requests.issued_ns - blocks.made_ns
    filled &= (after_ns <= HELD.at_once_ns) | _one_threads(requests, blocks, filled & (after_ns <= HELD.soon_ns))
    if not filled.any():
        return requests
    return replace(
        requests,
        thread=np.where(filled, blocks.maker, requests.thread),
        process=np.where(filled & (requests.process == UNKNOWN_ID), blocks.process, requests.process),
        who=np.where(filled, np.uint8(Who.CONTEXT_SWITCH), requests.who),
    )


def _one_threads(requests: RequestTable, blocks: IrpBlocks, soon: Mask) -> Mask:
    """Those of ``soon`` whose maker made nearly all of these of their kind."""
    result = np.zeros(len(requests), np.bool_)
    rows = np.flatnonzero(soon)
    _, kind, of_kind = np.unique(requests.kind[rows], return_inverse=True, return_counts=True)
    keys = (kind.astype(np.int64) << 32) | blocks.maker[rows]
    _, pair, of_both = np.unique(keys, return_inverse=True, return_counts=True)
    result[rows] = of_both[pair] >= HELD.one_maker * of_kind[kind]
    return result
