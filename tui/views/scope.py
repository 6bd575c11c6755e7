"""What part of a trace the views are limited to, and how it came to be: the way down that Escape leads back up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from analyzers.quantities import moment


class Lifetime(Enum):
    """Which allocations an interval selects, by when they were made and freed."""

    INSIDE_KEPT = "made inside, not freed inside"
    INSIDE_FREED = "made and freed inside"
    BEFORE_KEPT = "made before, not freed inside"
    BEFORE_FREED = "made before, freed inside"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of the trace (nanoseconds since its start) and which allocations it selects."""

    from_ns: int
    to_ns: int
    lifetime: Lifetime = Lifetime.INSIDE_KEPT

    def __str__(self) -> str:
        return f"{moment(self.from_ns)} to {moment(self.to_ns)}: {self.lifetime.value}"

    @property
    def label(self) -> str:
        """Words for the step that limits to it."""
        return f"{moment(self.from_ns)} to {moment(self.to_ns)}, {self.lifetime.value}"

    @property
    def scope(self) -> Scope:
        """Everything, limited to it."""
        return Scope(interval=self, label=self.label)


@dataclass(frozen=True, slots=True)
class Scope:
    """Every field that is not ``None`` narrows.

    ``tag``: number with the protected bit clear, and whether paged. ``stack``: id in the stack table (-1: without a
    stack). ``frame``: address of an allocating frame. ``socket``: AFD endpoint. ``finding``: rank. ``cleared``: what a
    cleared group is known by. ``port``: number of the completion port, ``keeper``: name of the driver, that holds
    requests. ``thread`` goes with its ``process``.
    ``label``: words for the last step, made harmless by who shows it.
    """

    tag: tuple[int, bool] | None = None
    stack: int | None = None
    frame: int | None = None
    driver: str | None = None
    process: int | None = None
    thread: int | None = None
    endpoint: int | None = None
    finding: int | None = None
    cleared: tuple[int, ...] | None = None
    port: int | None = None
    keeper: str | None = None
    interval: Interval | None = None
    label: str = ""

    def __bool__(self) -> bool:
        return replace(self, label="") != EVERYTHING


EVERYTHING: Final = Scope()


@dataclass(frozen=True, slots=True)
class Step:
    """Where Enter on a row leads: a view, limited to a scope."""

    view: str
    scope: Scope
