"""What the analyzers conclude: accusations with their evidence, what was cleared and why, and held requests.

Everything here is immutable and made for people and for ``--json``; nothing in it is per event but the few
events that a person is shown as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from enum import StrEnum
from typing import Final, Self, overload

import numpy as np

from analyzers.pool_tables import Frame
from tracer.arrays import I64, U64, Mask, Numbers
from tracer.data_classes import dataclass


class Verdict(StrEnum):
    """Why a group of allocations is outstanding: its name in ``--json``, and ``words`` for people.

    ``accuses``: it names a culprit; the others clear a group. ``rule``: the file in ``analyzers/verdicts`` whose
    ``judged`` gives it to groups that were judged otherwise (:mod:`analyzers.verdicts.unexplained`).
    """

    words: str
    accuses: bool
    rule: str

    PENDING_APC = "pending-apc", "finished requests wait as APCs", True
    UNDRAINED_PORT = "undrained-port", "a completion port fills up", True
    DRIVER_KEPT = "driver-kept", "a driver keeps requests", True
    MISSING_FREE = "missing-free", "never freed", True, "on_sockets"
    GROWTH = "growth", "grows, cause not shown", True
    CACHE = "cache", "cached"
    TRANSIENT = "transient", "short-lived"
    PRE_TRACE = "pre-trace", "older than the trace"
    UNKNOWN = "unknown", "not enough to tell"

    def __new__(cls, name: str, words: str = "", accuses: bool = False, rule: str = "") -> Self:
        """A member: a string that is its name."""
        verdict = str.__new__(cls, name)
        verdict._value_, verdict.words, verdict.accuses, verdict.rule = name, words, accuses, rule
        return verdict


OF_REQUESTS: Final = frozenset({Verdict.PENDING_APC, Verdict.UNDRAINED_PORT, Verdict.DRIVER_KEPT})
"""Verdicts about requests that something holds."""
ACCUSATIONS: Final = frozenset(verdict for verdict in Verdict if verdict.accuses)
"""Verdicts that name a culprit."""


class Apc(StrEnum):
    """Which kind of APC is pending."""

    USER = "user"
    SPECIAL_KERNEL = "special-kernel"


class Kept(StrEnum):
    """How a driver keeps a request."""

    NEVER_COMPLETED = "never-completed"
    COMPLETION_STOPPED = "completion-stopped"


class Accused(StrEnum):
    """What kind of culprit a finding names."""

    PROCESS = "process"
    DRIVER = "driver"
    PORT = "port"


class Why(StrEnum):
    """What holds a request that is not retired; all but the usual states have a file (:mod:`analyzers.holders`)."""

    IN_FLIGHT = "in-flight"
    DRIVER_KEPT = "driver-kept"
    COMPLETION_STOPPED = "completion-stopped"
    SPECIAL_APC = "special-apc"
    USER_APC = "user-apc"
    PORT = "port"
    LIST = "list"
    UNKNOWN = "unknown"


WHYS: Final = tuple(Why)
"""What codes of holders stand for."""
BY_APC: Final = frozenset({Why.USER_APC, Why.SPECIAL_APC})
NOT_HELD: Final = frozenset({Why.IN_FLIGHT, Why.LIST})
"""Usual states of requests: these hold nothing back."""


class Cause(StrEnum):
    """A possible reason why memory is not freed."""

    USER_APC = "user-apc"
    SPECIAL_APC = "special-apc"
    PORT = "port"
    DRIVER_KEPT = "driver-kept"
    COMPLETION_STOPPED = "completion-stopped"
    LIST = "list"
    MISSING_FREE = "missing-free"
    REFERENCE = "reference"
    HANDLE = "handle"


class Fits(StrEnum):
    """Whether the evidence bears a possible reason out."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


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

    ``kind``: process, thread, socket, request, pending-apc, port, driver-kept, held, driver, stack or allocations.
    ``rule``: of the edge that leads here, empty for the root.
    """

    kind: str
    id: str
    label: str
    rule: str = ""
    retained_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """One possible reason: whether it fits, the sentence that says why, and what would tell it from the others.

    ``told_apart_by`` is empty where the trace has told already.
    """

    why: Cause | Why
    fits: Fits
    says: str
    told_apart_by: str = ""


_FITS_FIRST: Final = (Fits.YES, Fits.UNKNOWN, Fits.NO)


def fits_first(found: Iterable[Explanation]) -> tuple[Explanation, ...]:
    """Possible reasons in order: those that fit, those the trace cannot judge, those it excludes."""
    return tuple(sorted(found, key=lambda each: _FITS_FIRST.index(each.fits)))


@dataclass(frozen=True, slots=True)
class GroupShare:
    """Outstanding allocations of one tag that go with a cause; ``driver``: empty where nobody is to be named."""

    tag: int
    paged: bool
    count: int
    bytes: int
    driver: str


@dataclass(frozen=True, slots=True)
class PortPart:
    """A completion port, inferred: no event names one.

    ``number`` tells it from the other ports of the trace. ``enqueued_by``, ``dequeued_by``: ids of the threads that put
    entries in and took them out. ``waiting``: entries in it. ``process_id``: ``None`` where nothing tells.
    """

    number: int
    process_id: int | None
    process: str
    enqueued_by: tuple[int, ...]
    dequeued_by: tuple[int, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """A request that is not retired, and what holds it.

    ``completed_ns``: ``None`` where its driver has not completed it; the age then counts from its issue, else from the
    completion. ``endpoint`` is 0 where no AFD event tells of one, ``port`` the :attr:`PortPart.number`, 0 for none,
    ``driver`` the one that keeps it, or that it was sent to. ``since``: what the issuing thread did since the
    completion (or issue), ``says`` the same in words. ``retained_bytes``: what would be released with it. ``inferred``:
    no event says directly what holds it.
    """

    irp: int
    match_id: int
    why: Why
    thread_id: int
    process_id: int
    process: str
    issued_ns: int
    completed_ns: int | None
    age_ns: int
    since: ThreadSince
    says: str
    endpoint: int
    port: int
    driver: str
    retained_bytes: int
    rule: str
    inferred: bool
    issued: EventRef
    completed: EventRef | None

    @property
    def apc(self) -> Apc | None:
        """The kind of APC that is pending for it, ``None`` where none is."""
        return {Why.USER_APC: Apc.USER, Why.SPECIAL_APC: Apc.SPECIAL_KERNEL}.get(self.why)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeldRequests(Sequence[HeldRequest]):
    """Held requests as columns, oldest first; there may be very many, so each is made when asked for.

    The columns are those of :class:`HeldRequest`: ``irp`` and ``endpoint`` are uint64, ids, times and bytes int64;
    ``completed_ns`` is -1 for ``None``. ``why``: index into :data:`WHYS`; ``since``: into :data:`SINCE_CODES`;
    ``process``: into ``processes``, names; ``driver``: into ``drivers``; ``rule``: into ``rules``. ``rows``: what
    ``make`` makes each of.
    """

    irp: U64
    match_id: I64
    why: Numbers
    thread_id: I64
    process_id: I64
    process: Numbers
    processes: tuple[str, ...]
    issued_ns: I64
    completed_ns: I64
    age_ns: I64
    since: Numbers
    endpoint: U64
    port: I64
    driver: Numbers
    drivers: tuple[str, ...]
    retained_bytes: I64
    rule: Numbers
    rules: tuple[str, ...]
    rows: I64
    make: Callable[[int], HeldRequest]

    @classmethod
    def of(cls, requests: Iterable[HeldRequest]) -> HeldRequests:
        """Columns of requests that exist already."""
        made = tuple(requests)

        def column(name: str) -> I64:
            return np.array([getattr(each, name) for each in made], np.int64)

        numbers = ("match_id", "thread_id", "process_id", "issued_ns", "age_ns", "port", "retained_bytes")
        process, processes = codes_of([each.process for each in made])
        driver, drivers = codes_of([each.driver for each in made])
        rule, rules = codes_of([each.rule for each in made])
        return cls(
            irp=np.array([each.irp for each in made], np.uint64),
            endpoint=np.array([each.endpoint for each in made], np.uint64),
            **{name: column(name) for name in numbers},
            completed_ns=np.array([-1 if each.completed_ns is None else each.completed_ns for each in made], np.int64),
            why=np.array([WHYS.index(each.why) for each in made], np.uint8),
            process=process,
            processes=processes,
            since=np.array([SINCE_CODES.index(each.since) for each in made], np.uint8),
            driver=driver,
            drivers=drivers,
            rule=rule,
            rules=rules,
            rows=np.arange(len(made)),
            make=made.__getitem__,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> HeldRequest: ...

    @overload
    def __getitem__(self, at: slice) -> HeldRequests: ...

    def __getitem__(self, at: int | slice) -> HeldRequest | HeldRequests:
        return self.take(at) if isinstance(at, slice) else self.make(int(self.rows[at]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"HeldRequests({list(self)})"

    def take(self, which: slice | Mask | Numbers) -> HeldRequests:
        """Some of them: a slice, a mask, or row numbers."""
        return replace(self, **{name: getattr(self, name)[which] for name in _COLUMNS})

    def by_apc(self) -> HeldRequests:
        """Those that an APC holds."""
        return self.take(np.isin(self.why, [WHYS.index(why) for why in sorted(BY_APC)]))

    def find(self, irp: int, issued_ns: int) -> HeldRequest | None:
        """The held request of an IRP that was issued at a time."""
        found = np.flatnonzero((self.irp == np.uint64(irp)) & (self.issued_ns == issued_ns))
        return self[int(found[-1])] if len(found) else None


_COLUMNS: Final = (
    "irp", "match_id", "why", "thread_id", "process_id", "process", "issued_ns", "completed_ns", "age_ns", "since",
    "endpoint", "port", "driver", "retained_bytes", "rule", "rows",
)  # fmt: skip


def codes_of(texts: Sequence[str]) -> tuple[I64, tuple[str, ...]]:
    """Texts as indices into the distinct ones, in the order in which they come first."""
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    return np.array([distinct[text] for text in texts], np.int64), tuple(distinct)


NO_HELD_REQUESTS: Final = HeldRequests.of(())


@dataclass(frozen=True, slots=True)
class Separation:
    """A frame that is in the stacks of all kept allocations and hardly any freed one.

    ``kept_with`` of ``kept`` allocations have it, and ``freed_with`` of ``freed``; all numbers of those with a stack.
    """

    frame: Frame
    kept_with: int
    kept: int
    freed_with: int
    freed: int


@dataclass(frozen=True, slots=True)
class Finding:
    """An accusation.

    ``count``, ``bytes``: outstanding allocations of ``tag`` that it is about; ``retained_bytes``: all that would be
    released with them. ``bytes_per_hour`` with its 95 % interval. ``process_id``, ``thread_id``: ``None`` where none
    stands out. ``stack``: id in the source's stack table, -1 for none. ``doubts``: what lowered the confidence.
    ``accused``: which of process, driver and port is the culprit; the others are named where they are known.
    ``apc``: of :attr:`Verdict.PENDING_APC` only, ``port``: of :attr:`Verdict.UNDRAINED_PORT` only, ``kept``: of
    :attr:`Verdict.DRIVER_KEPT` only; ``holder``: what holds the requests where none of these three tells.
    ``explanations``: possible reasons, those that fit first. ``groups``: all that
    goes with the cause, the finding's own tag first. ``user_stack``: id of a user-mode stack of the allocations, -1 for
    none. ``separates``: the driver's frame that tells the kept from the freed ones, ``None`` where nothing does.
    ``allocator``: another driver that allocated for the accused one. ``unloaded_ns``: when that one was unloaded.
    ``undecided``: allocations of the same place that are too young to count. ``rows``: int64, of the snapshot's
    outstanding table, all that ``groups`` counts; none where nothing tells them.
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
    accused: Accused = Accused.DRIVER
    apc: Apc | None = None
    port: PortPart | None = None
    kept: Kept | None = None
    holder: Why | None = None
    explanations: tuple[Explanation, ...] = ()
    groups: tuple[GroupShare, ...] = ()
    user_stack: int = -1
    separates: Separation | None = None
    allocator: str = ""
    unloaded_ns: int | None = None
    undecided: int = 0
    rows: I64 = field(default_factory=lambda: np.zeros(0, np.int64), compare=False, repr=False)

    @property
    def shares(self) -> tuple[GroupShare, ...]:
        """What it names itself, and the groups of allocations that go with its cause."""
        return (GroupShare(self.tag, self.paged, self.count, self.bytes, self.driver), *self.groups)


