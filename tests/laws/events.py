"""A trace as one list of events in time order, each with the thread that ran: what the laws are asserted over."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final

from tracer.columns import UNKNOWN_ID, BlobColumn, EventTable, Who
from tracer.etl.file import EtlFile
from tracer.events import afd, irp, pool, thread

KERNEL_PROCESSES: Final = frozenset({0, 4})
"""Idle and System: their threads never run user code."""


class What(Enum):
    """What happened; the comment says what :attr:`Event.object` is."""

    ALLOCATE = auto()  # block
    FREE = auto()  # block
    CALL = auto()  # IRP
    RETURN = auto()  # IRP
    COMPLETE = auto()  # IRP
    ROUTINE = auto()  # IRP
    COMPLETED = auto()  # IRP
    INSERT = auto()  # entry of a port
    REMOVE = auto()  # entry of a port, one event for each
    SOCKET = auto()  # endpoint
    SWITCH = auto()  # thread that comes
    READY = auto()  # thread made ready
    START = auto()  # thread
    END = auto()  # thread


_HOOKS: Final = {
    pool.ALLOC: What.ALLOCATE,
    pool.ALLOC_SESSION: What.ALLOCATE,
    pool.FREE: What.FREE,
    pool.FREE_SESSION: What.FREE,
    irp.CALL: What.CALL,
    irp.RETURN: What.RETURN,
    irp.COMPLETE: What.COMPLETE,
    irp.COMPLETION_ROUTINE: What.ROUTINE,
    irp.COMPLETE_RETURN: What.COMPLETED,
    thread.CONTEXT_SWITCH: What.SWITCH,
    thread.READY: What.READY,
    thread.START: What.START,
    thread.RUNDOWN_START: What.START,
    thread.END: What.END,
}
_OBJECT: Final = {
    What.ALLOCATE: "entry",
    What.FREE: "entry",
    What.SOCKET: "endpoint",
    What.SWITCH: "new_thread",
    What.READY: "thread",
    What.START: "thread",
    What.END: "thread",
}
_OTHERS: Final = ("queue", "afd")
_KINDS: Final = ("pool", "irp", "queue", "thread", "context_switch", "ready_thread", "afd")


@dataclass(eq=False, slots=True)
class Event:
    """``at_ns`` since the trace's start; ``order``: place in the time order of all events, the same for one record.

    ``thread``, ``process``: who ran, :data:`UNKNOWN_ID` where nothing tells. ``event``: hook or manifest id. ``stack``:
    names of the kernel's functions, innermost first, empty without names. ``fields``: the payload's numbers.
    """

    what: What
    at_ns: int
    order: int
    cpu: int
    thread: int
    process: int
    event: int
    object: int
    fields: Mapping[str, int]
    stack: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> int:
        """A field; 0 where the payload has none of that name."""
        return self.fields.get(name, 0)

    @property
    def said(self) -> str:
        """When and by whom, for a report."""
        return f"{self.at_ns / 1e6:.6f} ms, CPU {self.cpu}, thread {self.thread}"


@dataclass(frozen=True, slots=True)
class Held:
    """A request that the truth says is held at the trace's end: ``why`` as in the truth document."""

    irp: int
    why: str
    thread: int
    issued_ns: int
    completed_ns: int | None


@dataclass(frozen=True, slots=True)
class LoggedTrace:
    """A whole trace, and what is true about it where the events alone do not tell."""

    events: tuple[Event, ...]
    pointer_size: int
    held: tuple[Held, ...] = ()
    processes: Mapping[int, int] = field(default_factory=dict)
    """Process by thread."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the writer of a trace knows. ``functions``: names by the addresses of frames.

    ``sequence``: of the events of one tick of the clock, on whatever processors, the true order: places by raw time,
    processor and event id. Without it that of the file counts.
    """

    held: tuple[Held, ...] = ()
    functions: Mapping[int, str] = field(default_factory=dict)
    sequence: Mapping[tuple[int, int, int], Sequence[int]] = field(default_factory=dict)


NOTHING: Final = Truth()


