"""Processes and threads over time: ids are used again, so a name belongs to an id and a time.

Life events and the rundowns at the start and the end of a session (DCStart, DCEnd) tell the same things.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.columns import UNKNOWN_ID, EventTable

_START: Final = 0x0301
_END_OF_PROCESS: Final = 0x0302
_THREAD_START: Final = 0x0501
_THREAD_END: Final = 0x0502
_BEFORE: Final = np.iinfo(np.int64).min

IDLE_PROCESS: Final = 0
SYSTEM_PROCESS: Final = 4
_WELL_KNOWN: Final = {IDLE_PROCESS: "Idle", SYSTEM_PROCESS: "System"}
"""Process ids that are the same on every Windows machine."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process: ``started_ns`` is before the trace (the least i64) where its start was not seen."""

    id: int
    name: str
    parent: int
    started_ns: int
    ended_ns: int | None = None


@dataclass(slots=True)
class _Life:
    """What is known of one use of a process id."""

    started: int
    name: str
    parent: int
    ended: int | None = None


@dataclass(slots=True)
class Processes:
    """All processes seen so far."""

    _lives: dict[int, list[_Life]] = field(default_factory=dict)

    def feed(self, table: EventTable) -> None:
        """Take one batch's process events (starts, ends, rundowns)."""
        ids, names = table.array("process"), table.blob("image_name")
        parents = table.fields.get("parent")
        for row in range(len(table)):
            parent = int(parents[row]) if isinstance(parents, np.ndarray) else UNKNOWN_ID
            self._note(int(table.event[row]), int(ids[row]), int(table.time[row]), names.ansi(row), parent)

    def _note(self, event: int, pid: int, time: int, name: str, parent: int) -> None:
        lives = self._lives.setdefault(pid, [])
        if event == _START or not lives:
            lives.append(_Life(time if event == _START else _BEFORE, name, parent))
        life = lives[-1]
        life.name = life.name or name
        if event == _END_OF_PROCESS:
            life.ended = time

    def at(self, pid: int, time: int) -> Process:
        """The process that had this id at ``time``; its name is empty where no event tells it."""
        lives = self._lives.get(pid, [])
        row = max(0, bisect_right([life.started for life in lives], time) - 1)
        if not lives:
            return Process(pid, _WELL_KNOWN.get(pid, ""), UNKNOWN_ID, _BEFORE)
        life = lives[row]
        return Process(pid, life.name or _WELL_KNOWN.get(pid, ""), life.parent, life.started, life.ended)

    def name(self, pid: int) -> str:
        """Name of the last process with this id."""
        return self.at(pid, np.iinfo(np.int64).max).name

    def first_of(self, pids: npt.NDArray[np.uint32], times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """When the process that had each id at each time had started (int64 ns; the least i64: before the trace)."""
        started = np.full(len(pids), _BEFORE, np.int64)
        for pid in np.unique(pids):
            lives = self._lives.get(int(pid), [])
            if len(lives) > 1:
                rows = np.flatnonzero(pids == pid)
                starts = np.array([life.started for life in lives], np.int64)
                started[rows] = starts[np.maximum(np.searchsorted(starts, times[rows], side="right") - 1, 0)]
            elif lives:
                started[pids == pid] = lives[0].started
        return started


class Threads:
    """Which process a thread belongs to, as of a time."""

    def __init__(self) -> None:
        self._ids: list[npt.NDArray[np.uint32]] = []
        self._times: list[npt.NDArray[np.int64]] = []
        self._processes: list[npt.NDArray[np.uint32]] = []

    def feed(self, table: EventTable) -> None:
        """Take one batch's thread events."""
        started = table.event == _THREAD_START
        self._ids.append(table.array("thread").astype(np.uint32))
        self._processes.append(table.array("process").astype(np.uint32))
        self._times.append(np.where(started, table.time, _BEFORE))

    def process_of(self, threads: npt.NDArray[np.uint32], times: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """Process id (uint32) of each thread at each time; UNKNOWN_ID where no event tells."""
        result = np.full(len(threads), UNKNOWN_ID, np.uint32)
        if not self._ids or not len(threads):
            return result
        ids, starts, owners = (np.concatenate(parts) for parts in (self._ids, self._times, self._processes))
        order = np.lexsort((starts, ids))
        ids, starts, owners = ids[order], starts[order], owners[order]
        for thread in np.unique(threads):
            low, high = np.searchsorted(ids, (thread, thread), side="left")[0], np.searchsorted(ids, thread, side="right")
            if low == high:
                continue
            rows = np.flatnonzero(threads == thread)
            at = low + np.searchsorted(starts[low:high], times[rows], side="right") - 1
            result[rows] = owners[np.maximum(at, low)]
        return result
