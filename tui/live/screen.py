"""The screen of a trace that is followed: the views, and what the worker tells."""

from __future__ import annotations

import gc
import sys
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from analyzers.snapshot import Snapshot
from tui.live.update import LiveUpdate
from tui.live.worker import Worker
from tui.naming import Naming
from tui.screens.main import MainScreen
from tui.widgets.filter_line import FilterLine
from tui.widgets.live_line import LiveLine
from tui.widgets.trace_bar import TraceBar

_TURN_SECONDS: Final = 0.0005
"""How long the worker may keep Python to itself while the screen waits for it.

The event loop gives Python away each time it looks for input, some twenty times for a key; with Python's own 5 ms the
answer to it waits for most of that."""


_ALARM_SECONDS: Final = 30.0
"""How long an alarm covers a corner of the screen; the line below the header keeps it."""


class LiveScreen(MainScreen):
    """Takes a snapshot when one is told; the worker goes on counting whatever the screen does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("M", "mark", "Mark", id="main.mark", tooltip="From now on only what comes after counts"),
    ]

    class Updated(Message):
        """The worker has something to tell."""

        def __init__(self, moment: LiveUpdate) -> None:
            super().__init__()
            self.moment = moment

    def __init__(
        self, snapshot: Snapshot, first: str, follower: Worker, *, words: str = "", naming: Naming | None = None
    ) -> None:
        """``words``: a filter to begin with."""
        super().__init__(snapshot, first, naming=naming)
        self._follower = follower
        self._words = words
        self._line = LiveLine()
        self._turn_seconds = sys.getswitchinterval()

    def on_mount(self) -> None:
        """Begin to follow."""
        self.show(self.whole, self._follower.label)
        self.mount(self._line, after=self.query_one(TraceBar))
        sys.setswitchinterval(_TURN_SECONDS)
        gc.freeze()  # what is there stays: the collections that the worker's work sets off hold up the screen as well
        self._follower.start(self._tell)
        if self._words:
            self.call_after_refresh(self._filter_by, self._words)

    def _filter_by(self, words: str) -> None:
        self.query_one(FilterLine).value = words

    def on_unmount(self) -> None:
        """Nobody is told any more."""
        self._follower.stop()
        sys.setswitchinterval(self._turn_seconds)
        gc.unfreeze()

    @on(Updated)
    def _take(self, event: Updated) -> None:
        event.stop()
        self.show_update(event.moment)
        self.call_after_refresh(self._follower.taken)

    def show_update(self, moment: LiveUpdate) -> None:
        """Show what the worker has told."""
        self._line.show(moment)
        for alarm in moment.alarms:
            self.app.bell()
            self.notify(alarm, severity="error", timeout=_ALARM_SECONDS, markup=False)
        status = moment.state or self._follower.label
        if moment.snapshot is not None:
            self.show(moment.snapshot, status, ended=moment.ended)
        elif status != self._watch.status:
            self._watch.status = status
            self._refresh_bar()

    def _tell(self, moment: LiveUpdate) -> None:
        """Runs in the worker's thread and does not wait, so that leaving never waits for the worker either."""
        try:
            self.post_message(self.Updated(moment))
        except RuntimeError:  # the interface's event loop was closed in this very moment: nobody looks any more
            return
