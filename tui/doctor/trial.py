"""A capture of a few seconds, in numbers: what a live Windows kernel really sends."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from analyzers.analysis import Analysis
from fixtures.winsock_loop import loop, server
from tracer.errors import MachineError
from tracer.live.api import Api
from tracer.live.capture import Capture
from tracer.live.plan import CapturePlan
from tracer.trace import Batch, Census, Loss

SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.1
_ROUNDS: Final = 500
"""Of the socket loop that runs meanwhile, so that there is something to see."""


@dataclass(slots=True)
class Trial:
    """``seen`` and ``with_stack``: events by kind of table; ``error``: what kept it from the end."""

    seen: dict[str, int] = field(default_factory=dict)
    with_stack: dict[str, int] = field(default_factory=dict)
    census: Census | None = None
    loss: Loss | None = None
    notes: tuple[str, ...] = ()
    reclaimed: tuple[str, ...] = ()
    rounds: int = 0
    error: MachineError | None = None

    def take(self, batch: Batch) -> None:
        """Count a batch."""
        for kind, table in batch.tables.items():
            self.seen[kind] = self.seen.get(kind, 0) + len(table.time)
            self.with_stack[kind] = self.with_stack.get(kind, 0) + int(np.count_nonzero(table.stack >= 0))


def attempt(api: Api) -> Trial:
    """Capture while a loop over sockets runs; never raises for what Windows refuses."""
    trial = Trial()
    sockets = threading.Thread(target=_loop, args=(trial, SECONDS / 2), name="socket loop")
    try:
        with Capture.open(CapturePlan(seconds=SECONDS), api) as capture:
            sockets.start()
            try:
                for batch in capture.batches(Analysis.KINDS):
                    trial.take(batch)
                    capture.wait(_LOOK_SECONDS)
            finally:
                trial.census, trial.loss, trial.notes = capture.census, capture.loss, capture.notes
                trial.reclaimed = capture.reclaimed
    except MachineError as error:
        trial.error = error
    if sockets.ident is not None:
        sockets.join()
    return trial


def _loop(trial: Trial, seconds: float) -> None:
    try:
        with server() as port:
            trial.rounds = loop(port, _ROUNDS, seconds).rounds
    except OSError:  # a machine on which nobody may listen: the rest is worth knowing all the same
        return
