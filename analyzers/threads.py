"""Which process a thread belongs to, as of a time: thread ids are used again.

Starts, ends and rundowns tell; where they do not, events that name a thread and its process do
(:mod:`analyzers.thread_pairs`), until the thread ends or its id gets a new start, and as long as the process lived.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analyzers.fields import merged
from analyzers.processes import IDLE_PROCESS
from analyzers.thread_pairs import ThreadPairs
from tracer.arrays import I64, U8, U32
from tracer.columns import UNKNOWN_ID, EventTable
from tracer.events import process
from tracer.events.thread import END, START
from tracer.jit import inlined, kernel
from tracer.search import first_after
from tracer.trace import Batch

IDLE_THREAD: Final = 0
"""The id that the idle threads of all CPUs share; no thread event tells about them."""
_UNKNOWN: Final = UNKNOWN_ID

_STARTED: Final = 0
_ENDED: Final = 1
_LISTED: Final = 2
_FOUND: Final = 3
"""What is known of a thread at a time: it starts or ends then, a rundown lists it, or an event names it."""


class _ThreadEvents(NamedTuple):
    """What is known of threads (``_STARTED`` …) and their processes, by thread, then time."""

    ids: U32
    at: I64
    what: U8
    processes: U32


class _Times(NamedTuple):
    """When processes start, or end; by id, then time."""

    ids: U32
    at: I64


class ThreadLives(NamedTuple):
    """Uses of thread ids; times in nanoseconds since the trace's start, -1 where they were not seen."""

    thread: U32
    process: U32
    started_ns: I64
    ended_ns: I64


_NO_IDS: Final = np.zeros(0, np.uint32)
_NO_TIMES: Final = np.zeros(0, np.int64)
_NO_WHAT: Final = np.zeros(0, np.uint8)


class Threads:
    """The threads seen so far."""

    def __init__(self) -> None:
        self._ids: list[U32] = []
        self._times: list[I64] = []
        self._what: list[U8] = []
        self._processes: list[U32] = []
        self._pairs = ThreadPairs()
        self._starts, self._ends = _Moments(process.START), _Moments(process.END)

    def feed(self, table: EventTable) -> None:
        """Take one batch's thread events (starts, ends, rundowns)."""
        self._ids.append(table.array("thread").astype(np.uint32))
        self._times.append(table.time)
        self._what.append(np.select([table.event == START, table.event == END], [_STARTED, _ENDED], _LISTED))
        self._processes.append(table.array("process").astype(np.uint32))

    def find(self, batch: Batch) -> None:
        """Take from one batch the threads and processes that its events name, and starts and ends of processes."""
        self._pairs.feed(batch)
        if "process" in batch.tables:
            self._starts.feed(batch.tables["process"])
            self._ends.feed(batch.tables["process"])

    def process_of(self, threads: U32, times: I64) -> U32:
        """Process id (uint32) of each thread at each time; UNKNOWN_ID where no event tells."""
        result = np.full(len(threads), UNKNOWN_ID, np.uint32)
        found, its, seen = self._pairs.columns
        ids, at = np.concatenate([*self._ids, found]), np.concatenate([*self._times, seen])
        what = np.concatenate([*self._what, np.full(len(found), _FOUND)]).astype(np.uint8)
        owners = np.concatenate([*self._processes, its])
        order = np.lexsort((at, ids))
        events = _ThreadEvents(ids[order], at[order], what[order], owners[order])
        _find_owners(events, self._starts.columns, self._ends.columns, threads, times, result)
        result[threads == IDLE_THREAD] = IDLE_PROCESS
        return result

    def lives(self) -> ThreadLives:
        """Every use of a thread id that starts, ends and rundowns tell of, by id, then time."""
        ids, at = np.concatenate([_NO_IDS, *self._ids]), np.concatenate([_NO_TIMES, *self._times])
        what, owners = np.concatenate([_NO_WHAT, *self._what]), np.concatenate([_NO_IDS, *self._processes])
        order = np.lexsort((at, ids))
        ids, at, what, owners = ids[order], at[order], what[order], owners[order]
        after_end = np.concatenate([[False], what[:-1] == _ENDED])[: len(ids)]
        other = [np.diff(column.astype(np.int64), prepend=-1) != 0 for column in (ids, owners)]
        first = np.flatnonzero(other[0] | other[1] | (what == _STARTED) | after_end)
        last = np.append(first[1:], len(ids))[: len(first)] - 1
        started = np.where(what[first] == _STARTED, at[first], -1)
        return ThreadLives(ids[first], owners[first], started, np.where(what[last] == _ENDED, at[last], -1))

    def running(self, process_id: int, since_ns: int) -> int:
        """How many threads of a process were started since then and have not ended."""
        if not self._ids:
            return 0
        ids, at = np.concatenate(self._ids), np.concatenate(self._times)
        what, owners = np.concatenate(self._what), np.concatenate(self._processes)
        mine = np.flatnonzero(owners == process_id)
        mine = mine[np.lexsort((at[mine], ids[mine]))]
        last = np.flatnonzero(np.diff(ids[mine].astype(np.int64), append=-1))
        alive = ids[mine][last][what[mine][last] != _ENDED]
        started = ids[mine][(what[mine] == _STARTED) & (at[mine] >= since_ns)]
        return int(np.count_nonzero(np.isin(alive, started)))


