"""The pool's own counters, by tag: what PoolMon shows, and what was allocated before a trace began.

``NtQuerySystemInformation`` with class 22 (SystemPoolTagInformation) counts every tag since boot; class 66
(SystemBigPoolInformation) lists every allocation larger than a page. Layouts: System Informer's ``ntexapi.h`` and the
symbols of Windows Vista to 10, which agree. Session pool is in neither (classes 67 and 125). Neither was ever run on a
Windows machine by us (``docs/live.md``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.arrays import I64, U32, U64, Mask, Structured
from tracer.data_classes import dataclass
from tracer.errors import MachineError

POOL_TAGS: Final = 22
BIG_POOL: Final = 66
_SUCCESS: Final = 0
_TOO_SHORT: Final = 0xC0000004
"""STATUS_INFO_LENGTH_MISMATCH: the answer needs more room."""
_FIRST_ROOM: Final = 1 << 18
_MOST_ROOM: Final = 1 << 28
_PROTECTED: Final = np.uint32(0x7FFFFFFF)
_WRAP: Final = 1 << 32

Query = Callable[[int, int], tuple[int, bytes, int]]
"""(class, bytes of room) → (NTSTATUS, what was written, bytes that would be needed or 0)."""


def pool_tag_layout(pointer_size: int) -> np.dtype[np.void]:
    """``SYSTEM_POOLTAG``: 40 bytes on 64-bit systems, 28 on 32-bit ones."""
    size = f"<u{pointer_size}"
    fields = [("tag", "<u4"), ("paged_allocations", "<u4"), ("paged_frees", "<u4"), ("paged_bytes", size),
              ("nonpaged_allocations", "<u4"), ("nonpaged_frees", "<u4"), ("nonpaged_bytes", size)]  # fmt: skip
    return np.dtype(fields, align=True)


def big_pool_layout(pointer_size: int) -> np.dtype[np.void]:
    """``SYSTEM_BIGPOOL_ENTRY``: 24 bytes on 64-bit systems, 12 on 32-bit ones; bit 0 of the address says nonpaged."""
    size = f"<u{pointer_size}"
    return np.dtype([("address", size), ("bytes", size), ("tag", "<u4")], align=True)


@dataclass(frozen=True, slots=True, eq=False)
class PoolCounters:
    """One row per (tag, paged) that was ever used, in the system's order, nonpaged before paged.

    ``tag``: uint32 with the protected bit cleared. ``allocations``, ``frees``: int64, since boot, modulo 2**32 as
    Windows counts them. ``count``: int64, allocations that are there. ``bytes``: int64.
    """

    tag: U32
    paged: Mask
    allocations: I64
    frees: I64
    count: I64
    bytes: I64

    def __len__(self) -> int:
        return len(self.tag)

    def rows_of(self, tag: U32, paged: Mask) -> I64:
        """By (tag, paged): its row here, -1 for none."""
        rows = {key: row for row, key in enumerate(zip(self.tag.tolist(), self.paged.tolist(), strict=True))}
        return np.array([rows.get(key, -1) for key in zip(tag.tolist(), paged.tolist(), strict=True)], np.int64)

    def taken(self, column: str, rows: I64) -> I64:
        """A column's numbers in the given rows; 0 for row -1."""
        return np.asarray(np.append(getattr(self, column), 0)[rows])


@dataclass(frozen=True, slots=True, eq=False)
class BigPool:
    """Allocations larger than a page: ``address`` and ``size`` uint64, ``tag`` uint32, ``paged`` bool.

    Addresses are 0 where Windows hides them from who asks (24H2 and later, without the right to debug). Their lowest
    bit tells the kind of pool: ``paged`` is ``None`` then.
    """

    address: U64
    size: U64
    tag: U32
    paged: Mask | None

    def __len__(self) -> int:
        return len(self.address)

    @property
    def hidden(self) -> bool:
        """Whether there are allocations, and Windows tells the address of none."""
        return self.paged is None


def pool_counters(query: Query, pointer_size: int = 8) -> PoolCounters:
    """Ask for all tags. Raises MachineError."""
    raw = _entries(asked(query, POOL_TAGS), pool_tag_layout(pointer_size), pointer_size)
    tag = raw["tag"] & _PROTECTED
    kinds = [_kind(raw, tag, paged=paged) for paged in (False, True)]
    columns = [np.stack(pair, axis=1).reshape(-1) for pair in zip(*kinds, strict=True)]
    used = np.flatnonzero(columns[2] | columns[3] | columns[5])
    return _added(*(column[used] for column in columns))


