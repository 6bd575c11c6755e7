"""Pool events: every allocation and free of kernel pool, of Windows 7 and later.

Sources: the kernel's MOF classes (unchanged from Windows 7 to Windows 11) and System Informer's
``ETW_POOL_EVENT`` agree on the fields; no public trace holds these records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tracer.events.layout import Layout, hooks, layout

ALLOC: Final = 0x0E20
ALLOC_SESSION: Final = 0x0E21
FREE: Final = 0x0E22
FREE_SESSION: Final = 0x0E23
MOST_BYTES: Final = 1 << 44
"""No pool is larger: 15.5 TB of paged pool since Windows 8.1, less of the other ("Memory Limits for Windows and Windows
Server Releases", learn.microsoft.com)."""
MOST_ALLOCATED: Final = 1 << 58
"""Bytes that all allocations of a file add up to at most: three days of a terabyte a second. What is added up from them
fits 64 bits then, whatever a file says."""

if TYPE_CHECKING:
    from tracer.columns import EventTable

_FIELDS: Final = "u4 type; u4 tag; ptr bytes; ptr entry"

GROUP: Final = ALLOC >> 8

LAYOUTS: Final[tuple[Layout, ...]] = (
    layout("pool", "pool allocation or free", hooks("0E20 0E22"), 2, _FIELDS, needed=4),
    # The MOF class appends the session, ETW_POOL_EVENT does not: a payload without it reads as session 0.
    layout(
        "pool",
        "session pool allocation or free",
        hooks("0E21 0E23"),
        2,
        f"{_FIELDS}; u4 session",
        needed=4,
    ),
    # No document declares the fields of these two: counted, never interpreted.
    layout("pool_page", "pool page added", hooks("0E24 0E25 0E26 0E27"), 2, "rest data"),
    layout("pool_snapshot", "pool snapshot", hooks("0E28 0E29 0E2A 0E2B 0E2C 0E2D 0E2E 0E2F"), 2, "rest data"),
)
"""``type`` is the POOL_TYPE with the big-pool bit; ``tag`` as stored, with its protected bit; ``entry`` is the
address that the caller got."""


class Sizes:
    """The sizes that the allocations of a file say.

    ``odd``: how many cannot be; ``first``: the offset of the first, -1 for none.
    """

    def __init__(self) -> None:
        self.odd = 0
        self.first = -1
        self._total = 0.0

    def check(self, table: EventTable) -> None:
        """Put 0 in the place of sizes that cannot be.

        An allocation that failed may have asked for any size, and that of a free is not used.
        """
        sizes = table.array("bytes").view(np.uint64)
        many = self._total + float(sizes.sum(dtype=np.float64)) > MOST_ALLOCATED
        rows = np.arange(len(sizes)) if many else np.flatnonzero(sizes > MOST_BYTES)
        rows = rows[(table.array("entry")[rows] != 0) & np.isin(table.event[rows], (ALLOC, ALLOC_SESSION))]
        odd = sizes[rows] > MOST_BYTES
        if many:
            so_far = self._total + np.cumsum(np.where(odd, 0, sizes[rows]), dtype=np.float64)
            odd |= (so_far > MOST_ALLOCATED) & (sizes[rows] > 0)
        sizes[rows[odd]] = 0
        self._total += float((sizes[rows] if many else sizes).sum(dtype=np.float64))
        if self.first < 0 and odd.any():
            self.first = int(table.offset[rows[odd]].min())
        self.odd += int(np.count_nonzero(odd))
