"""A thread that learns what happens and tells the interface, one telling at a time."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from analyzers.snapshot import Snapshot
from tui.live.update import LiveUpdate
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted

Tell = Callable[[LiveUpdate], None]


class Worker(ABC):
    """What works in a thread of its own once it was started; the work is :meth:`_run`.

    ``redaction``: of all that it tells, in that thread; what it works on stays as it is.
    """

    def __init__(self, name: str, redaction: Redaction | None = None) -> None:
        self._redaction = redaction
        self._stopped = threading.Event()
        self._taken = threading.Event()
        self._taken.set()
        self._tell: Tell | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    @abstractmethod
    def label(self) -> str:
        """What the header says while it works."""

    def start(self, tell: Tell) -> None:
        """Begin; ``tell`` is called in the worker's thread and must not wait."""
        self._tell = tell
        self._thread.start()

    def taken(self) -> None:
        """The interface has shown what it was told; it is not told more before."""
        self._taken.set()

    def stop(self) -> None:
        """End as soon as what is in hand is done; returns at once."""
        self._stopped.set()

    def join(self) -> None:
        """Wait for the end."""
        if self._thread.ident is not None:
            self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """The work, in the thread."""

    def _told(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as it may be shown."""
        return snapshot if self._redaction is None else redacted(snapshot, self._redaction)

    def _say(self, moment: LiveUpdate) -> None:
        """Tell it, unless nobody listens any more."""
        self._taken.clear()
        if self._redaction is not None:
            moment = replace(
                moment,
                snapshot=moment.snapshot and self._told(moment.snapshot),
                fault=self._redaction.text(moment.fault),
                alarms=tuple(map(self._redaction.text, moment.alarms)),
            )
        if self._tell is not None and not self._stopped.is_set():
            self._tell(moment)


class Interface(Protocol):
    """An app that shows what a worker tells."""

    def show(self) -> None:
        """Run until the user leaves."""


def run_beside(app: Interface, worker: Worker) -> None:
    """Run the interface until the user leaves, then end its worker."""
    try:
        app.show()
    finally:
        worker.stop()
        worker.join()
