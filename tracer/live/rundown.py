"""Sees to it that processes, threads and images that were there before a capture have names.

Windows lists them at a session's start. Where it has listed none of a kind two seconds later, the machine is asked
instead, in a thread of its own: events go on meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import numpy as np

from tracer.etl.census import Counters
from tracer.events import image, process, thread
from tracer.live.api import Api, Snapshot
from tracer.live.following import LiveReading
from tracer.live.snapshot import KINDS, ring_of
from tracer.live.starting import Sessions
from tracer.live.steps import Outcome, StartStep
from tracer.trace import Listed

RUNDOWN_SECONDS: Final = 2.0
"""A session hands over what it has listed within a second, the time of its flush timer."""
LONGEST_SECONDS: Final = 5.0
"""How long the end of a capture waits for the machine's answer."""
_HOOKS: Final = {
    "process": (process.RUNDOWN_START, process.RUNDOWN_END),
    "thread": (thread.RUNDOWN_START, thread.RUNDOWN_END),
    "image": (image.RUNDOWN_START, image.RUNDOWN_END),
}
_WORDS: Final = {"process": "processes", "thread": "threads", "image": "images"}


class RundownWatch:
    """Looks at what came, and asks the machine once; ``sessions`` get notes and a step."""

    def __init__(self, api: Api, counters: Counters, sessions: Sessions, clock: Callable[[], float]) -> None:
        self._api = api
        self._counters = counters
        self._notes = sessions.notes
        self._steps = sessions.steps
        self._clock = clock
        self._due = clock() + RUNDOWN_SECONDS
        self._asking: threading.Thread | None = None
        self._found: Snapshot | None = None
        self._done = False
        self.listed: Listed | None = None
        """What the machine was asked for, as no event told it."""

    def look(self, reading: LiveReading) -> None:
        """Ask, if it is time, or take the answer, if it is there."""
        if self._asking is None and not self._done and reading.has_begun and self._clock() >= self._due:
            self._ask()
        if self._asking is not None and not self._asking.is_alive():
            self._take(reading)

    def finish(self, reading: LiveReading) -> None:
        """The capture ends: a short one has not asked so far."""
        if self._asking is None and not self._done and reading.has_begun:
            self._ask()
        if self._asking is not None:
            self._asking.join(LONGEST_SECONDS)
            self._take(reading)

    def _ask(self) -> None:
        if not self._missing():
            self._done = True
            return
        self._asking = threading.Thread(target=self._answer, name="snapshot", daemon=True)
        self._asking.start()

    def _answer(self) -> None:
        self._found = self._api.snapshot()

    def _take(self, reading: LiveReading) -> None:
        found, missing = self._found, self._missing()
        self._asking, self._done = None, True
        if not missing:
            return  # listed meanwhile
        kinds = missing & found.kinds if found is not None else frozenset[str]()
        outcome: Outcome = "granted" if kinds == missing else "left-out"
        self._steps.append(StartStep("snapshot", "CreateToolhelp32Snapshot", _words(missing), 0, outcome))
        if missing - kinds:
            self._notes.append(_missing_note(missing - kinds))
        if found is None:
            return
        if kinds:
            at_ns = reading.take_listed(ring_of(found, kinds), found.taken.ticks)
            self.listed = Listed(kinds, at_ns)
            self._notes.append(  # by the events' clock: the date may have been set meanwhile
                f"{_words(kinds)} that were there before are named from a snapshot taken {at_ns / 1e9:.1f} s after the "
                "start: no event told them"
            )
        if found.hidden and "image" in missing:
            self._notes.append(
                f"Windows hides the addresses of {found.hidden:,} of its drivers (24H2 and later, without the right to "
                "debug): stacks do not name them"
            )

    def _missing(self) -> frozenset[str]:
        counts = self._counters.by_hook
        return frozenset(kind for kind in KINDS if not np.any(counts[list(_HOOKS[kind])]))


def _words(kinds: frozenset[str]) -> str:
    words = [word for kind, word in _WORDS.items() if kind in kinds]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _missing_note(kinds: frozenset[str]) -> str:
    return f"Windows does not tell which {_words(kinds)} were there before"
