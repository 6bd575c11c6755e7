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

from analyzers.fields import merged
from analyzers.process_names import file_name, fits, is_too_long_to_be_cut, is_whole, program_of, shown
from tracer.columns import UNKNOWN_ID, BlobColumn, EventTable
from tracer.events.process import DEFUNCT, END, START
from tracer.jit import kernel
from tracer.search import first_after

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
    """What is known so far of one use of a process id: ``raw`` is its name as logged, ``told`` what Unicode says."""

    started: int
    raw: bytes
    parent: int
    ended: int | None = None
    told: str = ""

    def of(self, pid: int, *, never_cut: bool) -> Process:
        name = self.told or shown(self.raw, never_cut=never_cut) or _WELL_KNOWN.get(pid, "")
        return Process(pid, name, self.parent, self.started, self.ended)

    def hear(self, name: str) -> None:
        """Take a Unicode file name where it tells more than the logged one, and agrees with it."""
        if not self.told and not is_whole(self.raw) and fits(self.raw, name):
            self.told = name


class Processes:
    """All processes seen so far."""

    def __init__(self) -> None:
        self._lives: dict[int, list[_Life]] = {}
        self._unclear: set[int] = set()  # ids with a name that an image may tell better
        self._never_cut = False

    def feed(self, table: EventTable) -> None:
        """Take one batch's process events (starts, ends, rundowns)."""
        ids = merged(table, "process", "process_pointer", dtype=np.uint32).tolist()
        parents = merged(table, "parent", "parent_pointer", dtype=np.uint32).tolist()
        names, lines = table.blob("image_name"), table.fields.get("command_line")
        events = zip(table.event.tolist(), ids, table.time.tolist(), parents, strict=True)
        for row, (event, pid, time, parent) in enumerate(events):
            life = self._note(event, pid, time, names.bytes(row), parent)
            if is_whole(life.raw):
                continue
            if isinstance(lines, BlobColumn):
                life.hear(program_of(lines.utf16(row)))
            if not life.told:
                self._unclear.add(pid)

    def feed_images(self, table: EventTable) -> None:
        """Take one batch's image events: programs of processes whose name is not clear."""
        if not self._unclear:
            return
        ids = merged(table, "process", dtype=np.uint32)
        paths = table.blob("file_name")
        for row in np.flatnonzero(np.isin(ids, list(self._unclear))).tolist():
            name = file_name(paths.utf16(row))
            if name.lower().endswith(".exe"):
                self._life_at(int(ids[row]), int(table.time[row])).hear(name)

    def _note(self, event: int, pid: int, time: int, name: bytes, parent: int) -> _Life:
        lives = self._lives.setdefault(pid, [])
        if event == START:
            lives.append(_Life(time, name, parent))
        elif not lives:
            lives.append(_Life(BEFORE, name, parent))
        elif _is_another(lives[-1], event, name):
            lives.append(_Life(lives[-1].ended or time, name, parent))
        life = lives[-1]
        life.raw = life.raw or name
        if event == END:
            life.ended = time
        self._never_cut = self._never_cut or is_too_long_to_be_cut(name)
        return life

    def at(self, pid: int, time: int) -> Process:
        """The process that had this id at ``time``; its name is empty where no event tells it."""
        if pid not in self._lives:
            return _unseen(pid)
        return self._life_at(pid, time).of(pid, never_cut=self._never_cut)

    def _life_at(self, pid: int, time: int) -> _Life:
        lives = self._lives[pid]
        return lives[max(0, bisect_right(lives, time, key=attrgetter("started")) - 1)]

    def started_ns(self, pid: int, time: int) -> int | None:
        """When the process that had this id at ``time`` was started; ``None`` where its start was not seen."""
        started = self.at(pid, time).started_ns
        return None if started == BEFORE else started

    def name(self, pid: int) -> str:
        """Name of the last process with this id."""
        return self.at(pid, np.iinfo(np.int64).max).name

    def known(self) -> frozenset[tuple[int, str]]:
        """Id and name of every process seen so far."""
        return frozenset(
            (pid, life.of(pid, never_cut=self._never_cut).name) for pid, lives in self._lives.items() for life in lives
        )

    def lives_of(
        self, pids: npt.NDArray[np.uint32], times: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int32], Sequence[Process]]:
        """Which process had each id at each time: rows (int32) of the processes given with them."""
        known = [life.of(pid, never_cut=self._never_cut) for pid in sorted(self._lives) for life in self._lives[pid]]
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


def _is_another(life: _Life, event: int, name: bytes) -> bool:
    """Whether an event after a process's end tells of the next one with its id, whose start was lost.

    A process may be listed after its end, as long as something holds on to it.
    """
    return life.ended is not None and event != DEFUNCT and bool(name) and name != life.raw


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
