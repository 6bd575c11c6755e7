"""Time order over all CPUs: a stable radix sort, by raw time, of the events that go out together.

They come by CPU, then in file order, and a stable sort keeps that order among equal times. It needs as many
passes as their span of time has digits, two as a rule, and does not care how many CPUs there are or how disordered
a damaged file is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tracer.arrays import I32, I64, U16, U64, Structured
from tracer.etl.rows import SLOT_DEFINITION
from tracer.jit import Int, inlined, kernel

NO_HORIZON: Final = np.iinfo(np.int64).max
"""A horizon that no record lies beyond, not even one of the last raw time there is."""

DIGIT_BITS: Final = 11
DIGITS: Final = 1 << DIGIT_BITS
_DIGIT: Final = np.uint64(DIGITS - 1)
_ROW_BITS: Final = np.uint64(31)
_ROW: Final = np.uint64((1 << 31) - 1)
_PART_BITS: Final = 3 * DIGIT_BITS
"""A key holds so many bits of an event's time, and below them its row."""
_PART: Final = np.uint64((1 << _PART_BITS) - 1)
_LANES: Final = 4
"""Most events are of one slot. A processor that adds one to a number again and again waits for it each time."""


class Work(NamedTuple):
    """Keys, room for them once more, how many have each digit, and how many in each lane have each slot."""

    keys: U64
    other_keys: U64
    digits: U64
    lanes: U64


class Slots(NamedTuple):
    """``offsets``, ``rows`` and ``places``: an :class:`Order`'s ``slots``, ``by_slot`` and ``places``."""

    offsets: I64
    rows: I32
    places: I64


