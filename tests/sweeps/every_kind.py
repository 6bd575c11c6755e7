"""Small traces with a record of every kind that is read: one in which nothing leaks, and one that leaks.

A program opens, uses and closes sockets, two drivers allocate and free, one of them is unloaded. Whatever else a file
can hold stands between: every header, every layout that is no socket's, stacks of all sorts, events that describe
themselves, a schema.
"""

from __future__ import annotations

import dataclasses
import struct
import uuid
from typing import Any, Final

import numpy as np

from fixtures.etl.logfile_header import end_extension
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import ExtendedItem, Record
from fixtures.etl.writer import EtlWriter
from tracer.etl.headers import ExtendedType, HeaderType, MessageOption
from tracer.events import afd, image, irp, network, pool, process, schemas, stack, tcpip, thread
from tracer.events.encode import encode
from tracer.events.layout import EventId, KernelId, Layout, ProviderId
from tracer.events.registry import LAYOUTS, layout_for
from tracer.events.schema_fields import InType

Values = dict[str, Any]
"""Fields of an event."""

FREQUENCY: Final = 10_000_000
START: Final = 1_000_000
PROGRAM: Final = 100
THREADS: Final = (104, 108)
NT, ABC, GONE, AFD = (0xFFFF_F800_0000_0000 + (n << 24) for n in range(4))
HEAP: Final = 0xFFFF_9A80_0000_0000
SOMEBODY: Final = uuid.UUID("11111111-2222-3333-4444-555555555555")
OF_SOCKETS: Final = frozenset({"afd", "tcpip"})
"""Kinds with so many layouts that only those are here which the story has."""
ROUNDS: Final = 24
_LEAKY: Final = 2
"""One in so many blocks is kept in the leaking story."""
_ROUND: Final = 1_000_000
"""Ticks between two rounds: 0.1 s."""
_KEPT_KEY: Final = 0x5000
_ADDRESS: Final = struct.pack("<H", 2) + struct.pack(">H", 7000) + bytes([127, 0, 0, 1]) + bytes(8)
_VERSIONS: Final = {
    **dict.fromkeys((0x0301, 0x0302, 0x0303, 0x0304), 4),
    **dict.fromkeys((0x0501, 0x0502, 0x0503, 0x0504, 0x030A, 0x1402, 0x1403), 3),
}
_FRAMES: Final = {ABC: [NT + 0x10, ABC + 0x100, NT + 0x200], GONE: [NT + 0x10, GONE + 0x40, NT + 0x200]}


def utf16(text: str) -> bytes:
    """As it stands in fields of text."""
    return text.encode("utf-16-le")


_USUAL: Final[Values] = {
    "process": PROGRAM, "parent": 4, "image_name": b"a.exe", "command_line": utf16("a"), "process_pointer": 299,
    "base": 0x7FF6_0000_0000, "size": 0x1000, "size32": 0x1000, "file_name": utf16("a.exe"), "name": utf16("w"),
    "pdb": b"a.pdb", "sid": bytes([1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]), "description": utf16("A"),
    "computer": utf16("PC"), "processors": 2, "exit_status": 259, "data": b"data",
}  # fmt: skip
"""What fields say that the story does not care about."""


