"""Processes over time: ids are used again, so a name belongs to an id and a time.

Life events and the rundowns at the start and the end of a session (DCStart, DCEnd) tell the same things.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.by_time import first_after
from analyzers.fields import merged
from tracer.columns import UNKNOWN_ID, EventTable
from tracer.events.process import DEFUNCT, END, START
from tracer.jit import kernel

BEFORE: Final = np.iinfo(np.int64).min
"""When something had begun whose beginning the trace does not have."""

IDLE_PROCESS: Final = 0
SYSTEM_PROCESS: Final = 4
_WELL_KNOWN: Final = {IDLE_PROCESS: "Idle", SYSTEM_PROCESS: "System"}
"""Process ids that are the same on every Windows machine."""


@dataclass(frozen=True, slots=True)
class Process:
    """One use of a process id: ``started_ns`` is :data:`BEFORE` where its start was not seen."""

    id: int
    name: str
    parent: int
    started_ns: int
    ended_ns: int | None = None


@dataclass(slots=True)
class _Life:
    """What is known so far of one use of a process id."""

    started: int
    name: str
    parent: int
    ended: int | None = None

    def of(self, pid: int) -> Process:
        return Process(pid, self.name or _WELL_KNOWN.get(pid, ""), self.parent, self.started, self.ended)


class Processes:
    """All processes seen so far."""

    def __init__(self) -> None:
        self._lives: dict[int, list[_Life]] = {}

    def feed(self, table: EventTable) -> None:
        """Take one batch's process events (starts, ends, rundowns)."""
        ids = merged(table, "process", "process_pointer", dtype=np.uint32).tolist()
        parents = merged(table, "parent", "parent_pointer", dtype=np.uint32).tolist()
        names = table.blob("image_name")
        events = zip(table.event.tolist(), ids, table.time.tolist(), parents, strict=True)
        for row, (event, pid, time, parent) in enumerate(events):
            self._note(event, pid, time, names.ansi(row), parent)

    def _note(self, event: int, pid: int, time: int, name: str, parent: int) -> None:
        lives = self._lives.setdefault(pid, [])
        if event == START:
            lives.append(_Life(time, name, parent))
        elif not lives:
            lives.append(_Life(BEFORE, name, parent))
        elif _is_another(lives[-1], event, name):
            lives.append(_Life(lives[-1].ended or time, name, parent))
        life = lives[-1]
        life.name = life.name or name
        if event == END:
            life.ended = time

    def at(self, pid: int, time: int) -> Process:
        """The process that had this id at ``time``; its name is empty where no event tells it."""
        lives = self._lives.get(pid, [])
        if not lives:
            return _unseen(pid)
        row = max(0, bisect_right(lives, time, key=attrgetter("started")) - 1)
        return lives[row].of(pid)

    def name(self, pid: int) -> str:
        """Name of the last process with this id."""
        return self.at(pid, np.iinfo(np.int64).max).name

    def known(self) -> frozenset[tuple[int, str]]:
        """Id and name of every process seen so far."""
        return frozenset((pid, life.of(pid).name) for pid, lives in self._lives.items() for life in lives)

    def lives_of(
        self, pids: npt.NDArray[np.uint32], times: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int32], Sequence[Process]]:
        """Which process had each id at each time: rows (int32) of the processes given with them."""
        known = [life.of(pid) for pid in sorted(self._lives) for life in self._lives[pid]]
        rows = np.empty(len(pids), np.int32)
        ids = np.array([life.id for life in known], np.uint32)
        _find_lives(ids, np.array([life.started_ns for life in known], np.int64), pids, times, rows)
        strange = np.flatnonzero(rows < 0)
        unseen, members = np.unique(pids[strange], return_inverse=True)
        rows[strange] = len(known) + members
        return rows, known + [_unseen(pid) for pid in unseen.tolist()]


def _unseen(pid: int) -> Process:
    """A process that no event tells about."""
    return Process(pid, _WELL_KNOWN.get(pid, ""), UNKNOWN_ID, BEFORE)


def _is_another(life: _Life, event: int, name: str) -> bool:
    """Whether an event after a process's end tells of the next one with its id, whose start was lost.

    A process may be listed after its end, as long as something holds on to it.
    """
    return life.ended is not None and event != DEFUNCT and bool(name) and name != life.name


@kernel
def _find_lives(
    ids: npt.NDArray[np.uint32],
    starts: npt.NDArray[np.int64],
    pids: npt.NDArray[np.uint32],
    times: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int32],
) -> None:
    """By id and time: the last life that had started, else the id's first, else -1; lives are by id, then start."""
    for i in range(pids.shape[0]):
        low = first_after(ids, starts, pids[i], times[i])
        if low > 0 and ids[low - 1] == pids[i]:
            rows[i] = low - 1
        elif low < ids.shape[0] and ids[low] == pids[i]:
            rows[i] = low
        else:
            rows[i] = -1
