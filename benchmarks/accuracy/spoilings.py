"""What a session may lack or lose; each is crossed with every kind of trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from fixtures.etl.records import Record
from tracer.events import afd, irp, stack, thread

Lose = Callable[[list[Record]], list[Record]]
"""The records of a session, those that it loses marked as lost."""


class Spoiling(StrEnum):
    """One thing wrong with a trace."""

    NONE = "none"
    NO_STACKS = "no-stacks"
    NO_SWITCHES = "no-cswitch"
    NO_READY = "no-ready"
    NO_REQUESTS = "no-irp"
    NO_SOCKETS = "no-afd"
    NO_QUEUES = "no-queue"
    ALLOCATIONS_ONLY = "allocations-only"
    LOST_EVENTS = "lost-events"
    WRAPPED = "wrapped"
    LOST_BUFFERS = "lost-buffers"
    SILENT_LOSS = "silent-loss"
    CUT = "cut"


WEAKENING: Final = frozenset(
    {
        Spoiling.NO_STACKS,
        Spoiling.NO_SWITCHES,
        Spoiling.NO_READY,
        Spoiling.NO_REQUESTS,
        Spoiling.NO_SOCKETS,
        Spoiling.NO_QUEUES,
        Spoiling.ALLOCATIONS_ONLY,
    }
)
"""A kind of evidence is not there at all: a weaker accusation of the right culprit is right. Of ``ALLOCATIONS_ONLY``
nothing is there but pool, process, thread and image events, with stacks on allocations."""
UNTOLD: Final = frozenset({Spoiling.SILENT_LOSS})
"""Events are lost, and no counter, flag or sequence number tells it."""
LOSSY: Final = frozenset({Spoiling.LOST_EVENTS, Spoiling.LOST_BUFFERS}) | UNTOLD
"""Events are missing: an accusation of the innocent is a mistake only above a confidence of one half."""
CUT_AT: Final = (0.1, 0.9)
"""Share of its time after which the session of a ``CUT`` trace is stopped: whoever stops one does not know what the
programs are about to do."""
LEAST_LOST: Final = 0.001
MOST_LOST: Final = 0.2
"""Shares of events, drawn evenly on a logarithmic scale."""
KEPT_OF_A_RING: Final = (0.35, 0.75)
"""Share of its buffers that a circular file keeps."""
RING_BUFFER_SIZE: Final = 0x1000
"""Bytes of its buffers: small ones, so that there are enough to overwrite."""
_PER_CPU: Final = 2
"""A session has at least two buffers for each CPU (EVENT_TRACE_PROPERTIES, MinimumBuffers), and writes what they hold
when it is stopped: a circular file that keeps fewer would overwrite some of these with others. The smallest circular
file there is, 1 MB, keeps more."""
_REQUESTS: Final = frozenset({irp.CALL, irp.RETURN, irp.COMPLETION_ROUTINE, irp.COMPLETE, irp.COMPLETE_RETURN})
_SWITCHES: Final = frozenset({thread.CONTEXT_SWITCH, thread.READY})
_QUEUES: Final = frozenset({thread.QUEUE_INSERT, thread.QUEUE_REMOVE})
_STACKS: Final = frozenset({stack.STACK, stack.KEY_KERNEL, stack.KEY_USER, stack.KEY_RUNDOWN})
_NOT_RECORDED: Final[Mapping[Spoiling, frozenset[int]]] = {
    Spoiling.NO_STACKS: _STACKS,
    Spoiling.NO_SWITCHES: _SWITCHES,
    Spoiling.NO_READY: frozenset({thread.READY}),
    Spoiling.NO_REQUESTS: _REQUESTS,
    Spoiling.NO_QUEUES: _QUEUES,
    Spoiling.ALLOCATIONS_ONLY: _REQUESTS | _SWITCHES | _QUEUES,
}
_NO_SOCKETS: Final = frozenset({Spoiling.NO_SOCKETS, Spoiling.ALLOCATIONS_ONLY})


def ring_of(buffers: int, cpus: int, share: float) -> int:
    """Buffers that a circular file keeps of so many; with many CPUs and few buffers it may be all of them."""
    return max(_PER_CPU * cpus, int(buffers * share))


def recorded(record: Record, spoiling: Spoiling) -> bool:
    """Whether a session that lacks this kind of event has the record."""
    if record.provider == afd.PROVIDER:
        return spoiling not in _NO_SOCKETS
    return record.hook not in _NOT_RECORDED.get(spoiling, frozenset())
