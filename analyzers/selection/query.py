"""What part of a snapshot somebody asks for, in words or by stepping down to it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from analyzers.formatting import moment
from analyzers.pooltag import tag_text
from analyzers.processes import Process, ProcessLife
from analyzers.selection.wording import WHOLE, WordKind, names_of
from tracer.data_classes import dataclass


class Lifetime(Enum):
    """Which allocations an interval selects, by when they were made and freed."""

    INSIDE_KEPT = "made inside, not freed inside"
    INSIDE_FREED = "made and freed inside"
    BEFORE_KEPT = "made before, not freed inside"
    BEFORE_FREED = "made before, freed inside"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of the trace (nanoseconds since its start, from and before) and which allocations it selects."""

    from_ns: int
    to_ns: int
    lifetime: Lifetime = Lifetime.INSIDE_KEPT

    def __str__(self) -> str:
        return f"{moment(self.from_ns)} to {moment(self.to_ns)}, {self.lifetime.value}"


@dataclass(frozen=True, slots=True)
class Query:
    """Every field that is given narrows; what is selected fits all of them.

    ``tags``, ``processes``, ``drivers``, ``functions`` (in the kernel stacks): words as people type them
    (:mod:`analyzers.selection.wording`; a process may be asked for by its id, too), of which any may fit. The others
    stand for one thing each. ``tag``: number with the protected bit clear, and whether paged. ``driver``: module of the
    allocating frame. ``thread`` goes with its ``process``. ``stack``: id in the stack table (-1: without a stack);
    ``stacks``: several, of which any may fit.
    ``frame``: address of an allocating frame. ``endpoint``: of a socket (AFD). ``finding``: rank. ``cleared``: what a
    cleared group is known by. ``port``: number of the completion port, ``keeper``: name of the driver, that holds
    requests.
    """

    tags: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    tag: tuple[int, bool] | None = None
    driver: str | None = None
    process: ProcessLife | None = None
    thread: int | None = None
    stack: int | None = None
    frame: int | None = None
    endpoint: int | None = None
    finding: int | None = None
    cleared: tuple[int, ...] | None = None
    port: int | None = None
    keeper: str | None = None
    interval: Interval | None = None
    functions: tuple[str, ...] = ()
    stacks: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self != EVERYTHING

    def __str__(self) -> str:
        """What was asked for in words."""
        kinds = [f"{kind} {' or '.join(words)}" for kind, words in self.by_kind if words]
        within = self.interval
        when = [f"allocated from {moment(within.from_ns)} to {moment(within.to_ns)}"] if within else []
        return ", ".join([*kinds, *when])

    @property
    def by_kind(self) -> tuple[tuple[WordKind, tuple[str, ...]], ...]:
        """The words of each kind."""
        return (
            (WordKind.TAG, self.tags),
            (WordKind.PROCESS, self.processes),
            (WordKind.DRIVER, self.drivers),
            (WordKind.FUNCTION, self.functions),
        )

    @property
    def by_process(self) -> bool:
        """Whether some processes' memory is in and others' is not."""
        return bool(self.processes) or self.process is not None

    @property
    def by_allocation(self) -> bool:
        """Whether some of a site's allocations may be in and others out."""
        exact = (self.thread, self.finding, self.cleared, self.interval)
        return self.by_process or self.by_holder or any(each is not None for each in exact)

    @property
    def by_holder(self) -> bool:
        """Whether it asks for what some requests or sockets hold."""
        return any(each is not None for each in (self.endpoint, self.port, self.keeper))

    @property
    def by_memory(self) -> bool:
        """Whether it asks for what no request tells of itself: only findings tell which requests go with it."""
        exact = (self.tag, self.stack, self.frame, self.driver, self.finding, self.cleared)
        return bool(self.tags or self.drivers or self.functions or self.stacks) or any(
            each is not None for each in exact
        )

    def fit_tags(self, tags: Iterable[int]) -> list[bool]:
        """For each tag whether its name fits; all do where no word asks for one."""
        return _fit(WordKind.TAG, self.tags, map(tag_text, tags))

    def fit_drivers(self, drivers: Iterable[str]) -> list[bool]:
        """For each module whether its name fits; all do where no word asks for one."""
        return _fit(WordKind.DRIVER, self.drivers, drivers)

    def fits_functions(self, names: Iterable[str]) -> bool:
        """Whether any of a stack's functions (``MODULE!FUNCTION``) fits; all do where no word asks for one."""
        return not self.functions or any(_fit(WordKind.FUNCTION, self.functions, names))

    def fits_process(self, process: Process) -> bool:
        """Whether it is the process, and what any of the words stands for."""
        in_words = not self.processes or any(is_process(word, process.id, process.name) for word in self.processes)
        return in_words and self.process in (None, process.life)


EVERYTHING: Final = Query()


def is_process(word: str, pid: int, name: str) -> bool:
    """Whether a process is what ``word`` stands for: a number is its id, not a part of its name."""
    number = word.removeprefix(WHOLE)
    if number.isdecimal():
        return (number.lstrip("0") or "0") == str(pid)
    return names_of(WordKind.PROCESS, word)(name)


def _fit(kind: WordKind, words: tuple[str, ...], names: Iterable[str]) -> list[bool]:
    asked = [names_of(kind, word) for word in words]
    known: dict[str, bool] = {}
    found = []
    for name in names:
        if name not in known:
            known[name] = not asked or any(fits(name) for fits in asked)
        found.append(known[name])
    return found