class _Moments:
    """When processes start, or end."""

    def __init__(self, event: int) -> None:
        self._event = event
        self._ids: list[U32] = []
        self._times: list[I64] = []

    def feed(self, table: EventTable) -> None:
        rows = np.flatnonzero(table.event == self._event)
        if len(rows):
            self._ids.append(merged(table, "process", "process_pointer", dtype=np.uint32)[rows])
            self._times.append(table.time[rows])

    @property
    def columns(self) -> _Times:
        """All of them."""
        ids = np.concatenate([np.zeros(0, np.uint32), *self._ids])
        times = np.concatenate([np.zeros(0, np.int64), *self._times])
        order = np.lexsort((times, ids))
        return _Times(ids[order], times[order])


@inlined
def _between(times: _Times, wanted: np.uint32, after: np.int64, until: np.int64) -> bool:
    """Whether there is an entry of that id after one time, up to and with another."""
    row = first_after(times.ids, times.at, wanted, after)
    return bool(row < times.ids.shape[0] and times.ids[row] == wanted and times.at[row] <= until)


@kernel
def _find_owners(
    events: _ThreadEvents,
    starts: _Times,
    ends: _Times,
    threads: U32,
    times: I64,
    owners: U32,
) -> None:
    """The process of each of ``threads`` at its time, into ``owners``.

    What is known next tells, unless that is a start, or of a process that starts only then: then it is another thread
    with the same id, and what was known before tells, if its process still lives. Between two events that find the id
    in two processes, one thread ended and another started unseen: nothing tells when.
    """
    ids, at, what, processes = events.ids, events.at, events.what, events.processes
    for i in range(threads.shape[0]):
        time = times[i]
        low = first_after(ids, at, threads[i], time)
        later = low < ids.shape[0] and ids[low] == threads[i] and what[low] != _STARTED
        if later and what[low] == _FOUND:
            later = not _between(starts, processes[low], time, at[low])
        earlier = low > 0 and ids[low - 1] == threads[i]
        if earlier and what[low - 1] == _FOUND:
            earlier = not _between(ends, processes[low - 1], at[low - 1], time)
        owners[i] = _UNKNOWN
        if later:
            owners[i] = processes[low]
            if earlier and what[low] == _FOUND and processes[low] != processes[low - 1]:
                if what[low - 1] == _FOUND:
                    owners[i] = _UNKNOWN
                elif what[low - 1] != _ENDED:
                    owners[i] = processes[low - 1]
        elif earlier:
            owners[i] = processes[low - 1]
