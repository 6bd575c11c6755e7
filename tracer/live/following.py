"""A reading that goes on as long as its rings are written: what has come is walked, what is old enough goes out.

It is :class:`~tracer.etl.reading.Reading` with another source of buffers and another horizon; walk, stacks, order
and tables are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tracer.arrays import U32
from tracer.errors import Damage
from tracer.etl.buffers import BUFFER
from tracer.etl.census import Counters
from tracer.etl.classify import Classifier
from tracer.etl.logfile import LogFile
from tracer.etl.order import NO_HORIZON
from tracer.etl.reading import MOST_BYTES, BufferSource, Reading
from tracer.live.api import ClockReading
from tracer.live.ring import Ring
from tracer.live.ring_reader import Taken, Taker
from tracer.live.window import NOTHING, ReorderWindow
from tracer.stacks.table import StackTable
from tracer.trace import NO_LATE_STACKS, Batch, Gap

MOST_GAPS: Final = 10_000
FILETIME_SECOND: Final = 10_000_000
_NEAR_SECONDS: Final = 3600
"""A first record further than this from the session's start was not logged by this machine's clock (a replay)."""
_TURNS: Final = 256
"""Looks into a ring for one batch: 64 MB, so that a batch is made even when the worker cannot keep up."""


class LiveReading(Reading):
    """The state of one capture's events. ``began``: when the sessions were started."""

    def __init__(
        self, rings: Sequence[Ring], head: LogFile, began: ClockReading, classifier: Classifier, counters: Counters,
        stacks: StackTable, *, tags: U32, clock: Callable[[], float],
    ) -> None:  # fmt: skip
        source = BufferSource(lambda _offset, _view: 0, head, np.zeros(0, BUFFER))
        super().__init__(source, classifier, counters, stacks, window_bytes=0, threads=1)
        self._loader: Taker = Taker(tags)
        self._rings = rings
        self._began = began
        around = _NEAR_SECONDS * head.clock.frequency
        self._near = began.ticks - around, began.ticks + around
        self._window = ReorderWindow(clock)
        self._placed = False
        self._sent = NOTHING
        self.gaps: list[Gap] = []
        self.dropped = 0

    @property
    def head(self) -> LogFile:
        """What a file's head would say; the clock's origin is the first record's time."""
        return self._head

    @property
    def damage(self) -> list[Damage]:
        """Records out of order, payloads cut short."""
        return super().damage + self._loader.disorder

    @property
    def records(self) -> int:
        """Records taken so far."""
        return int(self._state["records"])

    @property
    def filtered(self) -> int:
        """Pool events left out so far because nobody asked for their tag."""
        return self._loader.filtered

    @property
    def waiting(self) -> int:
        """Bytes in the rings."""
        return sum(ring.waiting for ring in self._rings)

    @property
    def has_begun(self) -> bool:
        """Whether a record has come."""
        return self._placed

    def drain(self) -> int:
        """Take what has come, up to a bound; gives the records."""
        taken = 0
        for ring in self._rings:
            for _ in range(_TURNS):
                if not ring.waiting:
                    break
                taken += self._take(ring)
        return taken

    def take_listed(self, ring: Ring, ticks: int) -> int:
        """Take rows that no event told, from a ring of their own: nothing counts them, and no capture lasts until them.

        ``ticks``: their raw time, after that of everything that has gone out; gives it in ns.
        """
        counters, records, last_time = self._counters, self.records, self.last_time
        self._counters = Counters.zero()
        while ring.waiting:
            self._take(ring)
        self._counters = counters
        self._state["records"], self._state["last_time"] = records, last_time
        return self._head.clock.ns_of(ticks)

    def due(self) -> Batch | None:
        """What may go out now; ``None`` where nothing may that has not gone."""
        horizon = self._window.horizon()
        if self._pending.bytes > MOST_BYTES:
            horizon = self._window.give_up()
        if horizon <= self._sent:
            return None
        self._sent = horizon
        return self._next_batch(horizon)

    def idle(self) -> Batch:
        """A batch of nothing: what is known goes on being true."""
        until = self._head.clock.ns_of(self._sent) if self._placed and self._sent > NOTHING else 0
        return Batch({}, NO_LATE_STACKS, until, self._loader.bytes_read, self.records)

    def last(self) -> Batch:
        """All that is left; nothing may come after it."""
        for ring in self._rings:
            self._note_dropped(*ring.unreported)
        return self._next_batch(NO_HORIZON)

    def lost_by_session(self, since: int) -> None:
        """The session says that it lost events or buffers, at some time after ``since``, the newest raw time then."""
        if self._placed:
            clock = self._head.clock
            begin = clock.ns_of(max(since, clock.origin))
            self._note_gap(Gap(begin, max(begin, clock.ns_of(self._window.newest)), -1, "events-lost"))

    @property
    def newest(self) -> int:
        """The latest raw time that was seen."""
        return self._window.newest

    def _take(self, ring: Ring) -> int:
        taken = self._loader.take(ring, self._sent, self._near)
        if taken.records:
            self._place(taken)
            self._window.saw(taken.greatest)
            self._walk()
        for lost in taken.losses:
            self._note_dropped(*lost)
        return taken.records

    def _place(self, taken: Taken) -> None:
        """The first record's time is the capture's time 0."""
        if self._placed:
            return
        self._placed = True
        clock = self._head.clock
        after = (taken.first - self._began.ticks) * FILETIME_SECOND // clock.frequency
        is_near = self._near[0] <= taken.first <= self._near[1]
        start = self._began.filetime + (after if is_near else 0)
        self._head = replace(self._head, start=start, clock=replace(clock, origin=taken.first, start=start))
        self._state["last_time"] = taken.first

    def _note_dropped(self, count: int, first: int, last: int) -> None:
        """Records found no room in a ring."""
        if count:
            self.dropped += count
            clock = self._head.clock
            self._note_gap(Gap(clock.ns_of(first), clock.ns_of(last), -1, "ring-full"))

    def _note_gap(self, gap: Gap) -> None:
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append(gap)
        else:  # the last one reaches over all that are not listed
            last = self.gaps[-1]
            self.gaps[-1] = replace(last, to_ns=max(last.to_ns, gap.to_ns))
