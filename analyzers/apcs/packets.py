"""The memory of unretired requests: which pool block holds each packet, and what else of the request is still there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.modules import KERNEL_NAME
from analyzers.pooltag import tag_text
from analyzers.requests.tables import RequestTable
from analyzers.retention.pointers import blocks_of
from analyzers.snapshot import PoolSnapshot
from tracer.columns import UNKNOWN_ID

Bools = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

_PACKET: Final = "Irp"
"""How the tags of packets from IoAllocateIrp begin (pooltag.txt: ``Irp ``, and variants of the verifier)."""
_SYSTEM_BUFFER: Final = ("IoSB",)
_OWNED: Final = ("IoSB", "Io  ", "Mdl ")
"""What the I/O manager allocates between a packet and the call of its driver, and releases before the packet
(pooltag.txt): system buffers, under ``Io  `` before Windows 8, and memory descriptor lists."""
_KERNEL: Final = ("", KERNEL_NAME)
"""Modules of the allocating frame of a packet that the I/O manager made for a system call; empty without a stack."""


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """One row per request.

    ``held``: an outstanding block holds the packet since before it was issued. ``made_ns``, ``size``, ``maker``,
    ``process``: time, size, thread and process of that block's allocation (-1, 0 and UNKNOWN_ID for none).
    ``drivers_own``: a driver allocated it. ``owns_more``: a system buffer or a descriptor list that was made for the
    request is outstanding too.
    """

    held: Bools
    made_ns: I64
    size: U64
    maker: U32
    process: U32
    drivers_own: Bools
    owns_more: Bools


def packets_of(pool: PoolSnapshot, requests: RequestTable) -> Packets:
    """Look up every request's packet among the outstanding allocations."""
    outstanding = pool.outstanding
    count = len(requests)
    if not len(outstanding) or not count:
        none, no_time = np.zeros(count, np.bool_), np.full(count, -1, np.int64)
        ids = np.full(count, UNKNOWN_ID, np.uint32)
        return Packets(none, no_time, np.zeros(count, np.uint64), ids, ids, none, none)
    block = blocks_of(outstanding, requests.irp, requests.issued_ns)
    held = block >= 0
    made = np.where(held, outstanding.time_ns[block], -1)
    drivers_own = held & _made_by_driver(pool)[outstanding.site[block]]
    buffers = _owners(pool, requests, made, _SYSTEM_BUFFER)
    owned = _owners(pool, requests, made, _OWNED)
    return Packets(
        held=held,
        made_ns=made,
        size=np.where(held, outstanding.size[block], np.uint64(0)),
        maker=np.where(held, outstanding.thread[block], np.uint32(UNKNOWN_ID)),
        process=np.where(held, outstanding.process[block], np.uint32(UNKNOWN_ID)),
        drivers_own=drivers_own,
        # A driver that keeps packets of its own for reuse may keep descriptor lists with them.
        owns_more=np.where(drivers_own, buffers, owned),
    )


def _made_by_driver(pool: PoolSnapshot) -> Bools:
    """By site: whether the I/O manager did not make it for a system call, were it a packet."""
    is_packet = np.array([tag_text(int(tag)).startswith(_PACKET) for tag in pool.tags.tag], np.bool_)
    own = np.array([driver not in _KERNEL for driver in pool.sites.driver], np.bool_)
    return own | ~is_packet[pool.sites.tag_row]


def _owners(pool: PoolSnapshot, requests: RequestTable, made: I64, tags: tuple[str, ...]) -> Bools:
    """By request: whether an allocation with one of these tags was made for it, and is outstanding.

    It was made by the thread that issued the request, after the packet, and before no other request of that thread.
    """
    wanted = np.array([tag_text(int(tag)) in tags for tag in pool.tags.tag], np.bool_)
    rows = np.flatnonzero(wanted[pool.sites.tag_row][pool.outstanding.site])
    result = np.zeros(len(requests), np.bool_)
    threads, times = pool.outstanding.thread[rows], pool.outstanding.time_ns[rows]
    order = np.lexsort((requests.issued_ns, requests.thread))
    issuers = requests.thread[order]
    for thread in np.unique(threads[threads != UNKNOWN_ID]):
        low, high = (int(np.searchsorted(issuers, thread, side)) for side in ("left", "right"))
        own = order[low:high]
        at = times[threads == thread]
        following = np.searchsorted(requests.issued_ns[own], at, "left")
        inside = following < len(own)
        owner, at = own[following[inside]], at[inside]
        result[owner[(made[owner] >= 0) & (made[owner] <= at)]] = True
    return result
