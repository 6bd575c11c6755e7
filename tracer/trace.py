"""What a source of events is, and what it tells besides events.

A source (an .etl file, a live session, a replay) yields time-ordered batches; the header, the
census, the losses and the damage are known when the last batch has been taken (a live source:
at any moment, for what was read so far).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from tracer.arrays import I32, I64, U16, U32, Mask
from tracer.data_classes import dataclass
from tracer.errors import Damage

if TYPE_CHECKING:  # a header needs none of them
    import uuid

    from tracer.columns import EventTable
    from tracer.events.layout import EventId
    from tracer.stacks.table import StackTable

_FILETIME_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)


SIMULATED_SESSION: Final = "Poolscope simulated"
"""Start of the session name of every trace that Poolscope's own simulator writes."""


def filetime_text(filetime: int) -> str | None:
    """ISO 8601 UTC with seven decimals (FILETIME counts 100 ns since 1601); ``None`` for 0 or nonsense."""
    try:
        whole = _FILETIME_EPOCH + timedelta(seconds=filetime // 10_000_000)
    except OverflowError:
        return None
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{filetime % 10_000_000:07d}Z" if filetime > 0 else None


@dataclass(frozen=True, slots=True)
class ClockShift:
    """A CPU whose clock is ``behind_ns`` behind the others' at least (ahead where negative); inferred from ``pairs``.

    ``pairs``: blocks whose free had a time before their allocation's.
    """

    cpu: int
    behind_ns: int
    pairs: int


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """One of the files of a joined trace, and ``why`` it belongs to the ones before it (empty for the first).

    ``start``, ``end``: FILETIMEs of its header. ``base``: what is added to byte offsets of its events, so that an
    offset tells the file.
    """

    path: str
    bytes: int
    session: str
    start: int
    end: int
    base: int
    why: str


@dataclass(frozen=True, slots=True)
class Rolled:
    """Signs that a file is one part of a longer recording: a sentence each.

    ``beside``: names of other parts that lie in the same folder and were not read. ``goes_on``: it is not known to
    be the last part.
    """

    signs: tuple[str, ...]
    beside: tuple[str, ...] = ()
    goes_on: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """Kinds of tables with rows that no event told: the machine was asked for them, at this time of the trace."""

    kinds: frozenset[str]
    at_ns: int


@dataclass(frozen=True, slots=True)
class Standstill:
    """A stretch of time in which no CPU changed its thread, in ns."""

    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class TraceInfo:
    """The header of a trace. ``start`` and ``end`` are FILETIMEs; ``end`` is 0 where nothing says it.

    ``simulated`` is set from the session name that Poolscope's own simulator writes.
    ``finalised`` is false for a session that was still running, or crashed, when the file was taken.
    ``pointer_size`` is that of the program that wrote the header, ``machine_pointer_size`` the machine's, from what was
    read so far (0: as the header says). ``processors``: as the header says; ``processors_seen``: how many wrote a
    buffer, 0 where nothing tells. ``continues``: the session's earlier buffers are in another file. ``clock_shifts``:
    CPUs whose times were corrected. ``buffer_bytes``: the size of the session's buffers, 0 where it is not known.
    ``joined``: the files of a trace that was put together of several, in time order. ``sessions``: how many the file
    holds, of which this is number ``session_number``. ``rolled``: why more of the recording lies in other files.
    ``enabled``: kinds of events that whoever captures turned on, where no event of the trace says so. ``listed``: what
    a capture asked the machine for instead of events. ``standstills``: when nothing ran, as far as it was analysed.
    """

    path: str
    bytes: int
    session: str
    start: int
    end: int
    duration_ns: int
    os_build: int
    pointer_size: int
    processors: int
    buffers: int
    compressed_buffers: int
    clock: str
    clock_frequency: int
    mode: tuple[str, ...]
    finalised: bool
    simulated: bool
    machine_pointer_size: int = 0
    processors_seen: int = 0
    continues: bool = False
    clock_shifts: tuple[ClockShift, ...] = ()
    joined: tuple[JoinedFile, ...] = ()
    sessions: int = 1
    session_number: int = 1
    rolled: Rolled | None = None
    enabled: frozenset[str] = frozenset()
    listed: Listed | None = None
    standstills: tuple[Standstill, ...] = ()
    buffer_bytes: int = 0

    @property
    def machine_pointer(self) -> int:
        """Bytes of a kernel pointer on the machine that was traced."""
        return self.machine_pointer_size or self.pointer_size

    @property
    def paths(self) -> tuple[str, ...]:
        """Of all its files."""
        return tuple(each.path for each in self.joined) or (self.path,)

    def place(self, offset: int) -> tuple[str, int]:
        """The path of the file that an event's offset lies in, and the offset in that file."""
        inside = [each for each in self.joined if each.base <= offset]
        return (inside[-1].path, offset - inside[-1].base) if inside else (self.path, offset)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time in which events are missing; ``cpu`` is -1 where it is not known.

    ``buffers``: whole buffers that are known to be missing there, 0 where the file does not say how many. ``file``: its
    name, where a trace has more than one.
    """

    from_ns: int
    to_ns: int
    cpu: int
    reason: str
    buffers: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True)
class InferredLoss:
    """Pool events that are missing although nothing in the trace says so: about how many, and their share of all.

    It follows from ``replaced`` allocations, which came on the address of a block that was not freed, and from
    ``unmatched``, frees without allocation (with those of blocks from before the trace). ``gaps``: when: each of these
    frees lies between the allocation of its block and the next one at the address, on whatever CPU; times that overlap
    are one gap.
    """

    events: int
    share: float
    replaced: int
    unmatched: int
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """What the session itself says it lost, and where in time the file shows it.

    ``complete_from_ns``: a file that was overwritten from the front on (circular, or a buffer in memory) still has
    events of some CPUs from times of which those of others are gone. From this time on all are there; 0 where nothing
    was overwritten. ``overwritten``: the front that is gone, by CPU; the session was told to forget it.
    ``inferred``: what the events themselves show to be missing beyond that; no source tells it.
    """

    events_lost: int
    buffers_lost: int
    gaps: tuple[Gap, ...]
    complete_from_ns: int = 0
    inferred: InferredLoss | None = None
    overwritten: tuple[Gap, ...] = ()

    @property
    def is_lossy(self) -> bool:
        """Whether anything is missing that the session was to keep."""
        return bool(self.events_lost or self.buffers_lost or self.gaps or self.inferred)


@dataclass(frozen=True, slots=True)
class ByteCount:
    """Where the file's bytes went; the four add up to the file's size."""

    headers: int
    records: int
    padding: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reading of a file made of the records.

    ``versions``: (event, version) → records, of events that have a layout. ``given``: kind → events that went into
    batches. ``definitions``: records that tell the frames of stack keys. ``passed_over``: that went by without being
    decoded. ``stacks``: stacks and references to stack keys, ``bare_stacks`` those of them without a frame or key.
    ``short``: payloads that were cut short. ``copies``: kind → events left out because another file of a joined
    trace has them too. Events, definitions, what was passed over and stacks add up to the census' total.
    """

    versions: Mapping[tuple[EventId, int], int]
    given: Mapping[str, int]
    definitions: int
    passed_over: int
    stacks: int
    bare_stacks: int
    short: int
    copies: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Census:
    """How many records of which kind were read.

    ``by_header``: header name → records. ``kernel_events``: hook id → records with a SYSTEM,
    COMPACT or PERFINFO header. ``providers``: GUID → EVENT_HEADER, FULL and INSTANCE records. ``usage``: what became of
    them, where a file was read for its events.
    """

    total: int
    by_header: Mapping[str, int]
    kernel_events: Mapping[int, int]
    providers: Mapping[uuid.UUID, int]
    usage: Usage | None = None


class LateStacks(NamedTuple):
    """Stacks whose event was in an earlier batch: raw time and thread of the event, and the stack."""

    raw_time: I64
    thread: U32
    process: U32
    cpu: U16
    stack: I32
    is_user: Mask


NO_LATE_STACKS: Final = LateStacks(
    np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.uint16),
    np.zeros(0, np.int32), np.zeros(0, np.bool_),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One window of time: everything before ``until_ns`` that no earlier batch held.

    ``tables`` has an :class:`EventTable` for each kind that occurs; ``bytes_read`` counts the
    file's bytes consumed so far, ``records`` the records read so far.
    """

    tables: Mapping[str, EventTable]
    late_stacks: LateStacks
    until_ns: int
    bytes_read: int
    records: int


class Source(Protocol):
    """Where events come from."""

    @property
    def info(self) -> TraceInfo:
        """The header."""

    @property
    def stacks(self) -> StackTable:
        """All call stacks seen so far."""

    @property
    def census(self) -> Census:
        """Counts of what has been read so far."""

    @property
    def loss(self) -> Loss:
        """What is missing, so far."""

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read, so far."""

    @property
    def bytes(self) -> ByteCount:
        """Where the bytes read so far went."""

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to take, at most so long; true where there is, or where it has ended.

        Of a file there always is. Unlike :meth:`batches` it touches nothing that other threads look at.
        """

    def batches(self, kinds: Collection[str] | None = None) -> Iterator[Batch]:
        """The events of the given kinds (default: all that have a layout), window after window, in time order.

        A live source gives an empty batch where nothing has come.
        """
