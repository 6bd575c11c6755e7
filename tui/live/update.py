"""What the worker tells the interface."""

from __future__ import annotations

from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tui.live.rates import Rates


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """``at_ns``: time of the trace. ``snapshot``: ``None`` where only time has passed since the one before.

    ``concluded_ns``: what time the latest conclusions are of. ``fault``: why following has stopped too early.
    ``alarms``: sentences of alerts that hold and did not before.
    """

    at_ns: int
    rates: Rates
    snapshot: Snapshot | None = None
    concluded_ns: int = 0
    ended: bool = False
    fault: str = ""
    alarms: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """What must not be overlooked; empty while events come."""
        return "STOPPED" if self.fault else "SESSION ENDED" if self.ended else ""
