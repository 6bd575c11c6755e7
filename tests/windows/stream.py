"""What the stand-in for advapi32 plays: a simulated trace's records as Windows delivers them in real time.

A kernel event arrives as its class's GUID and an opcode, a manifest event as it is written, both behind an
EVENT_HEADER. The file is a header and the records, each as ``stream_record`` in ``standin/standin.h`` says; times
are ticks of 100 ns.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fixtures.etl.records import NO_GUID, ExtendedItem, Record
from fixtures.simulate import Simulation
from tracer.etl.headers import HeaderType

TICKS_A_SECOND: Final = 10_000_000
NO_THREAD: Final = 0xFFFFFFFF
"""Thread and process of a kernel event whose header stores neither."""

POOL: Final = uuid.UUID("0268a8b6-74fd-4302-9dd0-6e8f1795c0cf")
STACK_WALK: Final = uuid.UUID("def2fe46-7bd6-4b80-bd94-f57fe20d0ce3")

CLASSES: Final = {
    0x01: uuid.UUID("3d6fa8d4-fe05-11d0-9dda-00c04fd7ba7c"),  # DiskIo, which has the driver events too
    0x03: uuid.UUID("3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c"),  # Process
    0x05: uuid.UUID("3d6fa8d1-fe05-11d0-9dda-00c04fd7ba7c"),  # Thread
    0x06: uuid.UUID("9a280ac0-c8e0-11d1-84e2-00c04fb998a2"),  # TcpIp
    0x08: uuid.UUID("bf3a50c5-a9c9-4988-a005-2df0b7c80f80"),  # UdpIp
    0x0E: POOL,
    0x0F: uuid.UUID("ce1dbfb4-137e-4da6-87b0-3f59aa102cbc"),  # PerfInfo
    0x14: uuid.UUID("2cb15d1d-5fc1-11d2-abe1-00a0c911f518"),  # Image
    0x18: STACK_WALK,
}
"""Class of a kernel event by its group (the hook's high byte), from the kernel's MOF."""

_HEADER_GROUP: Final = 0x00
"""Events about the file itself, which a real-time consumer does not get."""
_STACK_GROUP: Final = 0x18
_REFERENCES: Final = frozenset({0x1820, 0x1825, 0x1826})
"""Stack events that belong to one event, by the time and the thread in their payload."""

_CLASSIC: Final = 0x0100
_BITS_64: Final = 0x0040
_NO_CPU_TIME: Final = 0x0010

_FILE = struct.Struct("<8sIIqqIIqqq")
_START = struct.Struct("<IHHHBBI16s")
_EVENT_HEADER = struct.Struct("<HHHHIIq16sHBBBBHQII16s")
_ITEM = struct.Struct("<HHI")
_STACK_START = struct.Struct("<QII")


@dataclass(frozen=True, slots=True)
class Trigger:
    """The event that a stack belongs to, and its tag if it is a pool event."""

    provider: uuid.UUID = NO_GUID
    opcode: int = 0
    tag: int = 0


def stream_of(simulation: Simulation) -> bytes:
    """The simulation's trace as a stream. ``ValueError`` where its clock does not tick in 100 ns."""
    if simulation.settings.frequency != TICKS_A_SECOND:
        raise ValueError(f"a clock of {simulation.settings.frequency} Hz; the stream's has {TICKS_A_SECOND}")
    records = delivered(simulation.records)
    options = {"processors": simulation.settings.cpus}
    return stream_file(list(real_time(records)), records[0].time, records[-1].time - records[0].time + 1, **options)


def delivered(records: Sequence[Record]) -> list[Record]:
    """Those of a trace's records that a real-time consumer can get at all, in time order."""
    live = [r for r in records if not r.lost and (r.provider.int or r.hook >> 8 != _HEADER_GROUP)]
    return sorted(live, key=lambda record: record.time)


def stream_file(
    records: Sequence[bytes], first: int, span: int, processors: int = 1, *, build: int = 26_100,
    start_time: int = 133_700_000_000_000_000, boot_time: int = 133_699_000_000_000_000,
) -> bytes:  # fmt: skip
    """The file of records made by ``packed``. ``span``: ticks after which a looped stream begins again."""
    head = _FILE.pack(b"PSSTREAM", 1, len(records), first, span, processors, build, start_time, boot_time, 0)
    return head + b"".join(records)


def real_time(records: Sequence[Record]) -> Iterator[bytes]:
    """The bytes of each record in the stream."""
    triggers: dict[tuple[int, int], Trigger] = {}
    for record in records:
        if record.provider.int:
            triggers[record.time, record.thread] = Trigger(record.provider, record.opcode)
        elif record.hook >> 8 != _STACK_GROUP:
            triggers[record.time, record.thread] = _kernel_trigger(record)
        yield packed(record, _trigger(record, triggers))


def _kernel_trigger(record: Record) -> Trigger:
    provider = CLASSES[record.hook >> 8]
    tag = int.from_bytes(record.payload[4:8], "little") if provider == POOL else 0
    return Trigger(provider, record.hook & 0xFF, tag)


def _trigger(record: Record, triggers: dict[tuple[int, int], Trigger]) -> Trigger | None:
    if record.provider.int or record.hook not in _REFERENCES:
        return None
    time, _, thread = _STACK_START.unpack_from(record.payload)
    return triggers.get((time, thread), Trigger())


def packed(record: Record, trigger: Trigger | None = None) -> bytes:
    """One record. ``trigger`` is given for a stack event alone."""
    items = b"".join(_packed_item(item) for item in record.extended)
    payload = record.payload + bytes(-len(record.payload) % 8)
    size = _START.size + _EVENT_HEADER.size + len(items) + len(payload)
    of = trigger or Trigger()
    start = _START.pack(
        size, record.cpu, len(record.payload), len(record.extended), trigger is not None, of.opcode,
        of.tag, of.provider.bytes_le,
    )  # fmt: skip
    return start + _header(record) + items + payload


def _packed_item(item: ExtendedItem) -> bytes:
    return _ITEM.pack(item.type, len(item.data), 0) + item.data + bytes(-len(item.data) % 8)


def _header(record: Record) -> bytes:
    if record.provider.int:
        identity = (record.id, record.version, record.channel, record.level, record.opcode, record.task, record.keyword)
        flags, provider, property_ = _BITS_64, record.provider, record.property
    else:
        identity = (0, record.version, 0, 0, record.hook & 0xFF, 0, 0)
        flags, provider, property_ = _BITS_64 | _CLASSIC, CLASSES[record.hook >> 8], 0
    thread, process = record.thread, record.process
    if record.header is HeaderType.PERFINFO64:
        flags |= _NO_CPU_TIME
        thread = process = NO_THREAD
    return _EVENT_HEADER.pack(
        _EVENT_HEADER.size + len(record.payload), 0, flags, property_, thread, process, record.time, provider.bytes_le,
        *identity, record.kernel_time, record.user_time, record.activity.bytes_le,
    )  # fmt: skip


def busy_stream(rate: int, frames: int = 16, stacks: int = 200, blocks: int = 5_000) -> bytes:
    """A busy kernel for a looped run: pool blocks allocated and freed, each event with the stack that belongs to it.

    ``rate``: records a second, stacks counted too. ``blocks`` are allocated and then freed, so that a round leaves
    nothing behind; ``stacks`` different ones of ``frames`` kernel addresses each.
    """
    step = TICKS_A_SECOND // rate
    records = []
    for number in range(2 * blocks):
        at = 2 * step * number
        records += _busy_pair(number % blocks, 0x20 if number < blocks else 0x22, at + step, step, frames, stacks)
    return stream_file(records, step, 4 * blocks * step, 4)


def _busy_pair(block: int, opcode: int, at: int, step: int, frames: int, stacks: int) -> list[bytes]:
    thread, cpu = 1_000 + block % 64, block % 4
    address = 0xFFFF_C000_0000_0000 + 0x1000 * block
    pool = Record(
        HeaderType.PERFINFO64, at, struct.pack("<I4sQQ", 0x200, b"Busy", 256, address), cpu, thread, 4,
        hook=0x0E00 | opcode, version=2,
    )  # fmt: skip
    base = 0xFFFF_F800_0000_0000 + 0x10_0000 * (block % stacks) + 0x1000 * opcode
    addresses = struct.pack(f"<{frames}Q", *(base + 16 * frame for frame in range(frames)))
    walk = Record(
        HeaderType.PERFINFO64, at + step, _STACK_START.pack(at, 4, thread) + addresses, cpu, thread, 4, hook=0x1820,
        version=2,
    )  # fmt: skip
    return [packed(pool), packed(walk, _kernel_trigger(pool))]