def big_pool(query: Query, pointer_size: int = 8) -> BigPool:
    """Ask for all allocations larger than a page. Raises MachineError."""
    raw = _entries(asked(query, BIG_POOL), big_pool_layout(pointer_size), pointer_size)
    address = raw["address"].astype(np.uint64)
    paged = (address & np.uint64(1)) == 0
    hidden = len(address) > 0 and not address.any()
    return BigPool(
        address & ~np.uint64(1), raw["bytes"].astype(np.uint64), raw["tag"] & _PROTECTED, None if hidden else paged
    )


def asked(query: Query, kind: int) -> bytes:
    """The whole answer, in a buffer that grows until it fits. Raises MachineError."""
    room = _FIRST_ROOM
    while room <= _MOST_ROOM:
        status, data, needed = query(kind, room)
        if status & 0xFFFFFFFF == _SUCCESS:
            return data
        if status & 0xFFFFFFFF != _TOO_SHORT:
            raise _refused(kind, f"NtQuerySystemInformation answers 0x{status & 0xFFFFFFFF:08X}")
        room = max(2 * room, needed + needed // 8)  # tags come and go between two calls
    raise _refused(kind, f"the answer does not fit in {_MOST_ROOM >> 20} MB")


def _entries(data: bytes, layout: np.dtype[np.void], pointer_size: int) -> Structured:
    """The entries behind the count, no more than there are bytes for."""
    count = int.from_bytes(data[:4], "little")
    return np.frombuffer(data[pointer_size:], layout, min(count, max(len(data) - pointer_size, 0) // layout.itemsize))


def _kind(raw: Structured, tag: U32, *, paged: bool) -> tuple[npt.NDArray[np.generic], ...]:
    name = "paged" if paged else "nonpaged"
    allocations, frees = (raw[f"{name}_{column}"].astype(np.int64) for column in ("allocations", "frees"))
    there = (allocations - frees) % _WRAP
    return tag, np.full(len(tag), paged), allocations, frees, there, raw[f"{name}_bytes"].astype(np.int64)


def _added(tag: U32, paged: Mask, *counts: I64) -> PoolCounters:
    """A tag with and without the protected bit is one tag; the order stays."""
    keys = tag.astype(np.int64) << 1 | paged
    _, first, row_of = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    sums = [np.zeros(len(order), np.int64) for _ in counts]
    for total, column in zip(sums, counts, strict=True):
        np.add.at(total, place[row_of.reshape(-1)], column)
    return PoolCounters(tag[first[order]], paged[first[order]], *sums)


def _refused(kind: int, why: str) -> MachineError:
    return MachineError(
        "no-pool-counters",
        "Windows does not tell its pool counters",
        where=f"system information class {kind}",
        why=why,
        next="run it from an elevated prompt; 'poolscope doctor' says what this machine lacks",
    )


def windows_query() -> Query:
    """``NtQuerySystemInformation`` of this machine, with the right to debug where this user has it.

    Raises MachineError where there is none.
    """
    if sys.platform != "win32":
        raise MachineError(
            "not-windows",
            "this machine has no Windows kernel to ask for pool counters",
            where=sys.platform,
            why="pool counters are told by NtQuerySystemInformation, which is there on Windows only",
            next="run it on the Windows machine that leaks, or play a trace: poolscope live --replay TRACE",
        )
    import ctypes

    from tracer.live import libraries
    from tracer.live.privilege import DEBUG, enable

    enable(DEBUG)  # without it, addresses are hidden; counters are told all the same
    function = libraries.library("ntdll").NtQuerySystemInformation
    function.argtypes = (ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32))
    function.restype = ctypes.c_uint32

    def query(kind: int, room: int) -> tuple[int, bytes, int]:
        buffer, needed = ctypes.create_string_buffer(room), ctypes.c_uint32()
        status = function(kind, buffer, room, ctypes.byref(needed))
        return int(status), buffer.raw[: needed.value or room] if not status else b"", needed.value

    return query
