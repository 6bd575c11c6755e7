"""Processes over time: ids are used again, so a name belongs to an id and a time.

Life events and the rundowns at the start and the end of a session (DCStart, DCEnd) tell the same things.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from analyzers.factorize import coded
from analyzers.fields import merged
from analyzers.process_names import file_name, fits, is_too_long_to_be_cut, is_whole, program_of, shown
from tracer.arrays import I64
from tracer.columns import UNKNOWN_ID, BlobColumn, EventTable
from tracer.data_classes import dataclass
from tracer.events.process import DEFUNCT, END, START

BEFORE: Final = np.iinfo(np.int64).min
"""When something had begun whose beginning the trace does not have."""

IDLE_PROCESS: Final = 0
SYSTEM_PROCESS: Final = 4
_WELL_KNOWN: Final = {IDLE_PROCESS: "Idle", SYSTEM_PROCESS: "System"}
"""Process ids that are the same on every Windows machine."""


class ProcessLife(NamedTuple):
    """What tells one use of a process id from the others: ``started_ns`` is :data:`BEFORE` where no start was seen."""

    id: int
    started_ns: int = BEFORE


@dataclass(frozen=True, slots=True)
class Process:
    """One use of a process id.

    ``started_ns`` is :data:`BEFORE` where its start was not seen, ``ended_ns`` ``None`` where its end was not.
    """

    id: int
    name: str
    parent: int
    started_ns: int = BEFORE
    ended_ns: int | None = None

    @property
    def life(self) -> ProcessLife:
        """What stays the same about it, whatever else the trace tells of it."""
        return ProcessLife(self.id, self.started_ns)


class KnowsLives(Protocol):
    """What tells the uses of process ids."""

    def lives(self, pid: int) -> Sequence[Process]:
        """The processes that had this id, one after the other; at least one, which may have no name."""


def lives_at(
    names: KnowsLives, pids: npt.NDArray[np.integer], times: I64
) -> tuple[list[Process], npt.NDArray[np.integer]]:
    """The processes that have had these ids, by id and start, and by row which of them had its id at its time.

    That is the last that had started by then, before all of them the first. Some may be of no row.
    """
    ids, rows = coded(pids)
    every = [names.lives(pid) for pid in ids.tolist()]
    known = [life for lives in every for life in lives]
    if len(known) == len(every):
        return known, rows
    count = np.array([len(lives) for lives in every])
    place = (np.cumsum(count) - count)[rows]
    again = np.flatnonzero(count[rows] > 1)
    again = again[np.argsort(rows[again], kind="stable")]
    for mine in np.split(again, np.flatnonzero(np.diff(rows[again])) + 1):
        if len(mine):
            later = [life.started_ns for life in every[rows[mine[0]]][1:]]
            place[mine] += np.searchsorted(later, times[mine], side="right")
    return known, place


def life_at(names: KnowsLives, pid: int, at_ns: int) -> ProcessLife:
    """Which use of a process id a time falls into."""
    lives, rows = lives_at(names, np.array([pid]), np.array([at_ns]))
    life: Process = lives[rows[0]]
    return life.life


@dataclass(slots=True)
class _Life:
    """What is known so far of one use of a process id: as logged (``raw``), and in Unicode (``unicode_name``)."""

    started: int
    raw: bytes
    parent: int
    ended: int | None = None
    unicode_name: str = ""

    def of(self, pid: int, *, never_cut: bool) -> Process:
        name = self.unicode_name or shown(self.raw, never_cut=never_cut) or _WELL_KNOWN.get(pid, "")
        return Process(pid, name, self.parent, self.started, self.ended)

    def hear(self, name: str) -> None:
        """Take a Unicode file name where it tells more than the logged one, and agrees with it."""
        if not self.unicode_name and not is_whole(self.raw) and fits(self.raw, name):
            self.unicode_name = name


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
            if not life.unicode_name:
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

    def lives(self, pid: int) -> Sequence[Process]:
        """The processes that had this id, one after the other; one without a name where no event tells of any."""
        known = self._lives.get(pid, ())
        return [life.of(pid, never_cut=self._never_cut) for life in known] or [_unseen(pid)]


def _unseen(pid: int) -> Process:
    """A process that no event tells about."""
    return Process(pid, _WELL_KNOWN.get(pid, ""), UNKNOWN_ID, BEFORE)


def _is_another(life: _Life, event: int, name: bytes) -> bool:
    """Whether an event after a process's end tells of the next one with its id, whose start was lost.

    A process may be listed after its end, as long as something holds on to it.
    """
    return life.ended is not None and event != DEFUNCT and bool(name) and name != life.raw
