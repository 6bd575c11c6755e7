"""Unretired requests and the memory that is still there, made by hand, and what is said to hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from analyzers.findings import WHYS, Why
from analyzers.holders.evidence import Machine, Seen, gather
from analyzers.holders.holding import RULES, Holding, holding
from analyzers.holders.port import ports
from analyzers.pool_tables import Frame, Outstanding, PoolSnapshot, PoolTotals, SiteTable, TagTable
from analyzers.requests.releases import ReleaseTable
from analyzers.requests.tables import (
    NEVER,
    Completion,
    EntryTable,
    Finished,
    KindTable,
    Queued,
    RequestCounts,
    RequestSnapshot,
    RequestTable,
    SocketTable,
    SourceTable,
)
from analyzers.threads import Threads
from analyzers.trends.bins import BINS
from tests.analyzers.retention.made import table
from tests.analyzers.thread_events import IDLE, Event, Switch, activity
from tests.tui.stories import HandmadeNames
from tracer.columns import Who
from tracer.events.irp import MajorFunction

T, U = 40, 44
PROGRAM, OTHER_PROGRAM, SYSTEM = 8, 12, 4
MS = 1_000_000
STEP = 2 * MS
BASE = 0xFFFF_9A80_0000_0000
FILE = 0xFFFF_9A80_00F1_0000
AFD, FILTER, UNKNOWN_ROUTINE = 0xFFFF_F800_0A0F_0000, 0xFFFF_F800_0B00_0000, 0xFFFF_F800_0C00_0000
MODULES = {AFD: "afd.sys", FILTER: "contosoflt.sys"}
LISTED, EXACT = 0x1F0, 0x1A8
"""Bytes of IRPs that a list holds, and of one with three stack locations, which none does."""
RUNS = (Switch(10, 0, T, IDLE),)
"""The thread gets a CPU and keeps it."""


@dataclass(frozen=True)
class Block:
    """An outstanding allocation; ``driver`` is empty where no stack tells."""

    address: int
    time_ns: int
    thread: int = T
    tag: bytes = b"Irp "
    size: int = LISTED
    driver: str = ""
    cpu: int = 0
    process: int = PROGRAM
    user_stack: int = -1


@dataclass(frozen=True)
class Request:
    """An unretired request; the names are those of the columns."""

    irp: int
    issued_ns: int
    completed_ns: int = NEVER
    issued_cpu: int = 0
    thread: int = T
    process: int = PROGRAM
    who: Who = Who.STACK
    completion: Completion = Completion.ELSEWHERE
    kind: int = 0
    file_object: int = FILE
    routine: int = AFD
    last_routine: int = AFD
    completion_routine: int = 0
    finished_by: Finished = Finished.NO
    exited_ns: int = NEVER
    cleaned_ns: int = NEVER
    buffered: bool = False
    queued: Queued = Queued.NO
    queued_ns: int = NEVER
    last_retired_ns: int = NEVER
    longest_ns: int = NEVER
    thread_user_ns: int = NEVER
    major: int = MajorFunction.DEVICE_CONTROL


@dataclass(frozen=True)
class RequestKind:
    """Requests of one kind. ``latency``: bins of what they took to be completed."""

    completed: int = 40
    retired: int = 20
    latency: Sequence[int] = ()


@dataclass(frozen=True)
class Source:
    """Where entries of queues come from; the names are those of the columns."""

    thread: int
    in_irps: bool = True
    inserted: int = 0
    taken: int = 0
    taken_until_ns: int = NEVER
    emptied_ns: int = NEVER
    longest_ns: int = 0
    taken_at: Sequence[int] = ()
    waited: Sequence[int] = ()
    takers: Sequence[int] = ()


@dataclass(frozen=True)
class Freed:
    """IRPs that were freed with a stack, of requests of a kind."""

    stack: int
    count: int = 20
    kind: int = 0
    process: int = PROGRAM
    thread: int = U


@dataclass(frozen=True)
class Entry:
    """Another entry of a kernel queue."""

    address: int
    time_ns: int
    thread: int = T


@dataclass(frozen=True)
class MadeRequests:
    """Everything that is looked at. ``retired``: bins of the times from completion to free that were seen.

    ``stacks``: frames with names, by stack id; user stacks are those from 90 on. ``None``: nothing has a name.
    """

    requests: Sequence[Request]
    blocks: Sequence[Block] = ()
    events: Sequence[Event] = RUNS
    kinds: Sequence[RequestKind] = (RequestKind(),)
    sources: Sequence[Source] = ()
    entries: Sequence[Entry] = ()
    retired: Sequence[int] = field(default_factory=lambda: [3] * 25)
    releases: Sequence[Freed] = ()
    stacks: Mapping[int, tuple[Frame, ...]] | None = None
    seen_queues: bool = True
    seen_routines: bool = False
    at_ns: int = 100 * MS
    complete_from_ns: int = 0

    def snapshot(self) -> RequestSnapshot:
        """The requests and what is known beside them."""
        kinds = KindTable(
            completed=np.array([kind.completed for kind in self.kinds], np.int64),
            retired=np.array([kind.retired for kind in self.kinds], np.int64),
            latency=np.array([histogram(kind.latency) for kind in self.kinds], np.int32).reshape(-1, BINS),
        )
        counts: dict[str, Any] = {each.name: 0 for each in fields(RequestCounts)}
        latency = {"retire_latency": histogram(self.retired), "cleanup_latency": histogram(())}
        return RequestSnapshot(
            requests=table(RequestTable, list(map(_row, self.requests))),
            sockets=table(SocketTable, []),
            kinds=kinds,
            entries=table(EntryTable, list(map(_row, self.entries))),
            sources=_sources(self.sources),
            counts=RequestCounts(**{**counts, **latency}),
            releases=table(ReleaseTable, list(map(_row, self.releases))),
            seen_irp=True,
            seen_afd=False,
            seen_tcp=False,
            seen_queues=self.seen_queues,
            seen_routines=self.seen_routines,
        )

    def seen(self) -> Seen:
        """What the trace shows of each request."""
        machine = Machine(self.at_ns, 0, 8, self.complete_from_ns)
        names = None if self.stacks is None else HandmadeNames({}, self.stacks)
        return gather(pool_of(self.blocks), self.snapshot(), activity(*self.events), machine, names)

    def holding(self) -> Holding:
        """What holds each request."""
        seen = self.seen()
        waiting = ports(pool_of(self.blocks), seen.snapshot, Threads(), 0, self.at_ns)
        return holding(seen, waiting, lambda routine: MODULES.get(routine, ""))

    def whys(self) -> list[Why]:
        """The holders, request by request."""
        return [WHYS[code] for code in self.holding().why]

    def rules(self) -> list[str]:
        """The rules by which they are told."""
        return [tuple(RULES)[code] for code in self.holding().rule]

    def all_are(self, why: Why) -> bool:
        """Whether that holds every request."""
        return set(self.whys()) == {why}


def _row(of: Any) -> Mapping[str, Any]:
    return {each.name: getattr(of, each.name) for each in fields(of)}


def histogram(bins: Sequence[int]) -> Any:
    """How many are in each bin."""
    return np.bincount(np.array(bins, np.int64), minlength=BINS)


def _sources(sources: Sequence[Source]) -> SourceTable:
    def column(name: str, dtype: type[np.generic]) -> Any:
        return np.array([getattr(each, name) for each in sources], dtype)

    def padded(name: str, dtype: type[np.generic], width: int) -> Any:
        rows = [[*getattr(each, name), *[0] * (width - len(getattr(each, name)))] for each in sources]
        return np.array(rows, dtype).reshape(-1, width)

    names = ("inserted", "taken", "taken_until_ns", "emptied_ns", "longest_ns")
    return SourceTable(
        thread=column("thread", np.uint32),
        in_irps=column("in_irps", np.bool_),
        **{name: column(name, np.int64) for name in names},
        samples=np.array([len(each.waited) for each in sources], np.int64),
        at_ns=padded("taken_at", np.int64, 16),
        waited_ns=padded("waited", np.int64, 16),
        takers=padded("takers", np.uint32, 8),
    )


def pool_of(blocks: Sequence[Block]) -> PoolSnapshot:
    """Blocks oldest first; one tag row for each tag, one site for each tag and driver."""
    blocks = sorted(blocks, key=lambda block: block.time_ns)
    tags = sorted({block.tag for block in blocks})
    sites = sorted({(block.tag, block.driver) for block in blocks})
    rows = [{**_row(block), "site": sites.index((block.tag, block.driver))} for block in blocks]
    parts: dict[str, Any] = {
        "totals": PoolTotals(0, 0, 0, 0, 0, 0, 0),
        "tags": table(TagTable, [{"tag": int.from_bytes(tag, "little")} for tag in tags]),
        "sites": table(SiteTable, [{"tag_row": tags.index(tag), "driver": driver} for tag, driver in sites]),
        "outstanding": table(Outstanding, rows),
    }
    return PoolSnapshot(**{**{each.name: () for each in fields(PoolSnapshot)}, **parts})


def irp(number: int) -> int:
    """Address of an IRP."""
    return BASE + number * 0x1000


def loop(count: int, first: int = 0, *, size: int = LISTED, cpu: int = 0, **columns: Any) -> MadeRequests:
    """Requests of one thread, one after the other, each with a new IRP, completed 50 µs after its issue.

    The thread was in user mode at the end; the last one was completed a step before that.
    """
    thread, process = columns.get("thread", T), columns.get("process", PROGRAM)
    starts = [(number + 1) * STEP for number in range(first, first + count)]
    at_ns = starts[-1] + STEP
    common = {"thread_user_ns": at_ns - 1_000} | columns
    requests, blocks = [], []
    for number, start in enumerate(starts, first):
        blocks.append(Block(irp(number), start, thread, size=size, cpu=cpu, process=process))
        mine: dict[str, Any] = {"completed_ns": start + 51_000} | common
        requests.append(Request(irp(number), start + 1_000, issued_cpu=cpu, **mine))
    return MadeRequests(requests, blocks, at_ns=at_ns)


def both(one: MadeRequests, other: MadeRequests, **more: Any) -> MadeRequests:
    """Two scenes at one time."""
    return replace(
        one, requests=[*one.requests, *other.requests], blocks=[*one.blocks, *other.blocks],
        at_ns=max(one.at_ns, other.at_ns), **more,
    )  # fmt: skip


def changed(scene: MadeRequests, which: Sequence[int] | slice | None = None, **columns: Any) -> MadeRequests:
    """Some of its requests (all, where nothing says which) with other columns."""
    rows = range(len(scene.requests))
    chosen = set(rows if which is None else rows[which] if isinstance(which, slice) else which)
    requests = [replace(each, **columns) if row in chosen else each for row, each in enumerate(scene.requests)]
    return replace(scene, requests=requests)


def with_buffers(
    scene: MadeRequests, tag: bytes = b"IoSB", size: int = 0x40, rows: Sequence[int] | None = None
) -> MadeRequests:
    """One more allocation for each request (or for those ``rows``), made between its IRP and its call."""
    return replace(scene, blocks=[*scene.blocks, *_buffers(scene, tag, size, rows)])


def _buffers(scene: MadeRequests, tag: bytes, size: int, rows: Sequence[int] | None) -> Iterator[Block]:
    for row in range(len(scene.requests)) if rows is None else rows:
        request = scene.requests[row]
        yield Block(request.irp + 0x800, request.issued_ns - 400, request.thread, tag, size, process=request.process)
