"""The stage that every kind of trace plays on: conditions, machine, script, and the innocent going about their work."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.accuracy.scripted.conditions import SECOND, Conditions, draw
from benchmarks.accuracy.scripted.machine import Machine, Thread
from benchmarks.accuracy.scripted.noise import noise
from benchmarks.accuracy.scripted.script import Script
from benchmarks.accuracy.scripted.sites import Site, lognormal, site, steady

_BACKGROUND: Final = 0.25
"""Share of the trace's pool events that belong to innocent sites."""
_NOISE: Final = 0.01
_LEAST_NOISE: Final = 20
"""Requests and port entries of innocent programs, as a share of the trace's pool events."""
_SPELLS_NS: Final = (1 * SECOND, 600 * SECOND)
"""Connections in TIME-WAIT are kept for 30 s to 5 min, idle ones of HTTP for 2 min, and caches look after their entries
as often (TcpTimedWaitDelay and ConnectionTimeout on learn.microsoft.com)."""
_MOST_SPELLS: Final = 40


@dataclass(slots=True)
class Stage:
    """One trace being set up."""

    rng: random.Random
    conditions: Conditions
    machine: Machine
    script: Script

    @property
    def duration(self) -> int:
        """Of the trace, in nanoseconds."""
        return self.conditions.duration_ns

    @property
    def budget(self) -> int:
        """Allocations with their frees that a kind's own work may take."""
        return int(self.conditions.events * (1 - _BACKGROUND)) // 2

    def threads(self, most: int = 3) -> tuple[Thread, ...]:
        """Threads of one new process."""
        owner = self.machine.process()
        return tuple(self.machine.thread(owner) for _ in range(self.rng.randrange(1, most + 1)))

    def site(self, *, paged: bool | None = None) -> Site:
        """A site of a third party's driver, in calls of a new process's threads."""
        return site(self.machine, self.threads(), paged=paged)

    def share(self, least: float, most: float) -> float:
        """Some share between two."""
        return self.rng.uniform(least, most)

    def spell(self) -> float:
        """How long something is kept for a while, however long the trace is: 1 s to 10 min, in nanoseconds.

        Evenly on a logarithmic scale. At least a fortieth of the trace, so that a script stays short.
        """
        spell = math.exp(self.rng.uniform(*map(math.log, _SPELLS_NS)))
        return max(spell, self.duration / _MOST_SPELLS)

    def background(self) -> None:
        """Innocent sites with lifetimes of all scales."""
        for _ in range(self.rng.randrange(3, 7)):
            image = self.machine.drivers[self.rng.choice(list(self.machine.drivers))]
            innocent = site(self.machine, self.threads(2), image=image)
            median = self.duration * 10 ** self.rng.uniform(-5, -2.2)
            lifetimes = lognormal(self.rng, median, self.rng.uniform(0.3, 1.5), self.duration * 0.4)
            steady(self.script, innocent, int(self.conditions.events * _BACKGROUND / 2 / 6), lifetimes)
        noise(self, max(_LEAST_NOISE, int(self.conditions.events * _NOISE)))


def new_stage(seed: str, events: int = 0) -> Stage:
    """The same seed gives the same stage; ``events``: pool events instead of as many as are drawn."""
    rng = random.Random(seed)
    conditions = draw(rng)
    if events:
        conditions = replace(conditions, events=events)
    return Stage(rng, conditions, Machine(rng, conditions), Script(conditions.duration_ns, rng))
