"""The threads themselves: the arrays that the kernels work on, how they grow, and the questions to them."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from analyzers.activity.rows import (
    COUNTERS,
    NEVER,
    NO_CPU,
    RECENT_WAITS,
    THREAD,
    ActivityTables,
    Lives,
    Readies,
    Switches,
)
from analyzers.activity.state_machine import FULL, NOBODY, follow
from analyzers.activity.thread_state import RAN, UNKNOWN, ActivitySince, Answers, answer, judge
from analyzers.hashing import doubled, empty_index
from analyzers.scheduling import CpuTimeline
from analyzers.threads import IDLE_THREAD, Threads
from tracer.arrays import I64, U32
from tracer.columns import UNKNOWN_ID, EventTable
from tracer.etl.headers import MAX_PROCESSORS
from tracer.trace import Batch

_FIRST_ROWS: Final = 1 << 8
_NO_TIMES: Final = np.zeros(0, np.int64)
_NO_CPUS: Final = np.zeros(0, np.uint16)
_NO_IDS: Final = np.zeros(0, np.uint32)
_NO_STATES: Final = np.zeros(0, np.int8)
_NO_SWITCHES: Final = Switches(
    _NO_TIMES, _NO_TIMES, _NO_CPUS, _NO_TIMES, _NO_IDS, _NO_IDS, _NO_STATES, _NO_STATES, np.zeros(0, np.uint8)
)
_NO_LIVES: Final = Lives(_NO_TIMES, _NO_TIMES, _NO_CPUS, _NO_TIMES, _NO_CPUS, _NO_IDS)
_NO_READIES: Final = Readies(_NO_TIMES, _NO_TIMES, _NO_IDS)


class Activity:
    """What each thread did. Feed it batches in order; its size depends on the number of threads, not of events."""

    KINDS: ClassVar = frozenset({"context_switch", "thread", "ready_thread"})
    """Kinds of events that it looks at."""

    def __init__(self, rows: int = _FIRST_ROWS, *, timeline: CpuTimeline | None = None) -> None:
        """``rows``: how many threads there is room for at first, a power of two, at least 2.

        ``timeline`` tells who holds CPUs on which nothing was switched; without it nobody does.
        """
        self._tables = ActivityTables(
            rows=np.zeros(rows, THREAD),
            key_index=empty_index(2 * rows),
            ring=np.zeros((rows, RECENT_WAITS), np.int64),
            cpu_row=np.full(MAX_PROCESSORS, NOBODY, np.int32),
            cpu_last=np.full(MAX_PROCESSORS, NEVER, np.int64),
            counts=np.zeros(1, COUNTERS),
        )
        self._counts = self._tables.counts[0]
        self._now = 0
        self._timeline = timeline or CpuTimeline(Threads())

    @property
    def seen_switches(self) -> bool:
        """Whether the trace holds context switches at all."""
        return bool(self._counts["switches"])

    @property
    def seen_readies(self) -> bool:
        """Whether the trace tells when threads are made ready."""
        return bool(self._counts["readies"])

    @property
    def longest_ready_ns(self) -> int:
        """The longest time that a thread which was made ready waited for its CPU, of those that got one."""
        return int(self._counts["longest_ready"])

    @property
    def ready_waits(self) -> int:
        """How often a thread that was made ready got a CPU."""
        return int(self._counts["ready_waits"])

    def feed(self, batch: Batch) -> None:
        """Take one batch."""
        switches, lives, readies = (batch.tables.get(kind) for kind in ("context_switch", "thread", "ready_thread"))
        events = _switches(switches), _lives(lives), _readies(readies)
        self._now = max(self._now, *(int(batch.tables[kind].time[-1]) for kind in self.KINDS & batch.tables.keys()), 0)
        while follow(*events, self._tables) == FULL:
            activity = self._tables
            self._tables = activity._replace(
                rows=np.concatenate((activity.rows, np.zeros_like(activity.rows))),
                key_index=doubled(activity.key_index),
                ring=np.concatenate((activity.ring, np.zeros_like(activity.ring))),
            )

    def since(
        self,
        threads: U32,
        times_ns: I64,
        *,
        at_ns: int | None = None,
        seen_ns: I64 | None = None,
        seen_cpu: npt.NDArray[np.integer[Any]] | None = None,
    ) -> ActivitySince:
        """What each thread did since each time, as of ``at_ns`` (the newest event where it is not given).

        ``seen_ns``, ``seen_cpu``: a time, not after the one asked for, and a CPU where an event shows that the thread
        ran; a thread without a context switch is still there if nothing was switched on that CPU since.
        """
        count = len(threads)
        ready, waits = np.zeros(count, np.bool_), np.zeros(count, np.int32)
        answers = Answers(np.zeros(count, np.int32), np.zeros(count, np.uint8), ready, waits)
        times = times_ns.astype(np.int64)
        judge(self._tables, threads, times, answers)
        result, what = answer(self._now if at_ns is None else at_ns, times, self._tables.rows, answers), answers.what
        cpu, seen = self._seen_on_silent_cpu(threads, times)
        if seen_ns is not None and seen_cpu is not None and self.seen_switches:
            still = (
                (seen == NEVER) & (seen_ns != NEVER) & (seen_ns <= times) & (self._tables.cpu_last[seen_cpu] < seen_ns)
            )
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

    def _seen_on_silent_cpu(self, threads: U32, times: I64) -> tuple[I64, I64]:
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


def _switches(table: EventTable | None) -> Switches:
    if table is None:
        return _NO_SWITCHES
    return Switches(
        *(table.order, table.time, table.cpu, table.offset),
        *(_column(table, "new_thread", np.uint32), _column(table, "old_thread", np.uint32)),
        *(_column(table, "old_state", np.int8), _column(table, "old_wait_reason", np.int8)),
        _column(table, "old_wait_mode_flags", np.uint8),
    )


def _lives(table: EventTable | None) -> Lives:
    if table is None:
        return _NO_LIVES
    return Lives(table.order, table.time, table.cpu, table.offset, table.event, _column(table, "thread", np.uint32))


def _readies(table: EventTable | None) -> Readies:
    return _NO_READIES if table is None else Readies(table.order, table.time, _column(table, "thread", np.uint32))
