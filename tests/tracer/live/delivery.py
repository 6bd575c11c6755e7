"""Records of a simulated trace as Windows delivers them in real time: EVENT_RECORD structures, one after another."""

from __future__ import annotations

import ctypes as ct
import struct
import time
import uuid
from collections.abc import Callable, Iterable, Sequence

from fixtures.etl.records import NO_GUID, Record
from fixtures.kernel.machine import START_TICKS
from tracer.columns import UNKNOWN_ID
from tracer.etl.headers import HeaderType
from tracer.events import afd, tcpip
from tracer.events.layout import KernelId
from tracer.events.providers import classic
from tracer.live.structures import EventRecord, ExtendedDataItem, Guid

FLAG_EXTENDED, FLAG_32_BIT, FLAG_64_BIT, FLAG_CLASSIC, FLAG_PROCESSOR_INDEX = 0x1, 0x20, 0x40, 0x100, 0x200
_NO_THREAD = frozenset({HeaderType.PERFINFO32, HeaderType.PERFINFO64})
_MANIFEST = frozenset({HeaderType.EVENT32, HeaderType.EVENT64})
_SOCKETS = frozenset({afd.PROVIDER, tcpip.PROVIDER})

Callback = ct.CFUNCTYPE(None, ct.c_void_p)


class Delivery:
    """What one session delivers. ``pause``: where to wait, by position, for as long as the callable says."""

    def __init__(self, records: Iterable[Record], *, pauses: dict[int, Callable[[], bool]] | None = None) -> None:
        self._events = [_Event(record) for record in records]
        self._pauses = pauses or {}

    def __len__(self) -> int:
        return len(self._events)

    def run(self, callback: int, context: int, ended: Callable[[], bool]) -> None:
        """Deliver; a session that was stopped goes on to deliver what it holds."""
        call = Callback(callback)
        for position, event in enumerate(self._events):
            while (waits := self._pauses.get(position)) is not None and waits() and not ended():
                time.sleep(0.001)
            event.record.UserContext = context
            call(ct.addressof(event.record))


class _Event:
    """An EVENT_RECORD and all that it points to."""

    def __init__(self, record: Record) -> None:
        self._payload = ct.create_string_buffer(record.payload, max(len(record.payload), 1))
        self._data = [ct.create_string_buffer(item.data, max(len(item.data), 1)) for item in record.extended]
        items = [
            ExtendedDataItem(0, item.type, 0, len(item.data), ct.addressof(data))
            for item, data in zip(record.extended, self._data, strict=True)
        ]
        self._items = (ExtendedDataItem * max(len(items), 1))(*items)
        self.record = made = EventRecord()
        header = made.EventHeader
        provider, opcode = _named(record)
        header.ProviderId = Guid.of(provider)
        header.TimeStamp = record.time
        header.ThreadId, header.ProcessId = (
            (UNKNOWN_ID, UNKNOWN_ID) if record.header in _NO_THREAD else (record.thread, record.process)
        )
        header.KernelTime, header.UserTime = record.kernel_time, record.user_time
        header.ActivityId = Guid.of(record.activity)
        header.EventProperty = record.property
        described = header.EventDescriptor
        described.Id = record.id if record.header in _MANIFEST else 0
        described.Version, described.Opcode, described.Level = record.version, opcode, record.level
        described.Channel, described.Task, described.Keyword = record.channel, record.task, record.keyword
        header.Flags = _flags(record)
        cpu = struct.pack("<H", record.cpu)
        made.BufferContext.ProcessorNumber, made.BufferContext.Alignment = cpu[0], cpu[1]
        made.ExtendedDataCount = len(items)
        made.ExtendedData = ct.addressof(self._items)
        made.UserDataLength = len(record.payload)
        made.UserData = ct.addressof(self._payload)


def _named(record: Record) -> tuple[uuid.UUID, int]:
    if record.provider != NO_GUID:
        return record.provider, record.opcode
    found = classic(KernelId(record.hook))
    assert found is not None, f"no class is known for hook {record.hook:04X}"
    return found.provider, found.event


def _flags(record: Record) -> int:
    flags = FLAG_32_BIT if record.header.name.endswith("32") else FLAG_64_BIT
    flags |= FLAG_EXTENDED if record.extended else 0
    flags |= 0 if record.header in _MANIFEST else FLAG_CLASSIC
    return flags | FLAG_PROCESSOR_INDEX


def split(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """The kernel's records, and those of the socket manifests."""
    kernel = [record for record in records if record.provider not in _SOCKETS]
    return kernel, [record for record in records if record.provider in _SOCKETS]


BEGIN = Record(HeaderType.SYSTEM64, START_TICKS, hook=0)
"""What a session delivers first; its time is the trace's time 0, as that of a file's first record."""
