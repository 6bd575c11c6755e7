"""The worker: takes events as they come, and tells what it knows a few times a second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from tracer.errors import PoolscopeError
from tracer.trace import Source
from tui.errors import error_text, internal
from tui.live.counting import Counting
from tui.live.moment import Moment
from tui.live.pace import Pace
from tui.live.rates import Counts, RateMeter, Rates

REFRESH_SECONDS: Final = 0.5
"""How often the interface is told."""

Tell = Callable[[Moment], None]


class Follower:
    """Follows a source in a thread of its own, which alone touches source and analysis once it runs.

    ``pace``: how fast a trace is played; without one its events come at the pace at which they happen.
    """

    def __init__(self, source: Source, tags: TagNames, pace: Pace | None = None) -> None:
        self.pace = pace or Pace(None)
        self.label = "LIVE" if pace is None else f"REPLAY {pace}"
        """What the header says while events come."""
        self._counting = Counting(source, tags, self.pace.clock)
        self._meter = RateMeter()
        self._rates = Rates()
        self._at_ns = 0
        self._told_at = 0.0
        self._stopped = threading.Event()
        self._taken = threading.Event()
        self._taken.set()
        self._tell: Tell | None = None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def first(self) -> Snapshot:
        """What is known before anything was read; for before :meth:`start`."""
        return self._counting.snapshot()

    def start(self, tell: Tell) -> None:
        """Begin; ``tell`` is called in the worker's thread and must not wait."""
        self._tell = tell
        self._thread.start()

    def taken(self) -> None:
        """The interface has shown what it was told; it is not told more before."""
        self._taken.set()

    def stop(self) -> None:
        """End as soon as the batch or the snapshot in hand is done; returns at once."""
        self._stopped.set()

    def join(self) -> None:
        """Wait for the end."""
        if self._thread.ident is not None:
            self._thread.join()

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
        self._told_at = self.pace.clock()
        for batch in self._counting.batches():
            self._wait_until(batch.until_ns)
            if self._stopped.is_set():
                return
            self._counting.feed(batch)
            self._at_ns = batch.until_ns
            if self._is_due() and self._taken.is_set():
                self._tell_all()

    def _wait_until(self, until_ns: int) -> None:
        """Let the trace's time pass, and tell how it does."""
        while (left := self.pace.wait_for(until_ns)) > 0:
            if self._stopped.wait(min(left, REFRESH_SECONDS)):
                return
            if self._is_due() and self._taken.is_set():
                self._say(Moment(self.pace.now(self._at_ns, until_ns), self._rates))

    def _is_due(self) -> bool:
        return self.pace.clock() - self._told_at >= REFRESH_SECONDS

    def _tell_all(self) -> None:
        snapshot = self._counting.snapshot()
        self._rates = self._meter.take(self._counting.counts(snapshot))
        self._say(Moment(snapshot.at_ns, self._rates, snapshot, self._counting.concluded_ns))

    def _finish(self, fault: str) -> None:
        """The last word: all there is, with conclusions of its own."""
        if self._stopped.is_set():
            return
        try:
            snapshot: Snapshot | None = self._counting.snapshot(partial=bool(fault), conclude=True)
        except Exception as error:  # what stopped the counting may have left it in a state that has no snapshot
            snapshot, fault = None, fault or error_text(internal(error))
        if snapshot is not None:
            self._rates = self._counting.counts(snapshot).since(Counts())
            self._at_ns = snapshot.at_ns
        self._say(Moment(self._at_ns, self._rates, snapshot, self._counting.concluded_ns, ended=True, fault=fault))

    def _say(self, moment: Moment) -> None:
        self._told_at = self.pace.clock()
        self._taken.clear()
        if self._tell is not None and not self._stopped.is_set():
            self._tell(moment)
