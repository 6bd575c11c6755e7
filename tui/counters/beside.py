"""What looks at every sample of the pool's counters besides who shows it: alarms, and a log."""

from __future__ import annotations

from dataclasses import field

from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tui.alerts.watching import Alarms
from tui.counters.log import CountersLog
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted


@dataclass(frozen=True, slots=True)
class Beside:
    """``log``: ``None`` where none is kept; ``redaction``: of what is written there."""

    alarms: Alarms = field(default_factory=lambda: Alarms(()))
    log: CountersLog | None = None
    redaction: Redaction | None = None

    def look(self, snapshot: Snapshot) -> tuple[str, ...]:
        """What alarms say of a sample. Raises OutputError where the log cannot be written."""
        if self.log is not None:
            self.log.take(snapshot if self.redaction is None else redacted(snapshot, self.redaction))
        return self.alarms.look(snapshot) if self.alarms else ()
