"""Who is found on CPUs of which no context switch has told yet.

An event names the thread that was current on its CPU, by its stack or its own header, also where an interrupt or a DPC
logged it: then that is the thread it interrupted. Nothing but a switch makes another thread current. So in a session
that logs switches, whoever is found on a CPU on which nothing was switched was there all along: such a thread holds its
CPU, and the events of the switch to it are from before the trace, or overwritten. Where two threads are found there,
or one on two such CPUs, switches were lost, and nothing is said.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analyzers.threads import IDLE_THREAD
from tracer.columns import UNKNOWN_ID, EventTable, Who
from tracer.etl.headers import MAX_PROCESSORS
from tracer.trace import Batch

I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]

_KINDS: Final = ("pool", "irp", "afd")
"""Kinds of events that happen in the name of the thread that runs; rundowns and switches do not."""


class Sighted:
    """One thread for each CPU on which nothing was switched. Feed it every batch in order, before what asks it."""

    def __init__(self) -> None:
        self._thread = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        self._since = np.zeros(MAX_PROCESSORS, np.int64)
        self._several = np.zeros(MAX_PROCESSORS, np.bool_)
        self._switched = np.zeros(MAX_PROCESSORS, np.bool_)
        self._quiet: npt.NDArray[np.intp] = np.arange(MAX_PROCESSORS)
        self._named_quiet: U32 = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)

    def feed(self, batch: Batch) -> None:
        """Take one batch: what it shows of CPUs up to the first switch there."""
        switches = batch.tables.get("context_switch")
        told = [self._silent(batch.tables[kind]) for kind in _KINDS if kind in batch.tables]
        told = [each for each in told if len(each[1])]
        if told:
            until = _first_switches(switches)
            for table, rows in told:
                self._find(table, rows, until)
        quiet = np.flatnonzero(~self._switched)
        if switches is not None:
            self._switched[switches.cpu] = True
        if told or len(quiet) < len(self._quiet) or np.any(self._switched[quiet]):
            self._named_quiet = self._named(quiet)
        self._quiet = quiet

    def begin(self, running: npt.NDArray[Any]) -> None:
        """Write into ``running`` (by CPU) who had the CPUs on which nothing was switched before the latest batch."""
        running[self._quiet] = self._named_quiet[self._quiet]

    @property
    def now(self) -> U32:
        """uint32 by CPU: who has had it all along; UNKNOWN_ID where a switch was seen or nothing tells."""
        return self._named(np.flatnonzero(~self._switched))

    @property
    def since_ns(self) -> I64:
        """int64 by CPU: when that thread was first found there, in nanoseconds since the trace's start."""
        return self._since

    def _named(self, quiet: npt.NDArray[np.intp]) -> U32:
        """Nobody while the trace shows no switch at all: then its session may not log any."""
        named = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        cpus = quiet[~self._several[quiet] & (self._thread[quiet] != UNKNOWN_ID)]
        if len(cpus) and self._switched.any():
            threads, which, count = np.unique(self._thread[cpus], return_inverse=True, return_counts=True)
            once = ((count == 1) | (threads == IDLE_THREAD))[which]
            named[cpus[once]] = self._thread[cpus[once]]
        return named

    def _silent(self, table: EventTable) -> tuple[EventTable, npt.NDArray[np.intp]]:
        """The events, and the rows of those on CPUs without a switch in the batches before."""
        return table, np.flatnonzero(~self._switched[table.cpu])

    def _find(self, table: EventTable, rows: npt.NDArray[np.intp], until: I64) -> None:
        """Note whom these rows name, where no switch comes before them (``until``: by CPU, its order)."""
        who = table.who[rows]
        rows = rows[((who == Who.STACK) | (who == Who.HEADER)) & (table.order[rows] < until[table.cpu[rows]])]
        first = _first_rows(table.cpu[rows])
        cpus = np.flatnonzero(first >= 0)
        at = rows[first[cpus]]
        new = self._thread[cpus] == UNKNOWN_ID
        self._since[cpus] = np.where(new, table.time[at], np.minimum(self._since[cpus], table.time[at]))
        self._thread[cpus] = np.where(new, table.thread[at], self._thread[cpus])
        strange = table.thread[rows] != self._thread[table.cpu[rows]]
        self._several[table.cpu[rows[strange]]] = True


def _first_switches(table: EventTable | None) -> I64:
    """By CPU: order of the first switch, past every event where there is none."""
    orders = np.full(MAX_PROCESSORS, np.iinfo(np.int64).max)
    if table is not None:
        first = _first_rows(table.cpu)
        orders[first >= 0] = table.order[first[first >= 0]]
    return orders


def _first_rows(cpu: npt.NDArray[np.uint16]) -> I64:
    """By CPU: the first row of it, -1 where there is none."""
    first = np.full(MAX_PROCESSORS, len(cpu))
    np.minimum.at(first, cpu, np.arange(len(cpu)))
    return np.where(first < len(cpu), first, -1)
