"""Which pool events may be about IRPs: few of many, so the others are passed over at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.events import ALLOCATE, BUFFER, FREE
from analyzers.requests.normalize import Part
from analyzers.requests.releases import IRP_TAGS
from analyzers.requests.tables import SYSTEM_BUFFERS
from tracer.arrays import I64, U64, Rows, is_among
from tracer.columns import EventTable
from tracer.events import pool

_IRP_TAGS: Final = np.array(IRP_TAGS, np.uint32)
"""Tags of IRPs, without and with Driver Verifier (pooltag.txt)."""
_BUFFER_TAGS: Final = np.array([int.from_bytes(tag, "little") for tag in SYSTEM_BUFFERS], np.uint32)
_HEADERS: Final = (8, 16)
"""Bytes of a pool header on x86 and x64: where a trace names blocks by their headers, IRPs lie behind these."""
_FIRST_MARKS: Final = 1 << 12
_SPARSE: Final = 16
"""Marks for each IRP: one address in so many has another's mark."""


class Blocks:
    """Marks by address: whether an IRP that may be in use lies there, or behind a header.

    Bit 0 of a mark is for an IRP at the address itself, the next ones for one behind each header (a Bloom filter).
    """

    def __init__(self) -> None:
        self._marks = np.zeros(_FIRST_MARKS, np.uint8)
        self._irps = 0

    def are_full(self, irps: int) -> bool:
        """Whether so many more would bring the marks too close together."""
        return _SPARSE // 2 * (self._irps + irps) > len(self._marks)

    def restart(self, live: U64, irps: int) -> None:
        """Keep only the IRPs in use, with room for so many more."""
        room = max(_FIRST_MARKS, _SPARSE * (len(live) + irps))
        self._marks = np.zeros(1 << (room - 1).bit_length(), np.uint8)
        self._irps = 0
        self.add(live)

    def add(self, irps: U64) -> None:
        """Mark IRPs."""
        new = irps[self._marks[self._places(irps)] & np.uint8(1) == 0]
        self._irps += len(new)
        for bit, before in enumerate((0, *_HEADERS)):
            self._marks[self._places(new - np.uint64(before))] |= np.uint8(1 << bit)

    def parts(self, table: EventTable) -> list[Part]:
        """Events of a table of kind ``pool`` that may be about a marked IRP, one part for each place of that."""
        entry = table.array("entry").astype(np.uint64, copy=False)
        marks = self._marks[self._places(entry)]
        parts = [_part(table, np.flatnonzero(marks & np.uint8(1)), entry, 0)]
        for bit, header in enumerate(_HEADERS, 1):
            rows = np.flatnonzero(marks & np.uint8(1 << bit))
            tagged = is_among(table.array("tag")[rows].astype(np.uint32, copy=False), _IRP_TAGS)
            parts.append(_part(table, rows[tagged], entry, header))
        return parts

    def _places(self, addresses: U64) -> I64:
        """Blocks lie at multiples of 8 or 16 bytes, mostly of a few sizes: the upper bits are mixed in."""
        place = addresses >> np.uint64(3)
        place ^= place >> np.uint64(9)
        place &= np.uint64(len(self._marks) - 1)
        return place.view(np.int64)


def buffers(table: EventTable) -> Part:
    """Allocations of system buffers in a table of kind ``pool``."""
    made = (table.event != pool.FREE) & (table.event != pool.FREE_SESSION)
    rows = np.flatnonzero(made & is_among(table.array("tag"), _BUFFER_TAGS))
    return table.order[rows], {"kind": BUFFER, "thread": table.thread[rows], "time": table.time[rows]}


def _part(table: EventTable, rows: Rows, entry: U64, header: int) -> Part:
    event = table.event[rows]
    is_free = (event == pool.FREE) | (event == pool.FREE_SESSION)
    return table.order[rows], {
        "kind": np.where(is_free, np.uint8(FREE), np.uint8(ALLOCATE)),
        "object": entry[rows] + np.uint64(header),
        "time": table.time[rows],
        "cpu": table.cpu[rows],
        "thread": table.thread[rows],
        "process": table.process[rows],
        "stack": table.stack[rows],
    }
