"""Where IRPs were freed: by whom, of which kind of request, with which call stack.

The functions on such a stack tell what released the IRP (:mod:`analyzers.holders.release_stacks`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.requests.records import RELEASE
from tracer.arrays import I32, I64, U32, Structured
from tracer.columns import EventTable
from tracer.data_classes import dataclass
from tracer.events import pool

NO_KIND: Final = -1
IRP_TAGS: Final = tuple(int.from_bytes(tag, "little") for tag in (b"Irp ", b"Irp+"))
"""Tags of IRPs, without and with Driver Verifier (pooltag.txt)."""


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseTable:
    """One row for each kind, process, thread and stack: ``count`` IRPs were freed so.

    ``kind``: row of the :class:`~analyzers.requests.tables.KindTable`, :data:`NO_KIND` where the trace has no request
    events. ``thread``, ``process``: who freed the IRP, which is who issued the request, or took it out of a port.
    ``stack``: kernel stack id. Frees whose stack came in a later batch than they did are not counted.
    """

    kind: I32
    process: U32
    thread: U32
    stack: I32
    count: I64

    def __len__(self) -> int:
        return len(self.stack)


class Releases:
    """Counts them, batch by batch."""

    def __init__(self) -> None:
        self._rows = np.zeros(0, RELEASE)
        self._count = np.zeros(0, np.int64)

    def add(self, rows: Structured) -> None:
        """Count some, one row for each free."""
        if not len(rows):
            return
        together = np.concatenate((self._rows, rows))
        count = np.concatenate((self._count, np.ones(len(rows), np.int64)))
        order = np.lexsort([together[name] for name in RELEASE.names or ()])
        together = together[order]
        first = np.flatnonzero(np.append(np.True_, together[1:] != together[:-1]))
        self._rows, self._count = together[first], np.add.reduceat(count[order], first)

    def add_irps(self, table: EventTable) -> None:
        """Count the frees of IRPs in a table of kind ``pool``, where no event tells of their requests."""
        tag = table.array("tag")
        irps = np.flatnonzero(np.logical_or.reduce([tag == irp for irp in IRP_TAGS]))  # isin takes twice as long
        irps = irps[table.stack[irps] >= 0]
        irps = irps[(table.event[irps] == pool.FREE) | (table.event[irps] == pool.FREE_SESSION)]
        rows = np.zeros(len(irps), RELEASE)
        rows["kind"] = NO_KIND
        for name in ("process", "thread", "stack"):
            rows[name] = getattr(table, name)[irps]
        self.add(rows)

    def table(self) -> ReleaseTable:
        """All so far."""
        rows = self._rows
        return ReleaseTable(
            kind=rows["kind"].astype(np.int32),
            process=rows["process"].copy(),
            thread=rows["thread"].copy(),
            stack=rows["stack"].copy(),
            count=self._count.copy(),
        )
