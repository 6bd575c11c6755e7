"""What a command takes: time on the clock, and of all CPUs together."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.best import timed


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds, the least of some runs; those of all CPUs tell more on a machine that does other things as well."""

    wall: float = float("inf")
    cpu: float = float("inf")

    def least(self, other: Taken) -> Taken:
        """Of both the lesser."""
        return Taken(min(self.wall, other.wall), min(self.cpu, other.cpu))


def taken(run: Callable[[], object]) -> Taken:
    """By what ``run`` starts and waits for."""
    before = os.times()
    wall, _ = timed(run)
    after = os.times()
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    return Taken(wall, user + system)