class Recorder:
    """Records in the order in which they happen. ``now``: raw time."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.now = START

    def add(self, header: HeaderType, payload: bytes = b"", cpu: int = 0, **more: Any) -> int:
        """One record, a tick after the one before; gives its time."""
        self.now += 1
        ids: Values = {} if "thread" in more else {"thread": THREADS[cpu], "process": PROGRAM}
        self.records.append(Record(header, self.now, payload, cpu, **ids, **more))
        return self.now

    def kernel(
        self, hook: int, cpu: int = 0, version: int | None = None, header: HeaderType = HeaderType.PERFINFO64,
        **values: Any,
    ) -> int:  # fmt: skip
        """A kernel event by its layout."""
        version = _VERSIONS.get(hook, 2) if version is None else version
        narrow = 4 if header.name.endswith("32") else 8
        return self.add(header, _payload(KernelId(hook), version, values, narrow), cpu, hook=hook, version=version)

    def provider(
        self, event: ProviderId, cpu: int = 0, header: HeaderType = HeaderType.EVENT64,
        extended: tuple[ExtendedItem, ...] = (), version: int = 0, **values: Any,
    ) -> int:  # fmt: skip
        """An event of a provider by its layout, a classic one under a FULL header."""
        ids: Values = {"opcode": event.event} if header is HeaderType.FULL64 else {"id": event.event}
        payload = _payload(event, version, values)
        return self.add(header, payload, cpu, provider=event.provider, version=version, extended=extended, **ids)

    def stack(self, event_time: int, frames: list[int], cpu: int = 0, key: int = 0, *, user: bool = False) -> None:
        """The stack of the event of that time, plain or by key."""
        ids: Values = {"event_time": event_time, "process": PROGRAM, "thread": THREADS[cpu]}
        if key:
            self.kernel(stack.KEY_USER if user else stack.KEY_KERNEL, cpu, key=key, **ids)
        else:
            self.kernel(stack.STACK, cpu, frames=frames, **ids)


def _payload(event: EventId, version: int, values: Values, pointer: int = 8) -> bytes:
    layout = layout_for(event, version)
    assert layout is not None
    return encode(layout, pointer, _filled(layout, values))


def _filled(layout: Layout, values: Values) -> Values:
    return {field.name: _USUAL[field.name] for field in layout.fields if field.name in _USUAL} | values


def _begin(it: Recorder) -> None:
    """What a session lists at its start."""
    it.kernel(0x0B0A, header=HeaderType.SYSTEM64)
    for number, name in ((4, b"System"), (PROGRAM, b"a.exe")):
        it.kernel(process.RUNDOWN_START, header=HeaderType.SYSTEM64, process=number, image_name=name, key=HEAP + number)
    for each in THREADS:
        it.kernel(thread.RUNDOWN_START, header=HeaderType.SYSTEM64, thread=each)
    for base, of in ((NT, "ntoskrnl.exe"), (ABC, "abc.sys"), (GONE, "gone.sys"), (AFD, "afd.sys")):
        file = utf16(f"\\{of}")
        hook = image.LOAD if base == GONE else image.RUNDOWN_START
        it.kernel(hook, header=HeaderType.SYSTEM64, base=base, size=0x1000, process=0, file_name=file)


def _others(it: Recorder) -> None:
    """Every layout that the story lacks, once, and every header."""
    told = {(record.hook, record.version) for record in it.records if record.hook}
    story = {thread.CONTEXT_SWITCH, thread.READY, thread.QUEUE_INSERT, thread.QUEUE_REMOVE, irp.COMPLETION_ROUTINE}
    for number, layout in enumerate(LAYOUTS):
        event = layout.ids[0]
        if layout.kind in OF_SOCKETS | {"irp", "stack_definition", "stack", "stack_key", "pool", "schema"}:
            continue
        other = 300 + number if layout.kind.startswith("process") else PROGRAM
        own = {"base": 0x7FF6_0000_0000 + (number << 20), "thread": 200 + number, "process": other}
        values: Values = {
            name: value for name, value in own.items() if any(field.name == name for field in layout.fields)
        }
        if isinstance(event, ProviderId):
            it.provider(event, 1, HeaderType.FULL64, version=layout.version, **values)
        elif (event.hook, layout.version) not in told and event.hook not in story - {thread.CONTEXT_SWITCH}:
            it.kernel(event.hook, 1, layout.version, HeaderType.SYSTEM64, **values)
    it.kernel(0x0548, 1, header=HeaderType.COMPACT64, thread=THREADS[1])
    it.kernel(0x0548, 1, header=HeaderType.SYSTEM32, thread=THREADS[1])
    it.kernel(0x0548, 1, header=HeaderType.COMPACT32, thread=THREADS[1])
    it.add(HeaderType.PERFINFO64, b"unknown!", 1, hook=0x0F2E, version=2, counters=(1, 2), pebs=3)
    for header in (HeaderType.TIMED, HeaderType.ERROR, HeaderType.WNODE, HeaderType.INSTANCE32, HeaderType.INSTANCE64,
                   HeaderType.FULL32):  # fmt: skip
        it.add(header, b"payload!", 1, provider=SOMEBODY)
    parts = MessageOption.SEQUENCE | MessageOption.GUID | MessageOption.TIMESTAMP | MessageOption.SYSTEM_INFO
    it.add(HeaderType.MESSAGE, b"message!", 1, provider=SOMEBODY, id=10, options=parts)
    it.add(HeaderType.FULL64, _schema(), 1, provider=schemas.PROVIDER, opcode=schemas.EVENT_SCHEMA)
    it.add(HeaderType.FULL64, _value_map(), 1, provider=schemas.PROVIDER, opcode=schemas.VALUE_MAP)
    it.add(HeaderType.EVENT64, struct.pack("<I", 7), 1, provider=SOMEBODY, id=7, version=2)
    it.add(HeaderType.EVENT64, struct.pack("<I", 7), 1, provider=SOMEBODY, id=1, extended=_items())
    it.add(HeaderType.EVENT32, b"narrow", 1, provider=SOMEBODY, id=2, extended=(
        ExtendedItem(ExtendedType.STACK32, struct.pack("<Q2I", 0, 0x8000_1000, 0x1000)),
        ExtendedItem(ExtendedType.STACK_KEY32, struct.pack("<QI", 0, 0x77)),
    ))  # fmt: skip


def _items() -> tuple[ExtendedItem, ...]:
    """A description, traits, stacks and what nobody reads."""
    body = b"\0e\0Count\0\x08"
    name = struct.pack("<H", 10) + b"Some.Pv\0"
    return (
        ExtendedItem(ExtendedType.SCHEMA_TL, struct.pack("<H", len(body) + 2) + body),
        ExtendedItem(ExtendedType.PROV_TRAITS, name),
        ExtendedItem(ExtendedType.STACK64, struct.pack("<3Q", 0, NT + 0x10, ABC + 0x10)),
        ExtendedItem(ExtendedType.STACK_KEY64, struct.pack("<2Q", 0, _KEPT_KEY)),
        ExtendedItem(ExtendedType.RELATED_ACTIVITY, SOMEBODY.bytes_le),
    )


def _schema() -> bytes:
    """A manifest's event with one number."""
    info, row = np.zeros(1, schemas.EVENT_INFO), np.zeros(1, schemas.PROPERTY)
    at = info.itemsize + row.itemsize
    info["provider"] = np.void(SOMEBODY.bytes_le)
    info["id"], info["version"], info["provider_name"], info["task_name"] = 7, 2, at, at + 6
    info["property_count"] = info["top_level_count"] = 1
    row["name"], row["in_type"], row["count"] = at + 12, InType.UINT32, 1
    return info.tobytes() + row.tobytes() + utf16("Pv\0Tk\0Nr\0")


