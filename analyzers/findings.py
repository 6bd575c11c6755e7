"""What the analyzers conclude: accusations with their evidence, what was cleared and why, and pending APCs.

Everything here is immutable and made for people and for ``--json``; nothing in it is per event but the few
events that a person is shown as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, overload

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.integer]


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


SINCE_CODES: Final = tuple(ThreadSince)
"""What codes of what threads did stand for."""


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PendingApcs(Sequence[PendingApc]):
    """Pending APCs as columns, oldest request first; there may be as many as requests, so each is made when asked for.

    The columns are those of :class:`PendingApc`: ``irp`` and ``endpoint`` are uint64, ids, times and bytes int64.
    ``since``: index into :data:`SINCE_CODES`; ``process``: into ``processes``, names; ``rule``: into ``rules``.
    ``rows``: what ``make`` makes each of.
    """

    irp: U64
    match_id: I64
    thread_id: I64
    process_id: I64
    process: Codes
    processes: tuple[str, ...]
    issued_ns: I64
    completed_ns: I64
    age_ns: I64
    since: Codes
    endpoint: U64
    retained_bytes: I64
    rule: Codes
    rules: tuple[str, ...]
    rows: I64
    make: Callable[[int], PendingApc]

    @classmethod
    def of(cls, apcs: Iterable[PendingApc]) -> PendingApcs:
        """The same of what is there already."""
        made = tuple(apcs)

        def column(name: str) -> I64:
            return np.array([getattr(apc, name) for apc in made], np.int64)

        numbers = ("match_id", "thread_id", "process_id", "issued_ns", "completed_ns", "age_ns", "retained_bytes")
        process, processes = codes_of([apc.process for apc in made])
        rule, rules = codes_of([apc.rule for apc in made])
        return cls(
            irp=np.array([apc.irp for apc in made], np.uint64),
            endpoint=np.array([apc.endpoint for apc in made], np.uint64),
            **{name: column(name) for name in numbers},
            process=process,
            processes=processes,
            since=np.array([SINCE_CODES.index(apc.since) for apc in made], np.uint8),
            rule=rule,
            rules=rules,
            rows=np.arange(len(made)),
            make=made.__getitem__,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> PendingApc: ...

    @overload
    def __getitem__(self, at: slice) -> PendingApcs: ...

    def __getitem__(self, at: int | slice) -> PendingApc | PendingApcs:
        return self.take(at) if isinstance(at, slice) else self.make(int(self.rows[at]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"PendingApcs({list(self)})"

    def take(self, which: slice | npt.NDArray[np.bool_] | Codes) -> PendingApcs:
        """Some of them: a slice, a mask, or their places."""
        return replace(self, **{name: getattr(self, name)[which] for name in _COLUMNS})

    def find(self, irp: int, match_id: int) -> PendingApc | None:
        """That of a request, the last one where several have its packet and id."""
        found = np.flatnonzero((self.irp == np.uint64(irp)) & (self.match_id == match_id))
        return self[int(found[-1])] if len(found) else None


_COLUMNS: Final = (
    "irp", "match_id", "thread_id", "process_id", "process", "issued_ns", "completed_ns", "age_ns", "since", "endpoint",
    "retained_bytes", "rule", "rows",
)  # fmt: skip


def codes_of(texts: Sequence[str]) -> tuple[I64, tuple[str, ...]]:
    """Texts as indices into the distinct ones, in the order in which they come first."""
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    return np.array([distinct[text] for text in texts], np.int64), tuple(distinct)


NO_PENDING_APCS: Final = PendingApcs.of(())


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
    pending_apcs: PendingApcs = NO_PENDING_APCS


NO_DIAGNOSIS: Final = Diagnosis((), ())
