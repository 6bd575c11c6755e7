"""Time order over all CPUs: a merge of the runs that are already in order.

Inside one CPU's buffers time never goes backward on sound traces, so a window holds about as many
runs as CPUs. On damaged ones there are more runs, and the result is still right.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracer.jit import kernel


@kernel
def runs_of(events: npt.NDArray[np.void], count: int, bounds: npt.NDArray[np.int64]) -> int:
    """Write where each non-descending run of ``events["time"]`` begins, and ``count`` last; gives the number of runs.

    ``bounds`` needs room for one more than the number of runs; -1 is returned where it has not.
    """
    runs = 0
    last = np.int64(0)
    for i in range(count):
        time = events[i]["time"]
        if i == 0 or time < last:
            if runs + 1 >= bounds.shape[0]:
                return -1
            bounds[runs] = i
            runs += 1
        last = time
    bounds[runs] = count
    return runs


@kernel
def _sift_down(heap: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], size: int, at: int) -> None:
    """Restore the heap below ``at``; smaller time first, ties by run number."""
    item = heap[at]
    key = keys[item]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        a = heap[child]
        if child + 1 < size:
            b = heap[child + 1]
            if keys[b] < keys[a] or (keys[b] == keys[a] and b < a):
                child += 1
                a = b
        if keys[a] > key or (keys[a] == key and a > item):
            break
        heap[at] = a
        at = child
    heap[at] = item


@kernel
def merge(
    events: npt.NDArray[np.void],
    bounds: npt.NDArray[np.int64],
    runs: int,
    cursor: npt.NDArray[np.int64],
    keys: npt.NDArray[np.int64],
    heap: npt.NDArray[np.int64],
    order: npt.NDArray[np.int32],
) -> None:
    """Write into ``order`` the event indexes in time order; ties keep the order of the runs.

    ``cursor``, ``keys`` and ``heap`` are work space of ``runs`` elements.
    """
    for r in range(runs):
        cursor[r] = bounds[r]
        keys[r] = events[bounds[r]]["time"]
        heap[r] = r
    size = runs
    for r in range(runs // 2 - 1, -1, -1):
        _sift_down(heap, keys, size, r)
    out = 0
    while size > 0:
        run = heap[0]
        at = cursor[run]
        end = bounds[run + 1]
        if size == 1:
            while at < end:
                order[out] = at
                out += 1
                at += 1
            break
        rival = heap[1]
        if size > 2:
            other = heap[2]
            if keys[other] < keys[rival] or (keys[other] == keys[rival] and other < rival):
                rival = other
        limit = keys[rival]
        first_of_ties = run < rival
        time = keys[run]
        while time < limit or (time == limit and first_of_ties):
            order[out] = at
            out += 1
            at += 1
            if at == end:
                break
            time = events[at]["time"]
        if at == end:
            size -= 1
            heap[0] = heap[size]
        else:
            cursor[run] = at
            keys[run] = time
        _sift_down(heap, keys, size, 0)


@kernel
def group_by_slot(
    events: npt.NDArray[np.void],
    order: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    base: int,
) -> None:
    """Sort the ordered events by slot, keeping time order inside a slot.

    ``offsets`` (number of slots + 1) comes back with where each slot begins in ``rows``; ``rows``
    holds event indexes, ``places`` their position in the time order of the whole trace.
    """
    offsets[:] = 0
    for i in range(order.shape[0]):
        offsets[events[order[i]]["slot"] + 1] += 1
    for slot in range(1, offsets.shape[0]):
        offsets[slot] += offsets[slot - 1]
    fill = offsets.copy()
    for i in range(order.shape[0]):
        slot = events[order[i]]["slot"]
        at = fill[slot]
        rows[at] = order[i]
        places[at] = base + i
        fill[slot] = at + 1
