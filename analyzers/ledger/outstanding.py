"""The live allocations as columns, oldest first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzers.pool_tables import Outstanding
from tracer.arrays import I32, I64, U8, U16, U32, U64, Structured
from tracer.jit import kernel


@kernel
def _live(slots: Structured, rows: I32, times: I64) -> None:
    """Slot and time of every live allocation, by slot."""
    n = 0
    for slot in range(slots.shape[0]):
        if slots[slot]["live"]:
            rows[n] = slot
            times[n] = slots[slot]["time"]
            n += 1


class _Columns(NamedTuple):
    """Those of :class:`~analyzers.pool_tables.Outstanding`, in its order."""

    address: U64
    size: U64
    time_ns: I64
    type: U32
    thread: U32
    process: U32
    cpu: U16
    who: U8
    site: I32
    user_stack: I32
    offset: I64


@kernel
def _gather(slots: Structured, rows: I32, site_rows: I32, columns: _Columns) -> None:
    """Row by row, so that each slot is fetched from memory once."""
    for i in range(rows.shape[0]):
        slot = slots[rows[i]]
        columns.address[i] = slot["address"]
        columns.size[i] = slot["size"]
        columns.time_ns[i] = slot["time"]
        columns.type[i] = slot["type"]
        columns.thread[i] = slot["thread"]
        columns.process[i] = slot["process"]
        columns.cpu[i] = slot["cpu"]
        columns.who[i] = slot["who"]
        columns.site[i] = site_rows[slot["site"]]
        columns.user_stack[i] = slot["user_stack"]
        columns.offset[i] = slot["offset"]


def outstanding(slots: Structured, live: int, site_rows: I32) -> Outstanding:
    """Copies of the ``live`` allocations among ``slots``; their user stacks are ids as the events had them.

    ``site_rows`` gives the row of each of the ledger's sites in the snapshot.
    """
    rows = _oldest_first(slots, live)
    columns = _Columns(
        address=np.empty(live, np.uint64),
        size=np.empty(live, np.uint64),
        time_ns=np.empty(live, np.int64),
        type=np.empty(live, np.uint32),
        thread=np.empty(live, np.uint32),
        process=np.empty(live, np.uint32),
        cpu=np.empty(live, np.uint16),
        who=np.empty(live, np.uint8),
        site=np.empty(live, np.int32),
        user_stack=np.empty(live, np.int32),
        offset=np.empty(live, np.int64),
    )
    _gather(slots, rows, site_rows, columns)
    return Outstanding(*columns)


def _oldest_first(slots: Structured, live: int) -> I32:
    rows, times = np.empty(live, np.int32), np.empty(live, np.int64)
    _live(slots, rows, times)
    return rows[np.argsort(times, kind="stable")]
