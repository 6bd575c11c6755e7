"""Who ran on each CPU, and so whose the events are that come without a stack (``docs/who.md``).

A context switch names the thread that runs next on its CPU, and the one that ran until then. What is taken from it is
inferred, and is labelled :attr:`~tracer.columns.Who.CONTEXT_SWITCH`. Events of an interrupt or a DPC are charged to the
thread that they interrupted: the trace does not tell them apart.

On a CPU on which nothing was switched the thread is taken that other events name there, by their stack or their own
header. Nothing but a switch makes another thread current, so in a session that logs switches that thread holds its CPU,
and the events of the switch to it are from before the trace, or overwritten. Where two threads are found there, or one
on two such CPUs, switches were lost, and nothing is said.
"""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

import numpy as np

from analyzers.threads import IDLE_THREAD, Threads
from tracer.arrays import I64, U8, U16, U32, Mask
from tracer.columns import UNKNOWN_ID, EventTable, Who
from tracer.etl.headers import MAX_PROCESSORS
from tracer.jit import kernel
from tracer.trace import Batch

_UNKNOWN: Final = UNKNOWN_ID
_INFERRED: Final = int(Who.CONTEXT_SWITCH)
_NEVER: Final = np.iinfo(np.int64).max


class Switches(NamedTuple):
    """Context switches, in time order."""

    order: I64
    time: I64
    cpu: U16
    new_thread: U32
    old_thread: U32


class Events(NamedTuple):
    """Events of one kind, in time order; ``thread`` and ``who`` are filled in."""

    order: I64
    cpu: U16
    thread: U32
    who: U8


_NO_SWITCHES: Final = Switches(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.uint32), np.zeros(0, np.uint32)
)


@kernel
def fill_in(switches: Switches, events: Events, running: U32) -> None:
    """Give events that nobody claims the thread that runs on their CPU.

    ``running``: by CPU, the thread before the batch; after the call that at the latest event.
    """
    j = 0
    for i in range(events.order.shape[0]):
        while j < switches.order.shape[0] and switches.order[j] < events.order[i]:
            running[switches.cpu[j]] = switches.new_thread[j]
            j += 1
        if events.who[i] == 0 and running[events.cpu[i]] != _UNKNOWN:
            events.thread[i] = running[events.cpu[i]]
            events.who[i] = _INFERRED


class CpuTimeline:
    """Which thread runs on which CPU. It stamps every batch, in order, before anything else looks at that."""

    KINDS: ClassVar = frozenset({"context_switch", "pool", "irp", "afd"})
    """Kinds of events that it looks at: switches, and those that happen in the name of the thread that runs."""

    def __init__(self, threads: Threads) -> None:
        """``threads`` tells the process of a thread."""
        self._threads = threads
        self._running = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        self._first_time = np.full(MAX_PROCESSORS, _NEVER)
        self._first_thread = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        self._found = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        self._several = np.zeros(MAX_PROCESSORS, np.bool_)
        self.held_since_ns: I64 = np.zeros(MAX_PROCESSORS, np.int64)
        """int64 by CPU: when one of :attr:`holders` was first found there, nanoseconds since the trace's start."""

    def stamp(self, batch: Batch) -> None:
        """Give the events of a batch their thread and how it is known, in place; their process :meth:`settle` gives."""
        switches = _switches(batch.tables.get("context_switch"))
        tables = [batch.tables[kind] for kind in ("pool", "irp", "afd") if kind in batch.tables]
        quiet = self._first_time == _NEVER
        for table in tables:
            self._find(table, switches, quiet)
        first = _first_rows(switches.cpu)
        now = np.flatnonzero(quiet & (first >= 0))
        self._first_time[now] = switches.time[first[now]]
        self._first_thread[now] = switches.old_thread[first[now]]
        self._running[quiet] = self._holding(quiet)[quiet]
        for table in tables:
            fill_in(switches, Events(table.order, table.cpu, table.thread, table.who), self._running.copy())
        self._running[switches.cpu] = switches.new_thread

    def settle(self, thread: U32, process: U32, who: U8, cpu: U16, time_ns: I64) -> None:
        """Fill in, in place, what later events have told of stamped ones: columns of the same events.

        Their threads, where they came before their CPU's first switch, and the processes of their threads.
        """
        nobody = np.flatnonzero(who == Who.UNKNOWN)
        if len(nobody):
            thread[nobody] = self._before_first_switch(cpu[nobody], time_ns[nobody])
            who[nobody[thread[nobody] != UNKNOWN_ID]] = Who.CONTEXT_SWITCH
        homeless = np.flatnonzero((process == UNKNOWN_ID) & (thread != UNKNOWN_ID))
        if len(homeless):
            process[homeless] = self._threads.process_of(thread[homeless], time_ns[homeless])

    @property
    def holders(self) -> U32:
        """uint32 by CPU: who has had it all along; UNKNOWN_ID where a switch was seen or nothing tells."""
        return self._holding(self._first_time == _NEVER)

    def _before_first_switch(self, cpu: U16, time_ns: I64) -> U32:
        """Thread that ran then, of events that nobody claims.

        Such an event at the very time of the CPU's first switch was logged before it, or the switch would tell.
        """
        first = np.where(self._first_time == _NEVER, self.holders, self._first_thread)
        return np.where(time_ns <= self._first_time[cpu], first[cpu], np.uint32(UNKNOWN_ID))

    def _holding(self, quiet: Mask) -> U32:
        """By CPU: who holds those of ``quiet``. Nobody while no switch was seen at all: maybe none are logged."""
        holders = np.full(MAX_PROCESSORS, UNKNOWN_ID, np.uint32)
        cpus = np.flatnonzero(quiet & ~self._several & (self._found != UNKNOWN_ID))
        if len(cpus) and np.any(self._first_time != _NEVER):
            threads, which, count = np.unique(self._found[cpus], return_inverse=True, return_counts=True)
            once = ((count == 1) | (threads == IDLE_THREAD))[which]
            holders[cpus[once]] = self._found[cpus[once]]
        return holders

    def _find(self, table: EventTable, switches: Switches, quiet: Mask) -> None:
        """Note whom the events name on CPUs of ``quiet``, up to the first switch there."""
        if not len(table) or not quiet[: int(table.cpu.max()) + 1].any():
            return
        rows = np.flatnonzero(quiet[table.cpu])
        until = np.full(MAX_PROCESSORS, _NEVER)
        until[switches.cpu[::-1]] = switches.order[::-1]
        who = table.who[rows]
        rows = rows[((who == Who.STACK) | (who == Who.HEADER)) & (table.order[rows] < until[table.cpu[rows]])]
        first = _first_rows(table.cpu[rows])
        cpus = np.flatnonzero(first >= 0)
        at = rows[first[cpus]]
        new = self._found[cpus] == UNKNOWN_ID
        self.held_since_ns[cpus] = np.where(new, table.time[at], np.minimum(self.held_since_ns[cpus], table.time[at]))
        self._found[cpus] = np.where(new, table.thread[at], self._found[cpus])
        self._several[table.cpu[rows[table.thread[rows] != self._found[table.cpu[rows]]]]] = True


def _switches(table: EventTable | None) -> Switches:
    if table is None:
        return _NO_SWITCHES
    new, old = (table.array(name).astype(np.uint32, copy=False) for name in ("new_thread", "old_thread"))
    return Switches(table.order, table.time, table.cpu, new, old)


def _first_rows(cpu: U16) -> I64:
    """By CPU: the first row of it, -1 where there is none."""
    first = np.full(MAX_PROCESSORS, -1)
    first[cpu[::-1]] = np.arange(len(cpu))[::-1]
    return first
