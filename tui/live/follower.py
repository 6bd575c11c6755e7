"""The worker: takes events as they come, and tells what it knows a few times a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from analyzers.snapshot import Snapshot
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from tracer.errors import PoolscopeError
from tracer.live.counters import PoolCounters
from tracer.trace import Batch, Source
from tui.alerts.watching import Alarms
from tui.errors import error_text, internal
from tui.live.counting import Counting
from tui.live.pace import Pace
from tui.live.rates import Counts, RateMeter, Rates
from tui.live.update import LiveUpdate
from tui.live.worker import Worker
from tui.redaction.redaction import Redaction

REFRESH_SECONDS: Final = 0.5
"""How often the interface is told."""
JUDGED_NS: Final = 1_000_000_000
"""So much of the trace's time goes by between two looks whether an alert holds."""


class Follower(Worker):
    """Follows a source in a thread of its own, which alone touches source and analysis once it runs.

    ``pace``: how fast a trace is played; without one its events come at the pace at which they happen. ``baseline``:
    the pool's counters from before the first event, where they are known. ``alarms`` look at ``counted``, the pool's
    counters now, where they can be asked for: events tell nothing of what was there before them. ``symbols``: names
    addresses, by what others find for it.
    """

    def __init__(
        self,
        source: Source,
        tags: TagNames,
        pace: Pace | None = None,
        baseline: PoolCounters | None = None,
        alarms: Alarms | None = None,
        counted: Callable[[], Snapshot] | None = None,
        symbols: Symbols | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        super().__init__("follower", redaction)
        self.pace = pace or Pace(None)
        self._label = "LIVE" if pace is None else f"REPLAY {pace}"
        self._counting = Counting(source, tags, self.pace.clock, baseline, symbols)
        self._meter = RateMeter()
        self._rates = Rates()
        self._at_ns = 0
        self._is_counted = False
        self._reported_at = 0.0
        self._alarms = Alarms(()) if alarms is None else alarms
        self._counted = counted
        self._judged_ns = -JUDGED_NS
        self._rung: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What the header says while events come."""
        return self._label

    def first(self) -> Snapshot:
        """What is known before anything was read; for before :meth:`start`."""
        return self._told(self._counting.snapshot())

    def _run(self) -> None:
        try:
            self._follow()
            self._finish("")
        except PoolscopeError as error:
            self._finish(error_text(error))
        except Exception as error:  # a thread has no other net: what went wrong belongs on the screen
            self._finish(error_text(internal(error)))

    def _follow(self) -> None:
        self.pace.begin()
        self._reported_at = self.pace.clock()
        for batch in self._counting.batches():
            self._wait_until(batch.until_ns)
            if self._stopped.is_set():
                return
            self._feed(batch)
            if self._is_due():
                self._tell_all(self._at_ns)

    def _feed(self, batch: Batch) -> None:
        """Count a batch, and see whether an alert holds then."""
        self._counting.feed(batch)
        self._at_ns, self._is_counted = batch.until_ns, True
        if self._alarms and self._at_ns - self._judged_ns >= JUDGED_NS:
            self._judge()

    def _judge(self) -> None:
        self._judged_ns = self._at_ns
        snapshot = self._counting.counted() if self._counted is None else self._counted()
        self._rung += self._alarms.look(snapshot)

    def _wait_until(self, until_ns: int) -> None:
        """Let the trace's time pass, and tell how it does."""
        while (left := self.pace.wait_for(until_ns)) > 0:
            if self._stopped.wait(min(left, REFRESH_SECONDS)):
                return
            if self._is_due():
                self._tell_all(self.pace.now(self._at_ns, until_ns))

    def _is_due(self) -> bool:
        return self._taken.is_set() and self.pace.clock() - self._reported_at >= REFRESH_SECONDS

    def _tell_all(self, at_ns: int) -> None:
        """What was counted up to ``at_ns``; only the time where nothing was counted since it was told last."""
        if not self._is_counted:
            self._say(LiveUpdate(at_ns, self._rates))
            return
        self._is_counted = False
        snapshot = self._counting.snapshot()
        self._rates = self._meter.take(self._counting.counts(snapshot, at_ns))
        self._say(LiveUpdate(at_ns, self._rates, snapshot, self._counting.concluded_ns))

    def _finish(self, fault: str) -> None:
        """The last word: all there is, with conclusions of its own."""
        if self._stopped.is_set():
            return
        try:
            if self._alarms and not fault:
                self._judge()
            snapshot: Snapshot | None = self._counting.snapshot(partial=bool(fault), conclude=True)
        except Exception as error:  # what stopped the counting may have left it in a state that has no snapshot
            snapshot, fault = None, fault or error_text(internal(error))
        if snapshot is not None:
            self._rates = self._counting.counts(snapshot, snapshot.at_ns).since(Counts())
            self._at_ns = snapshot.at_ns
        self._say(LiveUpdate(self._at_ns, self._rates, snapshot, self._counting.concluded_ns, ended=True, fault=fault))

    def _say(self, moment: LiveUpdate) -> None:
        self._reported_at = self.pace.clock()
        rung, self._rung = self._rung, ()
        super()._say(replace(moment, alarms=rung))
