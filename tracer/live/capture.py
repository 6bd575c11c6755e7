"""A capture that is followed while it runs: the sessions, their consumers, and the events as batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Final

import numpy as np

from tracer.arrays import U32
from tracer.errors import Damage, MachineError
from tracer.etl.census import Counters
from tracer.etl.classify import Classifier, classifier
from tracer.events.registry import LAYOUTS
from tracer.live import failures
from tracer.live.api import Api, ClockReading, Status
from tracer.live.consumer import Consumer
from tracer.live.following import LiveReading
from tracer.live.plan import CapturePlan
from tracer.live.ring import KERNEL_RING_BYTES, SOCKETS_RING_BYTES, Ring
from tracer.live.ring_reader import rehearse
from tracer.live.rundown import RundownWatch
from tracer.live.session import Session
from tracer.live.session_header import head_of, info_of
from tracer.live.starting import Sessions, start_sessions
from tracer.live.steps import StartStep
from tracer.live.watching import LossWatch
from tracer.stacks.table import StackTable
from tracer.trace import Batch, ByteCount, Census, Loss, TraceInfo

POLL_SECONDS: Final = 0.05
"""How long :meth:`Capture.wait` waits between two looks into the rings."""
MANY_BYTES: Final = 1 << 20
"""Bytes in the rings that are taken without waiting for more."""
END_SECONDS: Final = 10.0
"""How long a stopped session may take to deliver what it holds (Microsoft: several seconds); given up then."""
_TAG_BITS: Final = 0x7FFFFFFF


class Capture(AbstractContextManager["Capture"]):
    """A running capture; satisfies :class:`~tracer.trace.Source`. Made by :meth:`open`.

    Batches are for one thread; :meth:`wait` and :meth:`stop` may be called by any.
    """

    def __init__(
        self, plan: CapturePlan, api: Api, sessions: Sessions, consumers: list[Consumer], began: ClockReading,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._api = api
        self._plan = plan
        self._sessions = sessions
        self._consumers = consumers
        self._clock = clock
        self._began = began
        self._until = None if plan.seconds is None else clock() + plan.seconds
        self._head = head_of(sessions, began)
        self._counters = Counters.zero()
        self._classifier: Classifier | None = None
        self._reading: LiveReading | None = None
        self._rundown: RundownWatch | None = None
        self._stopped_at: float | None = None
        self._lock = threading.Lock()
        self.stacks = StackTable()

    @classmethod
    def open(
        cls, plan: CapturePlan, api: Api, clock: Callable[[], float] = time.monotonic, *,
        ring_bytes: int = KERNEL_RING_BYTES, steps: list[StartStep] | None = None,
    ) -> Capture:  # fmt: skip
        """Start sessions and consumers; ``ring_bytes`` is the memory for kernel events that wait for the worker.

        ``steps`` gets what was asked of Windows, also where that fails.

        :class:`~tracer.errors.MachineError`, codes of :mod:`tracer.live.failures`; nothing of ours runs then.
        """
        from tracer.live.callback import event_callback  # compiles, the first time

        callback = event_callback()
        rehearse()
        with ExitStack() as undo:
            consumers: list[Consumer] = []

            def receive(session: Session) -> int:
                ring = Ring(min(ring_bytes, SOCKETS_RING_BYTES) if consumers else ring_bytes)
                consumers.append(Consumer(api, session.name, ring, callback))
                undo.callback(consumers[-1].close)
                return consumers[-1].start()

            began = api.now()
            sessions = start_sessions(plan, api, steps, receive)
            undo.callback(sessions.stop)
            made = cls(plan, api, sessions, consumers, began, clock)
            undo.pop_all()
        return made

    @property
    def info(self) -> TraceInfo:
        """The header: of a capture what it knows of itself so far."""
        read = 0 if self._reading is None else self._reading.byte_count.records
        head = self._head if self._reading is None else self._reading.head
        last = 0 if self._reading is None else max(0, head.clock.ns_of(self._reading.last_time))
        listed = None if self._rundown is None else self._rundown.listed
        return replace(info_of(head, self._sessions, read, last), listed=listed)

    @property
    def notes(self) -> tuple[str, ...]:
        """What Windows did not offer: sentences for the user."""
        return tuple(self._sessions.notes)

    @property
    def steps(self) -> tuple[StartStep, ...]:
        """What was asked of Windows at the start, and what it answered."""
        return tuple(self._sessions.steps)

    @property
    def reclaimed(self) -> tuple[str, ...]:
        """Sessions that a crashed capture had left behind, and that were stopped."""
        return self._sessions.reclaimed

    @property
    def census(self) -> Census:
        """Counts of what was taken so far."""
        return self._counters.census({} if self._classifier is None else self._classifier.provider_totals())

    @property
    def loss(self) -> Loss:
        """What the sessions lost and what found no room here, so far, each placed in time."""
        losses = self._sessions.losses
        dropped, gaps = (0, []) if self._reading is None else (self._reading.dropped, self._reading.gaps)
        return Loss(losses.events + dropped, losses.buffers, tuple(sorted(gaps, key=lambda gap: gap.from_ns)))

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What was out of order or cut short, so far."""
        return () if self._reading is None else tuple(self._reading.damage)

    @property
    def bytes(self) -> ByteCount:
        """Bytes of the records taken so far; there is no file with headers and gaps around them."""
        if self._reading is None:
            return ByteCount(0, 0, 0, 0)
        count = self._reading.byte_count
        return ByteCount(0, count.records, count.padding, 0)

    @property
    def filtered(self) -> int:
        """Pool events of tags that the plan does not name, so far: Windows sent them all the same."""
        return 0 if self._reading is None else self._reading.filtered

    @property
    def waiting_bytes(self) -> int:
        """Bytes in the rings: how far the worker is behind."""
        return sum(consumer.ring.waiting for consumer in self._consumers)

    def wait(self, seconds: float) -> bool:
        """Let events come, for so long, or until there are many; true where there are any, or where it has ended.

        Taking few at a time would cost more than the taking itself.
        """
        end = time.monotonic() + seconds
        while not (self.waiting_bytes >= MANY_BYTES or self._over()):
            left = end - time.monotonic()
            if left <= 0:
                return self.waiting_bytes > 0
            time.sleep(min(left, POLL_SECONDS))
        return True

    def stop(self) -> None:
        """Stop the sessions; what they have logged still comes. The second time nothing happens."""
        with self._lock:
            if self._stopped_at is None:
                self._stopped_at = time.monotonic()
            self._sessions.stop()

    def batches(self, kinds: Collection[str] | None = None) -> Generator[Batch]:
        """The events of the given kinds (default: all that have a layout), in time order, for once.

        It never waits: where nothing is due it gives an empty batch (see :meth:`wait`). It ends after :meth:`stop`
        and after the plan's seconds; :class:`~tracer.errors.MachineError` after the last batch where the sessions
        ended in another way.
        """
        reading, watch = self._begin(kinds), LossWatch(self._sessions, self._clock)
        self._rundown = rundown = RundownWatch(self._api, self._counters, self._sessions, self._clock)
        fault: MachineError | None = None
        while not self._over():
            if self._stopped_at is None:
                fault = self._fault()
                if fault is not None or (self._until is not None and self._clock() >= self._until):
                    self.stop()
                else:
                    watch.ask(reading)
            reading.drain()
            rundown.look(reading)
            yield reading.due() or reading.idle()
        self.close()
        while reading.drain():
            continue
        watch.settle(reading)
        rundown.finish(reading)
        yield reading.last()
        if fault is not None:
            raise fault

    def _begin(self, kinds: Collection[str] | None) -> LiveReading:
        wanted = {layout.kind for layout in LAYOUTS} if kinds is None else kinds
        self._classifier = classifier(wanted)
        self._reading = LiveReading(
            [consumer.ring for consumer in self._consumers], self._head, self._began, self._classifier,
            self._counters, self.stacks, tags=_tags(self._plan), clock=self._clock,
        )  # fmt: skip
        return self._reading

    def _over(self) -> bool:
        """Whether no more events come: the sessions were stopped and have delivered, or take too long over it."""
        if self._stopped_at is None:
            return False
        late = time.monotonic() - self._stopped_at > END_SECONDS
        return late or all(consumer.ended for consumer in self._consumers)

    def _fault(self) -> MachineError | None:
        """Why events have ended that nobody here stopped."""
        for session, consumer in zip(self._sessions.all, self._consumers, strict=True):
            if consumer.ended and consumer.status not in (Status.SUCCESS, Status.CANCELLED):
                return failures.refused("ProcessTrace", session.name, consumer.status)
            if consumer.ended:
                return failures.taken(session.name)
        return None

    def close(self) -> None:
        """Stop everything and let go of it: sessions first, so that what they hold is delivered."""
        try:
            self.stop()
        finally:
            for consumer in self._consumers:
                consumer.wait(END_SECONDS)
                consumer.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _tags(plan: CapturePlan) -> U32:
    """The plan's tags as the events have them, without the bit that says that a block is protected."""
    return np.array([int.from_bytes(tag, "little") & _TAG_BITS for tag in plan.tags], np.uint32)
