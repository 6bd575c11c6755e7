"""Counters of a made machine that leaks, and a clock that nobody waits for."""

from __future__ import annotations

from analyzers.tags import TagNames
from tests.tracer.live.counted import Kernel, Tag
from tracer.live.api import Machine
from tui.counters.sampling import Counting, Sampling

MACHINE = Machine(build=26100, processors=8, pointer_size=8, frequency=10_000_000)
STEADY = Tag(b"MmSt", nonpaged=(5, 0, 50_000), paged=(9, 2, 70_000))


class Leaking(Kernel):
    """AfdE grows by ten allocations, 1,600 bytes, between any two answers."""

    def query(self, kind: int, room: int) -> tuple[int, bytes, int]:
        answer = super().query(kind, room)
        afde = self.tags[1]
        made, freed, held = afde.nonpaged
        self.tags[1] = Tag(afde.name, (made + 12, freed + 2, held + 1_600))
        return answer


class Clock:
    """Goes on by what was slept."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def leaking() -> Leaking:
    return Leaking([STEADY, Tag(b"AfdE", nonpaged=(100, 40, 9_600))])


def sampling(clock: Clock, kernel: Kernel | None = None) -> Sampling:
    return Sampling(Counting((kernel or leaking()).query, TagNames.load(), MACHINE, 0, clock))
