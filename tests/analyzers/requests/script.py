"""Short stories about requests and sockets, told event by event and fed as batches."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analyzers.requests.tables import RequestSnapshot
from analyzers.requests.tracker import Requests
from analyzers.scheduling import CpuTimeline
from analyzers.threads import Threads
from tests.analyzers.event_tables import event_table
from tracer.columns import UNKNOWN_ID, BlobColumn, Column, EventTable, Who
from tracer.events import irp as irp_events
from tracer.events.irp import MajorFunction
from tracer.events.thread import QUEUE_INSERT, QUEUE_REMOVE
from tracer.trace import Batch, LateStacks

IRP, OTHER_IRP = 0xFFFF_8000_0000_1000, 0xFFFF_8000_0000_2000
FILE_IRP = 0xFFFF_8000_0000_9000
FILE, OTHER_FILE = 0xFFFF_8000_00F1_0000, 0xFFFF_8000_00F1_8000
ENDPOINT, OTHER_ENDPOINT = 0xFFFF_8000_00E0_0000, 0xFFFF_8000_00E0_8000
AFD, TRANSPORT = 0xFFFF_F800_0A0F_0000, 0xFFFF_F800_07C0_0000
CLIENT, SERVER, IDLE = 1296, 1040, 0
KEY, PROCESS = 0xFFFF_8000_00AA_0080, 1252
STEP_NS = 1_000
"""Time between two events of a story."""
_NOTHING = LateStacks(
    np.zeros(0, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.uint16),
    np.zeros(0, np.int32), np.zeros(0, np.bool_),
)  # fmt: skip
_BLOBS = frozenset({"address", "entries", "ip", "source", "destination", "local_address", "remote_address"})


def sockaddr(port: int, ip: bytes = bytes([127, 0, 0, 1])) -> bytes:
    """SOCKADDR_IN, or SOCKADDR_IN6 for sixteen bytes."""
    if len(ip) == 4:
        return struct.pack("<H", 2) + struct.pack(">H", port) + ip + bytes(8)
    return struct.pack("<H", 23) + struct.pack(">H", port) + bytes(4) + ip + bytes(4)


class Story:
    """Events in the order in which they happen, one every microsecond; each on the CPU and thread given with it."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.paused = 0

    def add(self, kind: str, event: int, *, thread: int = UNKNOWN_ID, cpu: int = 0, **fields: Any) -> int:
        """One event; gives its time."""
        place = len(self.events) + self.paused
        self.events.append({"kind": kind, "event": event, "thread": thread, "cpu": cpu, "place": place, **fields})
        return place * STEP_NS

    def call(
        self, thread: int = CLIENT, irp: int = IRP, number: int = 1, *, file: int = FILE, routine: int = AFD,
        major: int = MajorFunction.DEVICE_CONTROL, cpu: int = 0,
    ) -> int:  # fmt: skip
        """A driver is called."""
        fields = {"irp": irp, "id": number, "file_object": file, "routine": routine, "major": major}
        return self.add("irp", irp_events.CALL, thread=thread, cpu=cpu, **fields)

    def returns(self, thread: int = CLIENT, irp: int = IRP, number: int = 1) -> int:
        return self.add("irp", irp_events.RETURN, thread=thread, irp=irp, id=number)

    def complete(self, thread: int = IDLE, irp: int = IRP, number: int = 1, cpu: int = 1) -> int:
        return self.add("irp", irp_events.COMPLETE, thread=thread, cpu=cpu, irp=irp, id=number)

    def complete_returns(self, thread: int = IDLE, irp: int = IRP, number: int = 1, cpu: int = 1) -> int:
        return self.add("irp", irp_events.COMPLETE_RETURN, thread=thread, cpu=cpu, irp=irp, id=number)

    def meets(self, routine: int, irp: int = IRP, thread: int = IDLE, number: int = 1, cpu: int = 1) -> int:
        """The completion calls a driver's completion routine."""
        fields = {"irp": irp, "id": number, "routine": routine}
        return self.add("irp", irp_events.COMPLETION_ROUTINE, thread=thread, cpu=cpu, **fields)

    def of_file(self, major: int, file: int = FILE, thread: int = CLIENT, irp: int = FILE_IRP) -> int:
        """The I/O manager opens, cleans up or closes a file, which its driver completes inside the call; its time."""
        self.call(thread, irp, 90, file=file, major=major)
        done = self.complete(thread, irp, 91, cpu=0)
        self.returns(thread, irp, 90)
        return done

    def afd(self, event: int, step: int, thread: int = CLIENT, *, endpoint: int = ENDPOINT, **fields: Any) -> int:
        """An event of the socket driver."""
        common = {"enter_exit": step, "endpoint": endpoint, "process_object": KEY, "process": PROCESS}
        return self.add("afd", event, thread=thread, **common, **fields)

    def free(
        self, entry: int = IRP, tag: bytes = b"Irp ", cpu: int = 0, stack: int = -1, thread: int = UNKNOWN_ID
    ) -> int:
        number = int.from_bytes(tag, "little")
        return self.add("pool", 0x0E22, cpu=cpu, thread=thread, entry=entry, tag=number, stack=stack)

    def allocate(self, entry: int = IRP, tag: bytes = b"Irp ", thread: int = UNKNOWN_ID) -> int:
        return self.add("pool", 0x0E20, thread=thread, entry=entry, tag=int.from_bytes(tag, "little"))

    def exits(self, thread: int = CLIENT) -> int:
        return self.add("thread", 0x0502, cpu=2, owner=thread)

    def switch(self, new: int, cpu: int = 0) -> int:
        return self.add("context_switch", 0x0524, cpu=cpu, new_thread=new, old_thread=IDLE)

    def insert(self, entry: int, by: int = SERVER, cpu: int = 1) -> int:
        """An entry is put into a kernel queue; the event itself names the thread."""
        return self.add("queue", QUEUE_INSERT, cpu=cpu, entry=entry, owner=by)

    def remove(self, *entries: int, by: int = SERVER, width: int = 8) -> int:
        data = b"".join(entry.to_bytes(width, "little") for entry in entries)
        return self.add("queue", QUEUE_REMOVE, count=len(entries), entries=data, owner=by)

    def later(self, ns: int) -> None:
        """Nothing happens for so long, which is a whole number of steps."""
        self.paused += ns // STEP_NS

    def snapshot(self, cuts: Sequence[int] = (), rows: int = 2) -> RequestSnapshot:
        """The snapshot at the end, the events fed in batches that end before the given places."""
        requests, threads = Requests(rows), Threads()
        timeline = CpuTimeline(threads)
        for start, end in zip([0, *cuts], [*cuts, len(self.events)], strict=True):
            batch = _batch(self.events[start:end], end + self.paused)
            if "thread" in batch.tables:
                threads.feed(batch.tables["thread"])
            timeline.stamp(batch)
            requests.feed(batch)
        return requests.snapshot(timeline)