def _value_map() -> bytes:
    info, entry = np.zeros(1, schemas.MAP_INFO), np.zeros(1, schemas.MAP_ENTRY)
    at = info.itemsize + entry.itemsize
    info["name"], info["flag"], info["count"] = at, 1, 1
    entry["output"], entry["value"] = at + 4, 1
    return SOMEBODY.bytes_le + info.tobytes() + entry.tobytes() + utf16("M\0O\0")


def _block(number: int) -> int:
    return HEAP + 0x1000 * number


def _allocate(it: Recorder, number: int, driver: int, tag: bytes, size: int = 304, cpu: int = 0) -> None:
    """One block with its stack: plain, or by a key; now and then with a user stack."""
    values: Values = {"type": 0x200, "tag": int.from_bytes(tag, "little"), "bytes": size, "entry": _block(number)}
    time = it.kernel(pool.ALLOC, cpu, **values)
    it.stack(time, _FRAMES[driver], cpu, key=(driver >> 16) & 0xFFFFFFFF if number % 3 == 0 else 0)
    if number % 5 == 0:
        it.stack(time, [], cpu, key=_KEPT_KEY, user=True)


def _free(it: Recorder, number: int, driver: int, tag: bytes, size: int = 304, cpu: int = 0) -> None:
    values: Values = {"type": 0x200, "tag": int.from_bytes(tag, "little"), "bytes": size, "entry": _block(number)}
    time = it.kernel(pool.FREE, cpu, **values)
    if number % 4 == 0:
        it.stack(time, _FRAMES[driver][:2], cpu)