@dataclass(frozen=True, slots=True)
class Cleared:
    """A group of outstanding allocations that is no leak as far as the trace tells, and why.

    ``rows``: int64, of the snapshot's outstanding table, all that are counted. ``known_by``: numbers that are the same
    in the next snapshot and of no other group of it; empty for memory from before the trace.
    """

    tag: int
    paged: bool
    driver: str
    verdict: Verdict
    count: int
    bytes: int
    why: str
    known_by: tuple[int, ...] = ()
    rows: I64 = field(default_factory=lambda: np.zeros(0, np.int64), compare=False, repr=False)


def moved(diagnosis: Diagnosis, to: I64) -> Diagnosis:
    """The diagnosis for another table of outstanding allocations; ``to``: by row, the row there, -1 for none."""

    def there(rows: I64) -> I64:
        places = to[rows]
        return places[places >= 0]

    return replace(
        diagnosis,
        findings=tuple(replace(each, rows=there(each.rows)) for each in diagnosis.findings),
        cleared=tuple(replace(each, rows=there(each.rows)) for each in diagnosis.cleared),
    )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All conclusions of one snapshot: accusations best first, cleared groups most bytes first."""

    findings: tuple[Finding, ...]
    cleared: tuple[Cleared, ...]
    held_requests: HeldRequests = NO_HELD_REQUESTS


NO_DIAGNOSIS: Final = Diagnosis((), ())
