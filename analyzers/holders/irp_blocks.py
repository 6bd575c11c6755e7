"""The memory of unretired requests: which pool block holds each IRP, and whether its buffer is still there."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.address_lookup import blocks_of
from analyzers.modules import KERNEL_NAME
from analyzers.pool_tables import PoolSnapshot
from analyzers.pooltag import tag_text
from analyzers.requests.tables import CALL_NS, SYSTEM_BUFFERS, RequestTable
from tracer.arrays import I32, I64, U32, U64, Mask
from tracer.columns import UNKNOWN_ID
from tracer.data_classes import dataclass

IRP_TAGS: Final = ("Irp ", "Irp+")
"""Tags of IRPs, without and with Driver Verifier (pooltag.txt)."""
_MDL: Final = "Mdl "
_LISTED_MDL: Final = {4: 0x60, 8: 0xB8}
"""Bytes of a descriptor list of 17 pages, by pointer size: up to there they rest on lists of their own, which says
nothing of their requests. A list is a header of 0x1C or 0x30 bytes and a pointer a page (wdm.h)."""
_KERNEL: Final = ("", KERNEL_NAME)
"""Modules of the allocating frame of an IRP that the I/O manager made for a system call; empty without a stack."""


@dataclass(frozen=True, slots=True, eq=False)
class IrpBlocks:
    """One row per request.

    ``block``: row of the outstanding table, of the block that has held the IRP since before it was issued, -1 for
    none. ``made_ns``, ``size``, ``maker``, ``process``: time, size, thread and process of its allocation
    (-1, 0 and UNKNOWN_ID for none). ``drivers_own``: a driver allocated it. ``owns_buffer``: a system buffer or
    long descriptor list that was made for the request is outstanding too.
    """

    block: I32
    made_ns: I64
    size: U64
    maker: U32
    process: U32
    drivers_own: Mask
    owns_buffer: Mask

    @property
    def held(self) -> Mask:
        """By request: whether its IRP's block is outstanding."""
        return np.asarray(self.block >= 0)


def irp_blocks(pool: PoolSnapshot, requests: RequestTable, pointer_size: int) -> IrpBlocks:
    """Look up every request's IRP among the outstanding allocations."""
    outstanding, count = pool.outstanding, len(requests)
    if not len(outstanding) or not count:
        none, ids = np.zeros(count, np.bool_), np.full(count, UNKNOWN_ID, np.uint32)
        nowhere, no_time = np.full(count, -1, np.int32), np.full(count, -1, np.int64)
        return IrpBlocks(nowhere, no_time, np.zeros(count, np.uint64), ids, ids, none, none)
    block = blocks_of(outstanding, requests.irp, requests.issued_ns)
    held = block >= 0
    made = np.where(held, outstanding.time_ns[block], -1)
    return IrpBlocks(
        block=block,
        made_ns=made,
        size=np.where(held, outstanding.size[block], np.uint64(0)),
        maker=np.where(held, outstanding.thread[block], np.uint32(UNKNOWN_ID)),
        process=np.where(held, outstanding.process[block], np.uint32(UNKNOWN_ID)),
        drivers_own=held & _made_by_driver(pool)[outstanding.site[block]],
        owns_buffer=_buffered(pool, requests, made, pointer_size),
    )


def is_irp(pool: PoolSnapshot) -> Mask:
    """By site: whether its tag is one of IRPs."""
    return np.array([tag_text(int(tag)) in IRP_TAGS for tag in pool.tags.tag], np.bool_)[pool.sites.tag_row]


def by_system_call(pool: PoolSnapshot) -> Mask:
    """By site: whether the kernel's own image allocated it, at no driver's call, as its stack shows."""
    return np.array([driver == KERNEL_NAME for driver in pool.sites.driver], np.bool_)


def _made_by_driver(pool: PoolSnapshot) -> Mask:
    """By site: whether the I/O manager did not make it for a system call, were it an IRP."""
    own = np.array([driver not in _KERNEL for driver in pool.sites.driver], np.bool_)
    return own | ~is_irp(pool)


def _buffered(pool: PoolSnapshot, requests: RequestTable, made: I64, pointer_size: int) -> Mask:
    """By request: whether a buffer was made for it, and is outstanding.

    The I/O manager makes it on the issuing thread, after the IRP and before the call of the driver.
    """
    out = pool.outstanding
    names = [tag_text(int(tag)) for tag in pool.tags.tag]
    buffers = np.array([name.encode() in SYSTEM_BUFFERS for name in names], np.bool_)[pool.sites.tag_row]
    lists = np.array([name == _MDL for name in names], np.bool_)[pool.sites.tag_row]
    wanted = buffers[out.site] | (lists[out.site] & (out.size > _LISTED_MDL[pointer_size]))
    rows = np.flatnonzero(wanted & (out.thread != UNKNOWN_ID))
    result = np.zeros(len(requests), np.bool_)
    order = np.lexsort((requests.issued_ns, requests.thread))
    issuers, issued = requests.thread[order].astype(np.int64), requests.issued_ns[order]
    if not len(rows) or not len(order):
        return result
    span = int(max(issued.max(), out.time_ns[rows].max())) + 1
    following = np.searchsorted(issuers * span + issued, out.thread[rows].astype(np.int64) * span + out.time_ns[rows])
    at = np.minimum(following, len(order) - 1)
    owner, born = order[at], out.time_ns[rows]
    fits = (following < len(order)) & (issuers[at] == out.thread[rows]) & (made[owner] <= born)
    fits &= requests.issued_ns[owner] - born <= CALL_NS
    result[owner[fits]] = True
    return result
