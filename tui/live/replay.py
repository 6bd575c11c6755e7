"""A trace played as if it happened now: it can be paused, stepped, sought in, and played faster or slower."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from tracer.trace import Source
from tui.alerts.watching import Alarms
from tui.live.counting import Counting
from tui.live.follower import JUDGED_NS, REFRESH_SECONDS, Follower
from tui.live.pace import Pace
from tui.live.rates import RateMeter, Rates
from tui.live.update import LiveUpdate
from tui.redaction.redaction import Redaction

_TICK_NS: Final = 100
"""Of a FILETIME."""
_STEPS: Final = 100
"""A step is so small a part of the trace."""
_FASTEST: Final = 1024.0
"""Twice as fast as this is as fast as it goes."""
_SLOWEST: Final = 1 / 64

Order = Callable[[], None]


class Replay(Follower):
    """Orders are carried out in the worker's thread, between two batches.

    ``reopen`` opens the trace, once for each time that it is played from its start: what came later cannot be taken
    out of what was counted. ``end_ns``: how long the trace is, 0 where its header does not tell.
    """

    def __init__(
        self,
        reopen: Callable[[], Source],
        tags: TagNames,
        pace: Pace,
        alarms: Alarms | None = None,
        symbols: Symbols | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        source = reopen()
        super().__init__(source, tags, pace, alarms=alarms, symbols=symbols, redaction=redaction)
        self._symbols = symbols
        self.end_ns = max(source.info.end - source.info.start, 0) * _TICK_NS if source.info.end else 0
        self._reopen, self._tags = reopen, tags
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._ordered = threading.Event()
        self._is_paused = self._is_over = self._begins_again = False
        self._target_ns: int | None = None

    @property
    def label(self) -> str:
        """What the header says while events come."""
        return f"REPLAY {self.pace}{' TRACE PAUSED' if self._is_paused else ''}"

    def toggle(self) -> None:
        """Pause the trace, or go on; from its start where it is over."""
        self._order(self._toggle)

    def step(self) -> None:
        """Go on a little, and pause."""
        self._order(lambda: self._go_to(self._at_ns + max(self.end_ns // _STEPS, 1), pause=True))

    def seek(self, time_ns: int) -> None:
        """Go to a time, as fast as events can be counted, and go on or stay paused there."""
        self._order(lambda: self._go_to(max(time_ns, 0)))

    def change_speed(self, *, faster: bool) -> None:
        """Twice or half as fast."""
        self._order(lambda: self._change_speed(faster=faster))

    def stop(self) -> None:
        """End, also where it waits for an order."""
        super().stop()
        self._ordered.set()

    def _order(self, order: Order) -> None:
        self._orders.put(order)
        self._ordered.set()

    def _toggle(self) -> None:
        if self._is_over:
            self._go_to(0)
        else:
            self._is_paused = not self._is_paused

    def _go_to(self, time_ns: int, *, pause: bool = False) -> None:
        self._is_paused |= pause
        self._begins_again = time_ns < self._at_ns
        self._target_ns = time_ns

    def _change_speed(self, *, faster: bool) -> None:
        speed = self.pace.speed
        if speed is None:
            self.pace.speed = None if faster else _FASTEST
        elif faster:
            self.pace.speed = None if speed >= _FASTEST else speed * 2
        else:
            self.pace.speed = max(speed / 2, _SLOWEST)

    def _follow(self) -> None:
        while not self._stopped.is_set():
            self.pace.go_on_from(self._at_ns)
            self._reported_at = self.pace.clock()
            if self._play():
                self._is_over, self._is_counted = True, False
                self._finish("")
                while not (self._stopped.is_set() or self._begins_again):
                    self._obey(self._at_ns)
            if self._begins_again:
                self._begin_again()

    def _begin_again(self) -> None:
        self._counting = Counting(self._reopen(), self._tags, self.pace.clock, symbols=self._symbols)
        self._meter, self._rates = RateMeter(), Rates()
        self._alarms.begin_again()
        self._judged_ns = -JUDGED_NS
        self._at_ns, self._is_counted, self._is_over, self._begins_again = 0, False, False, False

    def _play(self) -> bool:
        """Whether it was played to its end."""
        for batch in self._counting.batches():
            if not self._goes_on(batch.until_ns):
                return False
            self._feed(batch)
            if self._target_ns is not None and self._at_ns >= self._target_ns:
                self._target_ns = None
                self.pace.go_on_from(self._at_ns)
                self._tell_all(self._at_ns)
            elif self._is_due():
                self._tell_all(self._at_ns)
        self._target_ns = None
        return not self._stopped.is_set()

    def _goes_on(self, until_ns: int) -> bool:
        """Wait until the next batch may be counted; ``False``: this trace is left."""
        while not (self._stopped.is_set() or self._begins_again):
            if self._orders.qsize():
                self._obey(self.pace.now(self._at_ns, until_ns))
            elif self._target_ns is not None:
                return True
            elif self._is_paused:
                self._obey(self._at_ns)
            elif (left := self.pace.wait_for(until_ns)) <= 0:
                return True
            else:
                self._ordered.wait(min(left, REFRESH_SECONDS))
                if self._is_due():
                    self._tell_all(self.pace.now(self._at_ns, until_ns))
        return False

    def _obey(self, now_ns: int) -> None:
        """Wait for an order, carry out what was ordered, and tell what that changes."""
        if self._is_counted:
            self._tell_all(now_ns)
        self._ordered.wait()
        self._ordered.clear()
        while self._orders.qsize():
            self._orders.get()()
        self.pace.go_on_from(now_ns)
        if not self._is_over:
            self._say(LiveUpdate(now_ns, self._rates))