def _batch(events: Sequence[Mapping[str, Any]], end: int) -> Batch:
    kinds = {event["kind"] for event in events}
    tables = {kind: _table(kind, [event for event in events if event["kind"] == kind]) for kind in kinds}
    return Batch(tables, _NOTHING, end * STEP_NS, 0, 0)


_COMMON = frozenset({"kind", "event", "thread", "cpu", "place", "owner", "stack"})
_WIDE = frozenset({"irp", "file_object", "routine", "entry", "endpoint", "process_object", "process_id", "tcb", "key",
                   "accept_endpoint"})  # fmt: skip


def _table(kind: str, events: Sequence[Mapping[str, Any]]) -> EventTable:
    names = {name for event in events for name in event} - _COMMON
    fields: dict[str, Column] = {}
    for name in names - ({"process"} if kind == "afd" else set()):
        if name in _BLOBS:
            fields[name] = _blobs([event.get(name, b"") for event in events])
        else:
            dtype = np.uint64 if name in _WIDE else np.uint32
            fields[name] = np.array([event.get(name, 0) for event in events], dtype)
    if kind in {"thread", "queue"}:
        fields["thread"] = np.array([event["owner"] for event in events], np.uint32)
    if kind == "thread":
        fields["process"] = np.full(len(events), PROCESS, np.uint32)
    if kind == "process":
        fields["image_name"] = BlobColumn.empty(len(events))
    places = np.array([event["place"] for event in events], np.int64)
    known = np.array([event["thread"] for event in events], np.uint32)
    process = [event.get("process", UNKNOWN_ID) if kind == "afd" else UNKNOWN_ID for event in events]
    who = np.where(known != UNKNOWN_ID, int(Who.HEADER), int(Who.UNKNOWN))
    stacks = np.array([event.get("stack", -1) for event in events], np.int32)
    return event_table(
        kind, [event["event"] for event in events], fields, time=places * STEP_NS, order=places,
        cpu=[event["cpu"] for event in events], thread=known, process=process, who=who, stack=stacks,
    )  # fmt: skip


def _blobs(values: Sequence[bytes]) -> BlobColumn:
    lengths = np.array([len(value) for value in values], np.int64)
    return BlobColumn(np.frombuffer(b"".join(values), np.uint8), np.cumsum(lengths) - lengths, lengths)


def plain(found: RequestSnapshot) -> dict[str, Any]:
    """A snapshot as values that can be compared."""

    def values(part: Any) -> dict[str, Any]:
        columns = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
        return {name: column.tolist() if isinstance(column, np.ndarray) else column for name, column in columns.items()}

    names = ("requests", "sockets", "kinds", "entries", "sources", "counts", "releases")
    seen = (found.seen_irp, found.seen_afd, found.seen_tcp, found.seen_queues, found.seen_routines)
    return {**{name: values(getattr(found, name)) for name in names}, "seen": seen}
