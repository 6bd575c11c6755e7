"""Samples of the pool's counters as snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from analyzers.counter_snapshot import CounterSnapshots
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from tracer.data_classes import dataclass
from tracer.live.api import Machine
from tracer.live.counters import PoolCounters, Query, pool_counters
from tracer.live.this_machine import ThisMachine
from tracer.trace import TraceInfo

EVERY: Final = 1.0
"""Seconds between two samples: what Windows answers has some thousand rows, a millisecond of work."""
NAME: Final = "pool counters"
_SECOND: Final = 1_000_000_000

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Counting:
    """Whom to ask, for what names to look, and of what machine to say it is; ``started`` is a FILETIME."""

    query: Query
    tags: TagNames
    machine: Machine
    started: int = 0
    clock: Clock = time.monotonic


def counting_of(machine: ThisMachine, names: TagNames) -> Counting:
    """Whom to ask on this machine."""
    return Counting(machine.query, names, machine.api.machine(), machine.api.now().filetime)


class Sampling:
    """Takes samples; the first is taken at once. Raises MachineError where Windows tells nothing."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._began = counting.clock()
        self._first = self._now = self._ask()
        self._now_ns = 0
        self._counted = CounterSnapshots(self._first, counting.tags)

    @property
    def at_ns(self) -> int:
        """Nanoseconds since the first sample."""
        return round((self._counting.clock() - self._began) * _SECOND)

    def sample(self) -> Snapshot:
        """Ask again."""
        self._now, self._now_ns = self._ask(), self.at_ns
        return self.snapshot()

    def snapshot(self, *, partial: bool = False) -> Snapshot:
        """The latest sample."""
        at_ns = self.at_ns
        return self._counted.snapshot(self._now, self._info(at_ns), at_ns, partial=partial)

    def rebase(self, *, here: bool) -> None:
        """Measure growth from the latest sample, or from the first one again."""
        self._counted.since(self._now if here else self._first, self._now_ns if here else 0)

    def _ask(self) -> PoolCounters:
        return pool_counters(self._counting.query, self._counting.machine.pointer_size)

    def _info(self, at_ns: int) -> TraceInfo:
        machine = self._counting.machine
        return TraceInfo(
            path=NAME, bytes=0, session="", start=self._counting.started, end=0, duration_ns=at_ns,
            os_build=machine.build, pointer_size=machine.pointer_size, processors=machine.processors, buffers=0,
            compressed_buffers=0, clock="qpc", clock_frequency=machine.frequency, mode=(), finalised=True,
            simulated=False,
        )  # fmt: skip
