"""The worker that asks for counters while an interface is open."""

from __future__ import annotations

import threading

from analyzers.snapshot import Snapshot
from tracer.errors import PoolscopeError
from tui.counters.beside import Beside
from tui.counters.sampling import EVERY, Sampling
from tui.errors import error_text, internal
from tui.live.rates import Counts, RateMeter, Rates
from tui.live.update import LiveUpdate
from tui.live.worker import Worker
from tui.redaction.redaction import Redaction


class CountersFollower(Worker):
    """Asks once a second in a thread of its own; ``seconds``: for so long. ``beside`` sees each answer.

    ``fault``: what ended it before its time.
    """

    def __init__(
        self,
        sampling: Sampling,
        every: float = EVERY,
        seconds: float | None = None,
        beside: Beside | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        super().__init__("counters", redaction)
        self._sampling = sampling
        self._every = every
        self._until_ns = float("inf") if seconds is None else seconds * 1e9
        self._lock = threading.Lock()
        self._meter = RateMeter()
        self._beside = beside or Beside()
        self._rung: tuple[str, ...] = ()
        self.fault: PoolscopeError | None = None

    @property
    def label(self) -> str:
        """What the header says."""
        return "COUNTERS"

    def first(self) -> Snapshot:
        """The first sample."""
        return self._told(self._latest())

    def rebase(self, *, here: bool) -> Snapshot:
        """Measure growth from now, or from the beginning again; gives the latest sample so measured."""
        with self._lock:
            self._sampling.rebase(here=here)
        return self.first()

    def _latest(self) -> Snapshot:
        with self._lock:
            return self._sampling.snapshot()

    def _run(self) -> None:
        try:
            self._rung += self._beside.look(self._latest())
            while not self._stopped.wait(self._every):
                is_over = self._sampling.at_ns >= self._until_ns
                self._ask(ended=is_over)
                if is_over:
                    return
        except PoolscopeError as error:
            self._fail(error)
        except Exception as error:  # a thread has no other net: what went wrong belongs on the screen
            self._fail(internal(error))

    def _ask(self, *, ended: bool) -> None:
        with self._lock:
            snapshot = self._sampling.sample()
        self._rung += self._beside.look(snapshot)
        if not (self._taken.is_set() or ended):
            return
        counts = Counts(snapshot.at_ns, 0, 0, snapshot.pool.totals.outstanding_bytes)
        rung, self._rung = self._rung, ()
        self._say(LiveUpdate(snapshot.at_ns, self._meter.take(counts), snapshot, ended=ended, alarms=rung))

    def _fail(self, error: PoolscopeError) -> None:
        self.fault = error
        self._say(LiveUpdate(self._sampling.at_ns, Rates(), ended=True, fault=error_text(error)))
