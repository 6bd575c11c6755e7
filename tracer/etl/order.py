"""Time order over all CPUs: a stable radix sort of the window's events by raw time.

The index has the events by CPU, then in file order, and a stable sort keeps that order among equal times.
It needs as many passes as the window's span of time has digits, two or three as a rule, and does
not care how many CPUs there are or how disordered a damaged file is.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.jit import kernel

DIGIT_BITS: Final = 11
DIGITS: Final = 1 << DIGIT_BITS
_MASK: Final = np.uint64(DIGITS - 1)


@kernel
def _radix_sort(
    events: npt.NDArray[np.void],
    keys: npt.NDArray[np.uint64],
    other_keys: npt.NDArray[np.uint64],
    order: npt.NDArray[np.int32],
    other_order: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
) -> bool:
    """Sort; true where the result ended in ``other_order``. The arrays but ``events`` are work space."""
    n = events.shape[0]
    least = events[0]["time"]
    greatest = least
    for i in range(n):
        least = min(least, events[i]["time"])
        greatest = max(greatest, events[i]["time"])
    for i in range(n):
        keys[i] = np.uint64(events[i]["time"]) - np.uint64(least)
        order[i] = i
    span = np.uint64(greatest) - np.uint64(least)
    shift = np.uint64(0)
    swapped = False
    while span >> shift != np.uint64(0):
        for digit in range(DIGITS):
            counts[digit] = 0
        for i in range(n):
            counts[(keys[i] >> shift) & _MASK] += 1
        total = 0
        for digit in range(DIGITS):
            count = counts[digit]
            counts[digit] = total
            total += count
        for i in range(n):
            digit = (keys[i] >> shift) & _MASK
            at = counts[digit]
            counts[digit] = at + 1
            other_keys[at] = keys[i]
            other_order[at] = order[i]
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
        swapped = not swapped
        shift += np.uint64(DIGIT_BITS)
        if shift >= np.uint64(64):
            break
    return swapped


def time_order(events: npt.NDArray[np.void]) -> npt.NDArray[np.int32]:
    """Indexes (int32) of the events (:data:`~tracer.etl.walk.EVENT_INDEX`) in time order."""
    n = len(events)
    first, second = np.empty(n, np.int32), np.empty(n, np.int32)
    if not n:
        return first
    keys, other = np.empty(n, np.uint64), np.empty(n, np.uint64)
    swapped = _radix_sort(events, keys, other, first, second, np.empty(DIGITS, np.int64))
    return second if swapped else first


@kernel
def group_by_slot(
    events: npt.NDArray[np.void],
    order: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    fill: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
    places: npt.NDArray[np.int64],
    base: int,
) -> None:
    """Sort the ordered events by slot, keeping time order inside a slot.

    ``offsets`` (number of slots + 1) comes back with where each slot begins in ``rows``; ``fill`` is work
    space of the same size. ``rows`` holds event indexes, ``places`` their position in the time order of
    the whole trace.
    """
    for slot in range(offsets.shape[0]):
        offsets[slot] = 0
    for i in range(order.shape[0]):
        offsets[events[i]["slot"] + 1] += 1
    for slot in range(1, offsets.shape[0]):
        offsets[slot] += offsets[slot - 1]
    for slot in range(offsets.shape[0]):
        fill[slot] = offsets[slot]
    for i in range(order.shape[0]):
        slot = events[order[i]]["slot"]
        at = fill[slot]
        rows[at] = order[i]
        places[at] = base + i
        fill[slot] = at + 1
