"""Which of the files that are given together are one trace, and why.

Files belong together where they were recorded on one machine in one boot, by the same clock, and
- are parts of one session, which went on in another file (``EVENT_TRACE_FILE_MODE_NEWFILE``, or a controller that gave
  the session another file name), and follow one another without a pause; or
- overlap in time: what was recorded by several sessions at once.
Microsoft's own merging asks for the same (``CreateMergedTraceFile``: simultaneous sessions of one computer, or others
of the same boot).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tracer.data_classes import dataclass
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tracer.etl.headers import LogFileMode
from tracer.etl.heads import same_clock, same_session, same_start
from tracer.etl.joining.contradiction import Shared, shared
from tracer.etl.joining.recording import Recording, is_copy, recording_of
from tracer.etl.rolled import numbered

_DIFFERENT: Final = "they tell different pool events of the same moments on the same processors: not of one machine"
_TWICE: Final = (
    "they hold the same pool events, and one session writes an event to one file: one is made from the other"
)
ADJOINING_SECONDS: Final = 2.0
"""A session that goes on in another file writes its next event at once; where little happens, a moment later."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are one trace, in the order in which they end; one file that belongs to no other is a group as well.

    ``why``: for each file, why it belongs to one of the others, empty for the first. ``apart``: why files that look as
    if they belonged to this group do not, a sentence each.
    """

    paths: tuple[Path, ...]
    why: tuple[str, ...]
    apart: tuple[str, ...] = ()


def groups_of(paths: Sequence[Path]) -> list[Group]:
    """The groups in the order in which their first files were given. A file that cannot be opened stands alone."""
    found = [(place, recording) for place, path in enumerate(paths) if (recording := _recording(path)) is not None]
    found.sort(key=lambda each: (each[1].last, each[1].numbers, each[1].first))
    teams = _Teams([recording for _, recording in found])
    out = []
    for rows in teams.members():
        files = tuple(found[row][1].path for row in rows)
        apart = tuple(says for row in rows for says in teams.apart[row])
        out.append((min(found[row][0] for row in rows), Group(files, tuple(teams.why[row] for row in rows), apart)))
    known = {place for place, _ in found}
    out += [(place, Group((path,), ("",))) for place, path in enumerate(paths) if place not in known]
    return [group for _, group in sorted(out, key=lambda each: each[0])]


class _Teams:
    """Recordings, in time order, put together pair by pair; ``why`` and ``apart`` are by recording (:class:`Group`)."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        count = len(recordings)
        self.why = [""] * count
        self.apart: list[list[str]] = [[] for _ in recordings]
        self._team = list(range(count))
        self._foes: set[tuple[int, int]] = set()
        pairs = [(earlier, later) for later in range(count) for earlier in range(later - 1, -1, -1)]
        names = [numbered(recording.path) for recording in recordings]
        alike = [pair for pair in pairs if _alike(names[pair[0]], names[pair[1]])]
        for earlier, later in dict.fromkeys(alike + pairs):  # parts of one recording before all others
            if self._team[earlier] != self._team[later]:
                self._compare(earlier, later, recordings)

    def members(self) -> list[list[int]]:
        """The rows of each team, in time order."""
        return [rows for team in dict.fromkeys(self._team) if (rows := self._of(team))]

    def _of(self, team: int) -> list[int]:
        return [row for row, each in enumerate(self._team) if each == team]

    def _compare(self, earlier: int, later: int, recordings: Sequence[Recording]) -> None:
        joined, says = _relation(recordings[earlier], recordings[later])
        new, old = self._of(self._team[earlier]), self._of(self._team[later])
        if not joined:
            self.apart[later] += [says] if says else []
            self._foes |= {(earlier, later)} if says else set()
        elif not any((min(a, b), max(a, b)) in self._foes for a in new for b in old):
            self.why[later] = self.why[later] or says
            for row in old:
                self._team[row] = self._team[earlier]


def _alike(one: tuple[str, int] | None, other: tuple[str, int] | None) -> bool:
    """Whether two names differ in a number alone."""
    return one is not None and other is not None and one[0] == other[0]


def _recording(path: Path) -> Recording | None:
    """``None`` for a file that cannot be opened, or that holds several sessions: these are told one by one."""
    with suppress(InputError), EtlFile.open(path, threads=1) as file:
        return recording_of(file) if file.sessions == 1 else None
    return None


def _relation(earlier: Recording, later: Recording) -> tuple[bool, str]:
    """Whether a file belongs to one that begins before it, and why or why not; no words where nothing suggests it."""
    if not same_clock(earlier.head, later.head):
        return False, ""
    joined, says = _by_time(earlier, later)
    common = shared(earlier, later) if joined else Shared.NOTHING
    if common is Shared.DIFFERENT:
        return False, f"{later.path.name} is not joined to {earlier.path.name}: {_DIFFERENT}"
    if is_copy(earlier, later):
        return False, f"{later.path.name} and {earlier.path.name} hold the same buffers: one is a copy of the other"
    if common is Shared.SAME and same_session(earlier.head, later.head):
        return False, f"{later.path.name} is not joined to {earlier.path.name}: {_TWICE}"
    return joined, says


def _by_time(earlier: Recording, later: Recording) -> tuple[bool, str]:
    pause = later.seconds(later.first - earlier.last)
    if same_session(earlier.head, later.head):
        name = f"session {later.head.session}"
        if same_start(earlier.head, later.head) or _goes_on(earlier, later):
            return True, f"goes on with {earlier.path.name}: the same {name}"
        if 0 <= pause <= ADJOINING_SECONDS:
            return True, f"goes on with {earlier.path.name}: the same {name}, {_pause(pause)} later"
        if pause > 0:
            files = f"{later.path.name} is not joined to {earlier.path.name}"
            return False, f"{files}: {name} as well, but {_pause(pause)} lie between them"
    if pause > 0:
        return False, ""
    return (
        True,
        f"recorded at the same time on the same machine as {earlier.path.name} (boot time and clock are the same)",
    )


def _goes_on(earlier: Recording, later: Recording) -> bool:
    """Whether its buffers go on counting where the other's end: a session counts its buffers through all its files."""
    first, last = later.numbers[0], earlier.numbers[1]
    switched = earlier.head.mode & LogFileMode.NEWFILE or first > 1
    return bool(switched and last) and first == last + 1


def _pause(seconds: float) -> str:
    for unit, size in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.3g} seconds" if seconds >= 1 else f"{seconds * 1_000:.3g} ms"
