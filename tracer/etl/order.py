"""Time order over all CPUs: a stable radix sort, by raw time, of the events that go out together.

They come by CPU, then in file order, and a stable sort keeps that order among equal times. It needs as many
passes as their span of time has digits, two as a rule, and does not care how many CPUs there are or how disordered
a damaged file is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracer.arrays import I32, I64, U64, Structured
from tracer.etl.rows import SLOT_DEFINITION
from tracer.jit import Int, inlined, kernel

NO_HORIZON: Final = np.iinfo(np.int64).max
"""A horizon that no record lies beyond, not even one of the last raw time there is."""

DIGIT_BITS: Final = 11
DIGITS: Final = 1 << DIGIT_BITS
_MASK: Final = np.uint64(DIGITS - 1)


class Sorting(NamedTuple):
    """Keys and the rows they belong to, room for both once more, and how many have each digit."""

    keys: U64
    other_keys: U64
    rows: I32
    other_rows: I32
    counts: I64


class Slots(NamedTuple):
    """``offsets``, ``rows`` and ``places``: an :class:`Order`'s ``slots``, ``by_slot`` and ``places``.

    ``fill``: where the next event of each slot goes.
    """

    offsets: I64
    fill: I64
    rows: I32
    places: I64


class Order:
    """Events in time order, and the same by layout slot; work space that is used again and again.

    ``by_time``: rows of the store of events. ``by_slot[slots[s]:slots[s + 1]]`` are those of slot ``s``, in time
    order, and ``places`` their positions in the time order of the whole trace.
    """

    def __init__(self, slots: int) -> None:
        self.slots = np.zeros(slots + 1, np.int64)
        self.count = 0
        self._fill = np.zeros(slots + 1, np.int64)
        self._counts = np.zeros(DIGITS, np.int64)
        self._base = 0
        self._least: Int = 0
        self._greatest: Int = 0
        self._has_definitions = False
        self._sorted = True
        self._swapped = False
        self._reserve(1)

    def _reserve(self, rows: int) -> None:
        self._keys, self._other_keys = np.empty(rows, np.uint64), np.empty(rows, np.uint64)
        self._rows, self._other_rows = np.empty(rows, np.int32), np.empty(rows, np.int32)
        self.by_slot, self.places = np.empty(rows, np.int32), np.empty(rows, np.int64)

    @property
    def by_time(self) -> I32:
        """Rows of the events taken last, in time order."""
        return (self._other_rows if self._swapped else self._rows)[: self.count]

    @property
    def has_definitions(self) -> bool:
        """Whether definitions of stack keys are among the events taken last."""
        return bool(self._has_definitions)

    def take(self, events: Structured, runs: Structured, horizon: int, most: int, base: int) -> None:
        """Take the events before ``horizon`` off the front of the ``runs``, at most ``most``; :meth:`sort` orders them.

        ``base`` is the place of the first of them in the time order of the trace.
        """
        if most > len(self._keys):
            self._reserve(most + most // 2)
        by_cpu = np.argsort(runs["cpu"], kind="stable")
        count, self._least, self._greatest = take(events, runs, by_cpu, horizon, self._keys, self._rows, self.slots)
        self.count = int(count)
        self._has_definitions = self.slots[SLOT_DEFINITION + 1] > 0
        self._base = base
        self._sorted = False

    def sort(self, events: Structured) -> None:
        """Order the events taken last; what is in order already stays."""
        if self._sorted:
            return
        self._sorted = True
        sorting = Sorting(self._keys, self._other_keys, self._rows, self._other_rows, self._counts)
        slots = Slots(self.slots, self._fill, self.by_slot, self.places)
        self._swapped = bool(sort(events, self.count, self._least, self._greatest, sorting, slots, self._base))


@kernel
def radix_sort(
    count: Int,
    keys: U64,
    other_keys: U64,
    rows: I32,
    other_rows: I32,
    counts: I64,
    span: np.uint64,
) -> bool:
    """Sort the first ``count`` keys, none above ``span``, with their rows; true where ``other_rows`` has the result."""
    shift = np.uint64(0)
    swapped = False
    while span >> shift != np.uint64(0):
        for digit in range(DIGITS):
            counts[digit] = 0
        for i in range(count):
            counts[(keys[i] >> shift) & _MASK] += 1
        total = np.int64(0)
        for digit in range(DIGITS):
            here = counts[digit]
            counts[digit] = total
            total += here
        for i in range(count):
            digit = (keys[i] >> shift) & _MASK
            at = counts[digit]
            counts[digit] = at + 1
            other_keys[at] = keys[i]
            other_rows[at] = rows[i]
        keys, other_keys = other_keys, keys
        rows, other_rows = other_rows, rows
        swapped = not swapped
        shift += np.uint64(DIGIT_BITS)
        if shift >= np.uint64(64):
            break
    return swapped


@inlined
def _group_by_slot(
    events: Structured, count: Int, order: I32, slots: Slots, base: int
) -> None:  # fmt: skip
    """Sort the ordered events by slot, keeping time order inside a slot.

    ``offsets`` comes with the number of events of slot s in place s + 1, and leaves as :attr:`Order.slots`.
    """
    offsets, fill, rows, places = slots
    for slot in range(1, offsets.shape[0]):
        offsets[slot] += offsets[slot - 1]
        fill[slot] = offsets[slot]
    fill[0] = 0
    for i in range(count):
        row = order[i]
        own = np.int64(events[row]["slot"])
        at = fill[own]
        rows[at] = row
        places[at] = base + i
        fill[own] = at + 1


@kernel
def take(
    events: Structured,
    runs: Structured,
    by_cpu: I64,
    horizon: int,
    keys: U64,
    rows: I32,
    offsets: I64,
) -> tuple[Int, Int, Int]:
    """See :meth:`Order.take`: (events taken, least and greatest of their raw times).

    ``offsets`` gets the number of events of slot s in place s + 1.
    """
    n = np.int64(0)
    least = np.int64(NO_HORIZON)
    greatest = ~np.int64(NO_HORIZON)
    for slot in range(offsets.shape[0]):
        offsets[slot] = 0
    for k in by_cpu:
        i = np.int64(runs[k]["first"])
        end = np.int64(runs[k]["end"])
        while i < end:
            time = np.int64(events[i]["time"])
            if time >= horizon and horizon != NO_HORIZON:
                break
            least = min(least, time)
            greatest = max(greatest, time)
            keys[n] = np.uint64(time)
            rows[n] = i
            offsets[np.int64(events[i]["slot"]) + 1] += 1
            n += 1
            i += 1
        runs[k]["first"] = i
    return n, least, greatest


@kernel
def sort(
    events: Structured, count: int, least: Int, greatest: Int, sorting: Sorting, slots: Slots, base: int
) -> bool:  # fmt: skip
    """See :meth:`Order.sort`; gives whether the order is in ``other_rows``."""
    keys, other_keys, rows, other_rows, counts = sorting
    for key in range(count):
        keys[key] -= np.uint64(least)
    span = np.uint64(greatest) - np.uint64(least) if count else np.uint64(0)
    swapped = radix_sort(count, keys, other_keys, rows, other_rows, counts, span)
    _group_by_slot(events, count, other_rows if swapped else rows, slots, base)
    return bool(swapped)