def _request(it: Recorder, number: int, version: int) -> None:
    """A socket is made, a request on it is issued, completed and freed, and the socket is closed."""
    packet, file, endpoint = _block(1000 + number) + 0x10, _block(1100 + number), _block(1200 + number)
    tag: Values = {"type": 0x200, "tag": int.from_bytes(b"Irp ", "little"), "bytes": 0x1D0, "entry": packet - 0x10}
    owner: Values = {"process_object": HEAP + PROGRAM, "endpoint": endpoint}
    for step in (afd.EnterExit.STARTED, afd.EnterExit.COMPLETED):
        it.provider(ProviderId(afd.PROVIDER, afd.CREATE), enter_exit=step, **owner, process_id=PROGRAM)
    it.kernel(pool.ALLOC, **tag)
    it.provider(ProviderId(afd.PROVIDER, afd.SEND), enter_exit=0, **owner, buffer_length=64)
    calls: Values = {
        "major": irp.MajorFunction.DEVICE_CONTROL,
        "routine": AFD + 0x100,
        "file_object": file,
        "irp": packet,
    }
    it.kernel(irp.CALL, version=version, **calls, id=number)
    it.kernel(irp.RETURN, version=version, irp=packet, id=number)
    it.kernel(irp.COMPLETION_ROUTINE, routine=NT + 0x300, irp=packet, id=number)
    it.kernel(irp.COMPLETE, routine=AFD + 0x100, irp=packet, id=number)
    it.kernel(irp.COMPLETE_RETURN, irp=packet, id=number)
    if version > 1:
        it.kernel(thread.QUEUE_INSERT, entry=packet + 0xA8, thread=THREADS[0])
        it.kernel(thread.QUEUE_REMOVE, thread=THREADS[1], count=1, entries=[packet + 0xA8])
    it.provider(ProviderId(afd.PROVIDER, afd.SEND), enter_exit=1, **owner, buffer_length=64)
    it.kernel(pool.FREE, **tag)
    for event in (afd.CLOSE, afd.CLEANUP):
        for step in (afd.EnterExit.STARTED, afd.EnterExit.COMPLETED):
            it.provider(ProviderId(afd.PROVIDER, event), enter_exit=step, **owner)


def _network(it: Recorder) -> None:
    local: Values = {"local_address_length": len(_ADDRESS), "local_address": _ADDRESS}
    remote: Values = {"remote_address_length": len(_ADDRESS), "remote_address": _ADDRESS}
    it.provider(ProviderId(tcpip.PROVIDER, tcpip.CONNECT_COMPLETE), **local, **remote, tcb=_block(1300))
    it.kernel(network.TCP | network.SEND, header=HeaderType.SYSTEM64, source=bytes([127, 0, 0, 1]))


def _switch(it: Recorder, number: int) -> None:
    for cpu in (0, 1):
        new, old = (THREADS[cpu], 0) if number % 2 else (0, THREADS[cpu])
        it.kernel(thread.READY, cpu, thread=THREADS[cpu], adjust_reason=1)
        it.kernel(thread.CONTEXT_SWITCH, cpu, new_thread=new, old_thread=old, old_state=5, old_wait_reason=6)


