"""Alarms: which alerts hold at a moment, told once each time that one begins to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import field
from typing import Final

import numpy as np

from analyzers.formatting import counted, exact_size, moment, number, size
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tracer.data_classes import dataclass
from tui.alerts.grammar import Alert, Subject

_KEPT: Final = 120
"""So many moments of a rate's stretch of time are remembered: it is measured to within a hundredth of it."""
_QUIET_NS: Final = 60_000_000_000
"""An amount that goes up and down around its limit is told once a minute and not each time."""


@dataclass(slots=True)
class _Watched:
    """One alert with what it was before: ``past``: (time, amount), the oldest first."""

    alert: Alert
    past: deque[tuple[int, int]] = field(default_factory=deque)
    holds: bool = False
    warned_ns: int | None = None

    def take(self, at_ns: int, amount: int, *, from_nothing: bool) -> str:
        """What to say of it; empty for nothing new. ``from_nothing``: the amount was 0 at time 0."""
        if from_nothing and not self.past:
            self.past.append((0, 0))
        value = amount if self.alert.per is None else self._growth(at_ns, amount, self.alert.per.nanoseconds)
        began, self.holds = not self.holds, self.alert.is_reached(value)
        if not (self.holds and began) or (self.warned_ns is not None and at_ns - self.warned_ns < _QUIET_NS):
            return ""
        self.warned_ns = at_ns
        return _words(self.alert, at_ns, value, amount)

    def _growth(self, at_ns: int, amount: int, span_ns: int) -> int:
        """What it has grown by within the last ``span_ns``; where nobody looked for longer, its share of that."""
        while len(self.past) > 1 and self.past[1][0] <= at_ns - span_ns:
            self.past.popleft()
        if not self.past:
            self.past.append((at_ns, amount))
            return 0
        since_ns, before = self.past[0]
        if at_ns - self.past[-1][0] >= span_ns // _KEPT:
            self.past.append((at_ns, amount))
        return (amount - before) * span_ns // max(at_ns - since_ns, span_ns)


class Alarms:
    """Looks at snapshots, one after the other; ``went_off``: whether any alert ever held."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        self._alerts = tuple(alerts)
        self._watched = [_Watched(alert) for alert in self._alerts]
        self.went_off = False

    def __bool__(self) -> bool:
        return bool(self._alerts)

    def look(self, snapshot: Snapshot) -> tuple[str, ...]:
        """A sentence for each alert that holds now and did not before."""
        from_nothing = not snapshot.counted  # events tell of what was allocated since the trace began
        warnings = [
            each.take(snapshot.at_ns, amount_of(snapshot, each.alert), from_nothing=from_nothing)
            for each in self._watched
        ]
        self.went_off |= any(each.holds for each in self._watched)
        return tuple(said for said in warnings if said)

    def begin_again(self) -> None:
        """Time has gone back: what was before is still to come."""
        self._watched = [_Watched(alert) for alert in self._alerts]


def amount_of(snapshot: Snapshot, alert: Alert) -> int:
    """Bytes, or allocations, that an alert counts in a snapshot."""
    tags, sites = snapshot.pool.tags, snapshot.pool.sites
    column = "outstanding_bytes" if alert.in_bytes else "outstanding_count"
    match alert.subject:
        case Subject.NONPAGED:
            rows = ~tags.paged
        case Subject.PAGED:
            rows = tags.paged
        case Subject.TAG:
            rows = np.array(Query(tags=(alert.name,)).fit_tags(tags.tag.tolist()), np.bool_)
        case Subject.DRIVER:
            rows = np.array(Query(drivers=(alert.name,)).fit_drivers(tags.driver), np.bool_)
            if not snapshot.counted:  # stacks tell more than a tag's name
                own = np.array(Query(drivers=(alert.name,)).fit_drivers(sites.driver), np.bool_)
                return int(getattr(sites, column)[own | rows[sites.tag_row]].sum())
    return int(getattr(tags, column)[rows].sum())


def _words(alert: Alert, at_ns: int, value: int, amount: int) -> str:
    show = exact_size if alert.in_bytes else lambda count: counted(count, "allocation")
    short = size if alert.in_bytes else number
    if alert.per is None:
        return f"alert: {alert.text}: {show(amount)} at {moment(at_ns)}"
    return f"alert: {alert.text}: +{show(value)} within 1 {alert.per}, now {short(amount)}, at {moment(at_ns)}"
