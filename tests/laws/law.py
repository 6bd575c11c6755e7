"""What a law is, and how a trace that breaks one is told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tests.laws.events import Event
from tests.laws.requests import Story

Check = Callable[[Story], Iterator[str]]
MOST_TOLD: Final = 3
"""Violations of one law that a report spells out."""


@dataclass(frozen=True, slots=True)
class Law:
    """``says``: what always holds, in one sentence; ``source``: where that is public."""

    name: str
    says: str
    source: str
    check: Check


LAWS: Final[dict[str, Law]] = {}


def law(says: str, source: str) -> Callable[[Check], Check]:
    """Put a check among the laws; what it yields are violations in words."""

    def add(check: Check) -> Check:
        name = check.__name__
        LAWS[name] = Law(name, says, source, check)
        return check

    return add


def broken(story: Story) -> dict[str, list[str]]:
    """The violations of every law that the trace breaks, by the law's name."""
    found = {name: list(each.check(story)) for name, each in LAWS.items()}
    return {name: violations for name, violations in found.items() if violations}


def report(found: dict[str, list[str]]) -> str:
    """What is broken, for a person; the empty string where nothing is."""
    lines = []
    for name, violations in found.items():
        lines += [f"{name}: {LAWS[name].says} ({LAWS[name].source}); broken {len(violations)} times"]
        lines += [f"    {violation}" for violation in islice(violations, MOST_TOLD)]
    return "\n".join(lines)


def before(first: Event | None, second: Event | None) -> bool:
    """Whether the first is known to have come before the second, which may never have come."""
    return first is not None and (second is None or first.order < second.order)
