"""What the analyzers conclude: accusations with their evidence, what was cleared and why, and pending APCs.

Everything here is immutable and made for people and for ``--json``; nothing in it is per event but the few
events that a person is shown as evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """Why a group of allocations is outstanding."""

    PENDING_APC = "pending-apc"
    MISSING_FREE = "missing-free"
    GROWTH = "growth"
    CACHE = "cache"
    TRANSIENT = "transient"
    PRE_TRACE = "pre-trace"
    UNKNOWN = "unknown"


ACCUSATIONS: Final = frozenset({Verdict.PENDING_APC, Verdict.MISSING_FREE, Verdict.GROWTH})
"""Verdicts that name a culprit; the others clear a group."""


class ThreadSince(StrEnum):
    """What a thread did since a moment."""

    RAN = "ran"
    """It ran and never waited: either it never left the CPU, or it was only preempted."""
    WAITED = "waited"
    NEVER_RAN = "never-ran"
    EXITED = "exited"
    UNKNOWN = "unknown"
    """No context switch tells of it."""


@dataclass(frozen=True, slots=True)
class EventRef:
    """One event of the trace.

    ``kind`` as in :class:`~tracer.trace.Batch`; ``offset`` in the file (of the record, or of its buffer when
    compressed), -1 where it is not known.
    """

    time_ns: int
    kind: str
    cpu: int
    offset: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason.

    ``rule`` is a short stable name, ``says`` a sentence for people, ``inferred`` whether no event says so directly.
    ``events`` are examples, not all.
    """

    rule: str
    says: str
    events: tuple[EventRef, ...] = ()
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class PathNode:
    """One step from the root of the retention graph to the allocations.

    ``kind``: process, thread, socket, request, pending-apc, driver, stack or allocations. ``rule``: of the edge that
    leads here, empty for the root.
    """

    kind: str
    id: str
    label: str
    rule: str = ""
    retained_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PendingApc:
    """A request completed and not retired, whose thread is known. Inferred: no event tells of the APC itself.

    ``endpoint`` is 0 where no AFD event tells of one. ``since``: what the thread did since the completion, ``says`` the
    same in words. ``retained_bytes``: what its delivery would release.
    """

    irp: int
    match_id: int
    thread_id: int
    process_id: int
    process: str
    issued_ns: int
    completed_ns: int
    age_ns: int
    since: ThreadSince
    says: str
    endpoint: int
    retained_bytes: int
    rule: str
    issued: EventRef
    completed: EventRef


@dataclass(frozen=True, slots=True)
class Finding:
    """An accusation.

    ``count``, ``bytes``: outstanding allocations of ``tag`` that it is about; ``retained_bytes``: all that would be
    released with them. ``bytes_per_hour`` with its 95 % interval. ``process_id``, ``thread_id``: ``None`` where none
    stands out. ``stack``: id in the source's stack table, -1 for none. ``doubts``: what lowered the confidence.
    """

    rank: int
    verdict: Verdict
    confidence: float
    tag: int
    paged: bool
    count: int
    bytes: int
    retained_bytes: int
    bytes_per_hour: float
    bytes_per_hour_interval: tuple[float, float]
    process_id: int | None
    process: str
    thread_id: int | None
    driver: str
    stack: int
    path: tuple[PathNode, ...]
    evidence: tuple[Evidence, ...]
    doubts: tuple[str, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """A group of outstanding allocations that is no leak as far as the trace tells, and why."""

    tag: int
    paged: bool
    driver: str
    verdict: Verdict
    count: int
    bytes: int
    why: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All conclusions of one snapshot: accusations best first, cleared groups most bytes first."""

    findings: tuple[Finding, ...]
    cleared: tuple[Cleared, ...]
    pending_apcs: tuple[PendingApc, ...]


NO_DIAGNOSIS: Final = Diagnosis((), (), ())