def read(path: Path, truth: Truth = NOTHING) -> LoggedTrace:
    """Read a trace file."""
    rows: list[Event] = []
    with EtlFile.open(path, threads=1) as source:
        size = source.info.pointer_size
        for batch in source.batches(_KINDS):
            for kind in set(_KINDS) & set(batch.tables):
                rows += _events(batch.tables[kind], size)
        frames = source.stacks.frames
        rows = _in_order(rows, truth.sequence)
        names: dict[int, tuple[str, ...]] = {}
        if truth.functions:
            for stack in {event.fields["stack"] for event in rows if event.fields["stack"] >= 0}:
                names[stack] = tuple(truth.functions.get(address, "") for address in frames(stack).tolist())
    processes = dict(_lives(rows))
    _attribute(rows, names, processes)
    return LoggedTrace(tuple(rows), size, truth.held, processes)


def _in_order(events: list[Event], sequence: Mapping[tuple[int, int, int], Sequence[int]]) -> list[Event]:
    events.sort(key=lambda event: event.order)
    if not sequence:
        return events
    taken: Counter[tuple[int, int, int]] = Counter()
    placed: list[tuple[int, int, Event]] = []
    for event in events:
        key = event["raw_time"], event.cpu, event.event
        placed.append((sequence[key][min(taken[key], len(sequence[key]) - 1)], event.order, event))
        taken[key] += event.what is not What.REMOVE
    placed.sort(key=lambda each: each[:2])
    for order, (_, _, event) in enumerate(placed):
        event.order = order
    return [event for _, _, event in placed]


def _lives(events: list[Event]) -> Iterator[tuple[int, int]]:
    for event in events:
        if event.what is What.START:
            yield event["thread"], event["process"]


def _attribute(events: list[Event], names: Mapping[int, tuple[str, ...]], processes: Mapping[int, int]) -> None:
    """The thread of an event is that of its kernel stack or header, else the one that its CPU was given last.

    User stacks are logged later, on any processor, so that two events of one tick may have got each other's.
    """
    running: dict[int, int] = {}
    for event in events:
        who = event.thread
        if who == UNKNOWN_ID or (event["who"] == Who.STACK and event["stack"] < 0):
            who = running.get(event.cpu, who)
        if event.what is What.SWITCH:
            who = event["old_thread"]
            running[event.cpu] = event.object
        event.thread = who
        if event.process == UNKNOWN_ID:
            event.process = processes.get(who, UNKNOWN_ID)
        event.stack = names.get(event.fields["stack"], ())


def _events(table: EventTable, pointer_size: int) -> Iterator[Event]:
    columns: dict[str, list[Any]] = {
        name: column.tolist() for name, column in table.fields.items() if not isinstance(column, BlobColumn)
    }
    columns |= {"stack": table.stack.tolist(), "who": table.who.tolist(), "raw_time": table.raw_time.tolist()}
    names = list(columns)
    common = zip(
        *(getattr(table, name).tolist() for name in ("time", "order", "cpu", "thread", "process", "event")), strict=True
    )
    rows = zip(common, zip(*columns.values(), strict=True), strict=True)
    for row, ((at, order, cpu, who, process, event), values) in enumerate(rows):
        fields = dict(zip(names, values, strict=True))
        head = (at, order, cpu, who, process, event)
        if table.kind not in _OTHERS:
            what = _HOOKS.get(event)
            if what is not None:
                yield Event(what, *head, fields[_OBJECT.get(what, "irp")], fields)
        elif table.kind == "afd":
            yield Event(What.SOCKET, *head, fields.get("endpoint", 0), fields)
        elif event == thread.QUEUE_INSERT:
            yield Event(What.INSERT, *head, fields["entry"], fields)
        else:
            for entry in _pointers(table.blob("entries").bytes(row), pointer_size):
                yield Event(What.REMOVE, *head, entry, fields)


def _pointers(data: bytes, size: int) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // size}{'I' if size == 4 else 'Q'}", data)


def is_started(event: Event) -> bool:
    """Whether a socket event tells of an operation that begins."""
    return event.what is What.SOCKET and event.fields.get("enter_exit") == afd.EnterExit.STARTED
