"""A capture that is followed while it runs: the sessions, their consumers, and the events as batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager
from types import TracebackType

from tracer.errors import Damage
from tracer.live.api import Api
from tracer.live.plan import CapturePlan
from tracer.stacks.table import StackTable
from tracer.trace import Batch, ByteCount, Census, Loss, TraceInfo


class Capture(AbstractContextManager["Capture"]):
    """A running capture; satisfies :class:`~tracer.trace.Source`. Made by :meth:`open`."""

    stacks: StackTable

    @classmethod
    def open(cls, plan: CapturePlan, api: Api, clock: Callable[[], float] = time.monotonic) -> Capture:
        """Start sessions and consumers."""
        raise NotImplementedError

    @property
    def info(self) -> TraceInfo:
        """The header."""
        raise NotImplementedError

    @property
    def notes(self) -> tuple[str, ...]:
        """What Windows did not offer."""
        raise NotImplementedError

    @property
    def reclaimed(self) -> tuple[str, ...]:
        """Sessions that a crashed capture had left behind, and that were stopped."""
        raise NotImplementedError

    @property
    def census(self) -> Census:
        """Counts so far."""
        raise NotImplementedError

    @property
    def loss(self) -> Loss:
        """What is missing so far."""
        raise NotImplementedError

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read so far."""
        raise NotImplementedError

    @property
    def bytes(self) -> ByteCount:
        """Where the bytes went."""
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        """Wait until there are events to take, at most so long; true where there are, or where it has ended."""
        raise NotImplementedError

    def batches(self, kinds: Collection[str] | None = None) -> Generator[Batch]:
        """The events, in time order; ends after :meth:`stop`."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the sessions; what they have logged still comes. Any thread may call it."""
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError
