"""The live allocations as columns, oldest first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyzers.pool_tables import Outstanding
from tracer.jit import kernel


@kernel
def _live(slots: npt.NDArray[np.void], rows: npt.NDArray[np.int32], times: npt.NDArray[np.int64]) -> None:
    """Slot and time of every live allocation, by slot."""
    n = 0
    for slot in range(slots.shape[0]):
        if slots[slot]["live"]:
            rows[n] = slot
            times[n] = slots[slot]["time"]
            n += 1


@kernel
def _gather(  # noqa: PLR0913, PLR0917 - an array for each column
    slots: npt.NDArray[np.void],
    rows: npt.NDArray[np.int32],
    site_rows: npt.NDArray[np.int32],
    address: npt.NDArray[np.uint64],
    size: npt.NDArray[np.uint64],
    time: npt.NDArray[np.int64],
    kind: npt.NDArray[np.uint32],
    thread: npt.NDArray[np.uint32],
    process: npt.NDArray[np.uint32],
    cpu: npt.NDArray[np.uint16],
    who: npt.NDArray[np.uint8],
    site: npt.NDArray[np.int32],
    user_stack: npt.NDArray[np.int32],
    offset: npt.NDArray[np.int64],
) -> None:
    """Row by row, so that each slot is fetched from memory once."""
    for i in range(rows.shape[0]):
        slot = slots[rows[i]]
        address[i] = slot["address"]
        size[i] = slot["size"]
        time[i] = slot["time"]
        kind[i] = slot["type"]
        thread[i] = slot["thread"]
        process[i] = slot["process"]
        cpu[i] = slot["cpu"]
        who[i] = slot["who"]
        site[i] = site_rows[slot["site"]]
        user_stack[i] = slot["user_stack"]
        offset[i] = slot["offset"]


def outstanding(slots: npt.NDArray[np.void], live: int, site_rows: npt.NDArray[np.int32]) -> Outstanding:
    """Copies of the ``live`` allocations among ``slots``; their user stacks are ids as the events had them.

    ``site_rows`` gives the row of each of the ledger's sites in the snapshot.
    """
    rows = _oldest_first(slots, live)
    result = Outstanding(
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
    _gather(
        slots, rows, site_rows,
        result.address, result.size, result.time_ns, result.type, result.thread, result.process,
        result.cpu, result.who, result.site, result.user_stack, result.offset,
    )  # fmt: skip
    return result


def _oldest_first(slots: npt.NDArray[np.void], live: int) -> npt.NDArray[np.int32]:
    rows, times = np.empty(live, np.int32), np.empty(live, np.int64)
    _live(slots, rows, times)
    return rows[np.argsort(times, kind="stable")]
