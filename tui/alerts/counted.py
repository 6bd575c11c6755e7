"""Alarms on this machine: they look at the pool's counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from tracer.live.this_machine import ThisMachine
from tui.alerts.grammar import Alert, Subject
from tui.alerts.watching import Alarms
from tui.counters.sampling import Sampling, counting_of
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted
from tui.unfitting import check


def alarms_here(
    machine: ThisMachine, names: TagNames, alerts: Sequence[Alert], redaction: Redaction | None = None
) -> tuple[Alarms, Callable[[], Snapshot] | None]:
    """The alarms, and what asks for the counters that they look at: ``None`` where there are no alerts.

    Raises MachineError where Windows does not tell its counters.
    """
    if not alerts:
        return Alarms(()), None
    sampling = Sampling(counting_of(machine, names))
    warn_of_unknown(sampling.snapshot(), alerts, redaction)
    return Alarms(alerts), sampling.sample


def warn_of_unknown(snapshot: Snapshot, alerts: Sequence[Alert], redaction: Redaction | None = None) -> None:
    """Say on stderr which tags and drivers of the alerts are not there so far: a typing error would never show."""
    named = {
        kind: tuple(alert.name for alert in alerts if alert.subject is kind) for kind in (Subject.TAG, Subject.DRIVER)
    }
    asked = Query(tags=named[Subject.TAG], drivers=named[Subject.DRIVER])
    if redaction is not None:
        snapshot = redacted(snapshot, redaction)
        asked = redaction.query(asked)
    check(snapshot, asked, lenient=True)
