"""A capture without an interface: from its first event to its last, or to Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from tracer.data_classes import dataclass
from tracer.errors import MachineError
from tracer.live.capture import Capture
from tracer.live.counters import PoolCounters
from tracer.live.plan import CapturePlan
from tracer.live.this_machine import ThisMachine
from tui.alerts.watching import Alarms
from tui.counters.sampling import EVERY
from tui.interrupts import Interrupts
from tui.streams import say

_LOOK_SECONDS = 0.1
"""How long nobody looks for Ctrl-C where no events come."""


@dataclass(frozen=True, slots=True)
class Captured:
    """What came of it. ``fault``: why it ended before its time, ``None`` where it did not.

    ``notes``: what Windows did not offer; ``left_behind``: sessions of a Poolscope that crashed, stopped at the start.
    """

    snapshot: Snapshot
    notes: tuple[str, ...]
    left_behind: tuple[str, ...]
    fault: MachineError | None


@dataclass(slots=True)
class Watching:
    """Alarms that look at the pool's counters once a second; ``counted`` asks for them."""

    alarms: Alarms
    counted: Callable[[], Snapshot] | None
    _next: float = 0.0

    def look(self) -> None:
        """Say what begins to hold on stderr. Raises MachineError where Windows does not tell its counters any more."""
        if self.counted is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            for alarm in self.alarms.look(self.counted()):
                say(alarm)


def captured(
    machine: ThisMachine,
    plan: CapturePlan,
    names: TagNames,
    before: PoolCounters | None,
    watching: Watching | None = None,
    symbols: Symbols | None = None,
) -> Captured:
    """Capture until the plan's time is up, the session ends, or Ctrl-C, which without a time is the planned end.

    ``symbols``: names addresses, once events come no more. Raises MachineError where it cannot begin.
    """
    fault: MachineError | None = None
    with Interrupts(noted=1) as interruption, Capture.open(plan, machine.api) as capture:
        analysis = Analysis(capture, names, before, symbols)
        try:
            _take(capture, analysis, interruption, watching or Watching(Alarms(()), None))
        except MachineError as error:
            fault = error
        cut_short = fault is not None or (interruption.asked and plan.seconds is not None)
        snapshot = analysis.snapshot(partial=cut_short)
        return Captured(snapshot, capture.notes, capture.reclaimed, fault)


def _take(capture: Capture, analysis: Analysis, interruption: Interrupts, watching: Watching) -> None:
    for batch in capture.batches(Analysis.KINDS):
        analysis.feed(batch)
        watching.look()
        if interruption.asked:
            capture.stop()
        capture.wait(_LOOK_SECONDS)
