"""Times in which nothing ran: the machine slept or was stopped, and all that waited then is older by them."""

from __future__ import annotations

import numpy as np

from analyzers.policy import STANDSTILL
from tracer.arrays import I64
from tracer.trace import Batch, Standstill

_MOST = 1_000


class Standstills:
    """Looks for them between context switches, which a machine that is awake makes all the time. ``found``: so far.

    Windows logs nothing of its sleep in the sessions that are read here, and its clocks go on in it.
    """

    def __init__(self) -> None:
        self.found: tuple[Standstill, ...] = ()
        self._last_ns: int | None = None

    def feed(self, batch: Batch) -> None:
        """Take a batch."""
        table = batch.tables.get("context_switch")
        if table is None or not len(table):
            return
        times: I64 = table.time
        since = times[0] if self._last_ns is None else self._last_ns
        for row in np.flatnonzero(np.diff(times, prepend=since) >= STANDSTILL.least_ns)[
            : _MOST - len(self.found)
        ].tolist():
            self.found += (Standstill(int(times[row - 1]) if row else int(since), int(times[row])),)
        self._last_ns = int(times[-1])
