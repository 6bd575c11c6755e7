"""The threads themselves: the arrays that the kernels work on, how they grow, and the questions to them."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from analyzers.activity.following import (
    FULL,
    NOBODY,
    STATE_LONGEST_READY,
    STATE_READIES,
    STATE_READY_WAITS,
    STATE_ROWS,
    STATE_SWITCHES,
    STATE_THREADS,
    follow,
)
from analyzers.activity.rows import NEVER, NO_CPU, RECENT_WAITS, THREAD
from analyzers.activity.since import RAN, UNKNOWN, Since, answer, judge
from analyzers.ledger.tables import table_of
from analyzers.scheduling import CpuTimeline
from analyzers.threads import IDLE_THREAD, Threads
from tracer.columns import UNKNOWN_ID, EventTable
from tracer.etl.headers import MAX_PROCESSORS
from tracer.trace import Batch

_FIRST_ROWS: Final = 1 << 8
_NO_TIMES: Final = np.zeros(0, np.int64)


class Activity:
    """What each thread did. Feed it batches in order; its size depends on the number of threads, not of events."""

    KINDS: ClassVar = frozenset({"context_switch", "thread", "ready_thread"})
    """Kinds of events that it looks at."""

    def __init__(self, rows: int = _FIRST_ROWS, *, timeline: CpuTimeline | None = None) -> None:
        """``rows``: how many threads there is room for at first, a power of two, at least 2.

        ``timeline`` tells who holds CPUs on which nothing was switched; without it nobody does.
        """
        self._state = np.zeros(STATE_ROWS, np.int64)
        self._rows = np.zeros(rows, THREAD)
        self._ring = np.zeros((rows, RECENT_WAITS), np.int64)
        self._keys = np.zeros(rows, np.uint64)
        self._table = np.full(2 * rows, -1, np.int32)
        self._cpu_row = np.full(MAX_PROCESSORS, NOBODY, np.int32)
        self._cpu_last = np.full(MAX_PROCESSORS, NEVER, np.int64)
        self._now = 0
        self._timeline = timeline or CpuTimeline(Threads())

    @property
    def seen_switches(self) -> bool:
        """Whether the trace holds context switches at all."""
        return bool(self._state[STATE_SWITCHES])

    @property
    def seen_readies(self) -> bool:
        """Whether the trace tells when threads are made ready."""
        return bool(self._state[STATE_READIES])

    @property
    def longest_ready_ns(self) -> int:
        """The longest time that a thread which was made ready waited for its CPU, of those that got one."""
        return int(self._state[STATE_LONGEST_READY])

    @property
    def ready_waits(self) -> int:
        """How often a thread that was made ready got a CPU."""
        return int(self._state[STATE_READY_WAITS])

    def feed(self, batch: Batch) -> None:
        """Take one batch."""
        columns: tuple[npt.NDArray[Any], ...] = (
            *_switches(batch.tables.get("context_switch")),
            *_lives(batch.tables.get("thread")),
            *_readies(batch.tables.get("ready_thread")),
        )
        self._now = max(self._now, *(int(batch.tables[kind].time[-1]) for kind in self.KINDS & batch.tables.keys()), 0)
        while follow(*(*columns, *self._tables())) == FULL:
            self._make_room()

    def _tables(self) -> tuple[npt.NDArray[Any], ...]:
        """What the kernel carries from batch to batch, in the order of its arguments."""
        return self._rows, self._keys, self._table, self._ring, self._cpu_row, self._cpu_last, self._state

    def _make_room(self) -> None:
        used = len(self._rows)
        self._rows = np.concatenate((self._rows, np.zeros(used, THREAD)))
        self._ring = np.concatenate((self._ring, np.zeros_like(self._ring)))
        self._keys = np.concatenate((self._keys, np.zeros(used, np.uint64)))
        self._table = table_of(self._keys, int(self._state[STATE_THREADS]))

    def since(
        self,
        threads: npt.NDArray[np.uint32],
        times_ns: npt.NDArray[np.int64],
        *,
        at_ns: int | None = None,
        seen_ns: npt.NDArray[np.int64] | None = None,
        seen_cpu: npt.NDArray[np.integer[Any]] | None = None,
    ) -> Since:
        """What each thread did since each time, as of ``at_ns`` (the newest event where it is not given).

        ``seen_ns``, ``seen_cpu``: a time, not after the one asked for, and a CPU where an event shows that the thread
        ran; a thread without a context switch is still there if nothing was switched on that CPU since.
        """
        count = len(threads)
        found, what = np.zeros(count, np.int32), np.zeros(count, np.uint8)
        ready, waits = np.zeros(count, np.bool_), np.zeros(count, np.int32)
        times = times_ns.astype(np.int64)
        judge(self._rows, self._keys, self._table, self._ring, threads, times, found, what, ready, waits)
        result = answer(self._now if at_ns is None else at_ns, times, self._rows, found, what, ready, waits)
        cpu, seen = self._seen_on_silent_cpu(threads, times)
        if seen_ns is not None and seen_cpu is not None and self.seen_switches:
            still = (seen == NEVER) & (seen_ns != NEVER) & (seen_ns <= times) & (self._cpu_last[seen_cpu] < seen_ns)
            cpu, seen = np.where(still, seen_cpu, cpu), np.where(still, seen_ns, seen)
        still = (what == UNKNOWN) & (seen != NEVER)
        return dataclasses.replace(
            result,
            what=np.where(still, RAN, what).astype(np.uint8),
            unbroken=result.unbroken | still,
            silent_cpu=still,
            cpu=np.where(still, cpu, result.cpu).astype(np.int32),
            stay_ns=np.where(still, seen, result.stay_ns),
        )

    def _seen_on_silent_cpu(
        self, threads: npt.NDArray[np.uint32], times: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """By question: a CPU on which nothing was ever switched and where the thread was found by then, and when."""
        there = self._timeline.holders
        cpus = np.flatnonzero((there != UNKNOWN_ID) & (there != IDLE_THREAD))
        cpus = cpus[np.argsort(there[cpus])]
        if not len(cpus):
            return np.full(len(threads), NO_CPU, np.int64), np.full(len(threads), NEVER, np.int64)
        cpu = cpus[np.minimum(np.searchsorted(there[cpus], threads), len(cpus) - 1)]
        seen = np.where(there[cpu] == threads, self._timeline.held_since_ns[cpu], NEVER)
        return cpu, np.where(seen <= times, seen, NEVER)


def _column(table: EventTable, name: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
    return table.array(name).astype(dtype, copy=False)


def _switches(table: EventTable | None) -> tuple[npt.NDArray[Any], ...]:
    if table is None:
        return (
            *(_NO_TIMES, _NO_TIMES, np.zeros(0, np.uint16), _NO_TIMES, np.zeros(0, np.uint32), np.zeros(0, np.uint32)),
            *(np.zeros(0, np.int8), np.zeros(0, np.int8), np.zeros(0, np.uint8)),
        )
    return (
        *(table.order, table.time, table.cpu, table.offset),
        *(_column(table, "new_thread", np.uint32), _column(table, "old_thread", np.uint32)),
        *(_column(table, "old_state", np.int8), _column(table, "old_wait_reason", np.int8)),
        _column(table, "old_wait_mode_flags", np.uint8),
    )


def _lives(table: EventTable | None) -> tuple[npt.NDArray[Any], ...]:
    if table is None:
        empty = np.zeros(0, np.uint16)
        return (_NO_TIMES, _NO_TIMES, empty, _NO_TIMES, empty, np.zeros(0, np.uint32))
    return (table.order, table.time, table.cpu, table.offset, table.event, _column(table, "thread", np.uint32))


def _readies(table: EventTable | None) -> tuple[npt.NDArray[Any], ...]:
    if table is None:
        return _NO_TIMES, _NO_TIMES, np.zeros(0, np.uint32)
    return table.order, table.time, _column(table, "thread", np.uint32)
