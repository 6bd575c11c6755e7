"""What ``--tag``, ``--process`` and ``--driver`` ask for, and what fits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analyzers.pooltag import tag_text
from analyzers.quantities import moment
from analyzers.selection.wording import WHOLE, Kind, names_of


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; several words of one kind mean any of them, several kinds mean all.

    The words are those of :mod:`analyzers.selection.wording`; a process may be asked for by its id, too. ``between``:
    when it was allocated, nanoseconds since the trace's start (from, and before).
    """

    tags: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    between: tuple[int, int] | None = None

    def __bool__(self) -> bool:
        return bool(self.tags or self.processes or self.drivers or self.between)

    def __str__(self) -> str:
        kinds = [f"{kind} {' or '.join(words)}" for kind, words in self.by_kind if words]
        when = [f"allocated from {moment(self.between[0])} to {moment(self.between[1])}"] if self.between else []
        return ", ".join([*kinds, *when])

    @property
    def by_kind(self) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
        """The words of each kind."""
        return (Kind.TAG, self.tags), (Kind.PROCESS, self.processes), (Kind.DRIVER, self.drivers)

    @property
    def by_allocation(self) -> bool:
        """Whether some of a site's allocations may be in and others out."""
        return bool(self.processes or self.between)

    def fit_tags(self, tags: Iterable[int]) -> list[bool]:
        """For each tag whether it fits; all do where no tag was asked for."""
        return _fit(Kind.TAG, self.tags, map(tag_text, tags))

    def fit_drivers(self, drivers: Iterable[str]) -> list[bool]:
        """For each module name whether it fits; all do where no driver was asked for."""
        return _fit(Kind.DRIVER, self.drivers, drivers)

    def fits_process(self, pid: int, name: str) -> bool:
        """Whether a process fits; each does where none was asked for."""
        return not self.processes or any(is_process(word, pid, name) for word in self.processes)


def is_process(word: str, pid: int, name: str) -> bool:
    """Whether a process is what ``word`` stands for: a number is its id, not a part of its name."""
    number = word.removeprefix(WHOLE)
    if number.isdecimal():
        return (number.lstrip("0") or "0") == str(pid)
    return names_of(Kind.PROCESS, word)(name)


def _fit(kind: Kind, words: tuple[str, ...], names: Iterable[str]) -> list[bool]:
    asked = [names_of(kind, word) for word in words]
    known: dict[str, bool] = {}
    found = []
    for name in names:
        if name not in known:
            known[name] = not asked or any(fits(name) for fits in asked)
        found.append(known[name])
    return found