def story(*, leaks: bool) -> list[Record]:
    """All records, in time order; ``leaks``: a driver keeps every other block."""
    it = Recorder()
    _begin(it)
    for number in range(ROUNDS):
        it.now = START + (number + 1) * _ROUND
        cpu = number % 2
        if number % 8 == 1:
            _switch(it, number // 8)
        _allocate(it, number, ABC, b"Abcd", cpu=cpu)
        if number == 0:
            for kept in range(901, 905):
                _allocate(it, kept, ABC, b"Init", 1_024)
        if number in (2, 4, 6, 8):
            _allocate(it, 500 + number, GONE, b"Gone", 96, cpu)
        if number in (9, 17):
            _request(it, number, 1 if number == 9 else 2)
        if number == 10:
            _network(it)
        if number == 11:
            _others(it)
        it.now += _ROUND // 4
        if not (leaks and number % _LEAKY):
            _free(it, number, ABC, b"Abcd", cpu=cpu)
        if number in (2, 4, 6, 8):
            _free(it, 500 + number, GONE, b"Gone", 96, cpu)
        if number == 12:
            gone: Values = {"base": GONE, "size": 0x1000, "process": 0, "file_name": utf16("\\gone.sys")}
            it.kernel(image.UNLOAD, header=HeaderType.SYSTEM64, **gone)
        if number == 13:
            _more_pool(it)
    _end(it)
    return it.records


def _more_pool(it: Recorder) -> None:
    """Session pool, an allocation that failed, blocks of a 32-bit kernel, frees of blocks from before."""
    session: Values = {
        "type": 0x221,
        "tag": int.from_bytes(b"Ses ", "little"),
        "bytes": 64,
        "entry": _block(700),
        "session": 1,
    }
    it.kernel(pool.ALLOC_SESSION, **session)
    it.kernel(pool.FREE_SESSION, **session)
    it.kernel(pool.ALLOC, type=0x200, tag=int.from_bytes(b"Abcd", "little"), bytes=304, entry=0)
    narrow: Values = {"type": 1, "tag": int.from_bytes(b"Old ", "little"), "bytes": 32, "entry": 0x8000_1000}
    it.kernel(pool.ALLOC, header=HeaderType.PERFINFO32, **narrow)
    it.kernel(pool.FREE, header=HeaderType.PERFINFO32, **narrow)
    it.kernel(pool.FREE, type=0x200, tag=int.from_bytes(b"Pre ", "little"), bytes=16, entry=_block(800))


def _end(it: Recorder) -> None:
    """Blocks that are in use; frames of stack keys, of one given up and of the others; what the session repeats."""
    it.now += _ROUND
    for young in range(910, 913):
        _allocate(it, young, ABC, b"Abcd")
    it.kernel(stack.KEY_DELETE, key=(ABC >> 16) & 0xFFFFFFFF, frames=_FRAMES[ABC])
    it.kernel(stack.KEY_RUNDOWN, key=(GONE >> 16) & 0xFFFFFFFF, frames=_FRAMES[GONE])
    it.kernel(stack.KEY_CREATE, key=_KEPT_KEY, frames=[0x7FF6_0000_1000, 0x7FF6_0000_2000])
    it.records.append(end_extension(options(), it.now))


def options(**more: Any) -> TraceOptions:
    """Of a file as small as it can be that still has room for every record."""
    usual = TraceOptions(
        buffer_size=1_024, processors=2, session="s", log_file="f", flush_ns=0, frequency=FREQUENCY,
        start_ticks=START, group_masks=((), (0x10007, 0x1000254)),
    )  # fmt: skip
    return dataclasses.replace(usual, **more)


def clean() -> bytes:
    """Nothing leaks."""
    return EtlWriter(options()).write(story(leaks=False))


def leaking() -> bytes:
    """A driver keeps blocks, and the session says that it lost an event."""
    records = story(leaks=True)
    place = next(place for place, record in enumerate(records) if record.hook == thread.READY)
    records[place] = dataclasses.replace(records[place], lost=True)
    return EtlWriter(options()).write(records)


def packed() -> bytes:
    """The clean one with compressed buffers."""
    return EtlWriter(options(compressed=True, buffer_size=4_096)).write(story(leaks=False))


TRACES: Final = {"clean": clean, "leaking": leaking, "packed": packed}
"""What can be swept, by name."""
