"""Names that are still being learnt while somebody asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock

from analyzers.pool_tables import Frame, Names
from analyzers.processes import Process
from tracer.arrays import I32, I64, U64
from tracer.data_classes import dataclass


@dataclass(frozen=True, slots=True)
class GuardedNames:
    """Waits while the worker takes a batch: what it learns from one is not there in parts."""

    names: Names
    lock: Lock

    def process(self, pid: int, at_ns: int | None = None) -> str:
        """Image name of a process."""
        with self.lock:
            return self.names.process(pid, at_ns)

    def lives(self, pid: int) -> Sequence[Process]:
        """Every process that had an id."""
        with self.lock:
            return self.names.lives(pid)

    def process_names(self) -> frozenset[tuple[int, str]]:
        """Every process so far."""
        with self.lock:
            return self.names.process_names()

    def images(self) -> frozenset[tuple[str, str]]:
        """Every image so far."""
        with self.lock:
            return self.names.images()

    def builds(self) -> Mapping[str, frozenset[tuple[int, int]]]:
        """Of every kernel image so far."""
        with self.lock:
            return self.names.builds()

    def frames(self, stack: int, process: int = 0) -> tuple[Frame, ...]:
        """The frames of a stack."""
        with self.lock:
            return self.names.frames(stack, process)

    def frames_of(self, stacks: I32) -> tuple[list[Frame], I64, I64]:
        """The distinct frames of many stacks."""
        with self.lock:
            return self.names.frames_of(stacks)

    def addresses(self, stacks: I32) -> tuple[U64, I64]:
        """The frames of many stacks."""
        with self.lock:
            return self.names.addresses(stacks)