class Order:
    """Events in time order, and the same by layout slot; work space that is used again and again.

    ``by_slot[slots[s]:slots[s + 1]]`` are the rows of slot ``s`` in the store of events, in time order, and ``places``
    their positions in the time order of the whole trace. ``has_definitions``: whether definitions of stack keys are
    among the events taken last.
    """

    def __init__(self, slots: int) -> None:
        self.slots = np.zeros(slots + 1, np.int64)
        self.count = 0
        self.has_definitions = False
        self._digits = np.zeros(DIGITS, np.uint64)
        self._lanes = np.zeros((_LANES, slots), np.uint64)
        self._spans = np.zeros((0, 2), np.uint64)
        self._base = 0
        self._least: Int = 0
        self._greatest: Int = 0
        self._sorted = True
        self._swapped = False
        self._reserve(1)

    def _reserve(self, rows: int) -> None:
        self._keys, self._other_keys = np.empty(rows, np.uint64), np.empty(rows, np.uint64)
        self.by_slot, self.places = np.empty(rows, np.int32), np.empty(rows, np.int64)

    @property
    def by_time(self) -> I32:
        """Rows of the events taken last, in time order, once they are sorted."""
        keys = self._other_keys if self._swapped else self._keys
        return (keys[: self.count] & _ROW).astype(np.int32)

    def take(self, times: I64, slots: U16, runs: Structured, horizon: int, base: int) -> None:
        """Take the events before ``horizon`` off the front of the ``runs``; :meth:`sort` orders them.

        ``times`` and ``slots``: of all events, by row. ``base`` is the place of the first that is taken in the time
        order of the trace.
        """
        by_cpu = np.argsort(runs["cpu"], kind="stable")
        self._spans = np.empty((len(runs), 2), np.uint64)
        count, self._least, self._greatest, defined = take(times, slots, runs, by_cpu, horizon, self._spans)
        self.count, self.has_definitions = int(count), bool(defined)
        self._base = base
        self._sorted = False

    def sort(self, times: I64, slots: U16) -> None:
        """Order the events taken last; what is in order already stays."""
        if self._sorted:
            return
        self._sorted = True
        if self.count > len(self._keys):
            self._reserve(self.count + self.count // 2)
        work = Work(self._keys, self._other_keys, self._digits, self._lanes)
        found = Slots(self.slots, self.by_slot, self.places)
        swapped = sort(times, slots, self._spans, self._least, self._greatest, work, found, self._base)
        self._swapped = bool(swapped)


# Rows and places are unsigned in kernels: numba lets a negative one count from the end, which costs instructions.
@kernel
def take(
    times: I64, slots: U16, runs: Structured, by_cpu: I64, horizon: int, spans: U64
) -> tuple[Int, Int, Int, bool]:  # fmt: skip
    """See :meth:`Order.take`: (events taken, least and greatest of their raw times, whether any defines a stack key).

    ``spans`` gets their rows, from and to, run by run by CPU.
    """
    count = np.int64(0)
    least = np.int64(NO_HORIZON)
    greatest = ~np.int64(NO_HORIZON)
    defined = False
    for k in range(by_cpu.shape[0]):
        run = runs[by_cpu[k]]
        first = np.uint64(run["first"])
        end = np.uint64(run["end"])
        i = first
        while i < end and (times[i] < horizon or horizon == NO_HORIZON):
            least = min(least, times[i])
            greatest = max(greatest, times[i])
            defined |= slots[i] == SLOT_DEFINITION
            i += np.uint64(1)
        run["first"] = i
        spans[k, 0] = first
        spans[k, 1] = i
        count += np.int64(i - first)
    return count, least, greatest, bool(defined)


@inlined
def _key(time: Int, least: Int, shift: Int, row: np.uint64) -> np.uint64:
    since = np.uint64(time) - np.uint64(least)
    return (((since >> np.uint64(shift)) & _PART) << _ROW_BITS) | row


@inlined
def _by_digit(count: Int, keys: U64, other_keys: U64, shift: np.uint64, places: U64) -> None:
    """Put the keys into ``other_keys`` in the order of the digit at ``shift``; ``places`` is room for each digit's."""
    for digit in range(DIGITS):
        places[digit] = 0
    for i in range(count):
        places[(keys[i] >> shift) & _DIGIT] += np.uint64(1)
    total = np.uint64(0)
    for digit in range(DIGITS):
        here = places[digit]
        places[digit] = total
        total += here
    for i in range(count):
        digit = (keys[i] >> shift) & _DIGIT
        at = places[digit]
        places[digit] = at + np.uint64(1)
        other_keys[at] = keys[i]


@inlined
def _group_by_slot(slots: U16, count: Int, keys: U64, lanes: U64, found: Slots, base: int) -> None:
    """Sort the rows of ordered keys by slot, keeping time order inside a slot.

    ``lanes``: the events of each slot are the sum of a column; it gets where the next of them goes.
    """
    offsets, rows, places = found
    total = np.uint64(0)
    for slot in range(lanes.shape[1]):
        first = total
        for lane in range(_LANES):
            total += lanes[lane, slot]
        lanes[0, slot] = first
        offsets[slot + 1] = total
    current = np.uint16(0)
    at = np.uint64(0)
    for i in range(count):
        row = keys[i] & _ROW
        own = slots[row]
        if own != current:
            lanes[0, current] = at
            at = lanes[0, own]
            current = own
        rows[at] = row
        places[at] = base + i
        at += np.uint64(1)


@kernel
def sort(
    times: I64, slots: U16, spans: U64, least: Int, greatest: Int, work: Work, found: Slots, base: int
) -> bool:  # fmt: skip
    """See :meth:`Order.sort`; gives whether the order is in ``other_keys``."""
    keys, other_keys, digits, lanes = work
    for lane in range(_LANES):
        for slot in range(lanes.shape[1]):
            lanes[lane, slot] = 0
    count = np.int64(0)
    for k in range(spans.shape[0]):
        for row in range(spans[k, 0], spans[k, 1]):
            keys[count] = _key(times[row], least, 0, np.uint64(row))
            lanes[count % _LANES, slots[row]] += np.uint64(1)
            count += 1
    span = np.uint64(greatest) - np.uint64(least) if count else np.uint64(0)
    swapped = False
    shift = 0
    while shift < 64 and span >> np.uint64(shift) != np.uint64(0):
        if shift == _PART_BITS:
            for i in range(count):
                at = keys[i] & _ROW
                keys[i] = _key(times[at], least, shift, at)
        _by_digit(count, keys, other_keys, _ROW_BITS + np.uint64(shift % _PART_BITS), digits)
        keys, other_keys = other_keys, keys
        swapped = not swapped
        shift += DIGIT_BITS
    _group_by_slot(slots, count, keys, lanes, found, base)
    return swapped
