"""A controller and a consumer of event tracing by pywintrace's bindings alone, to try the stand-in with."""

from __future__ import annotations

import ctypes as ct
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

from tests.windows.standin import StandIn

SYSTEM_LOGGER: Final = 0x02000100
"""A private system logger in real time."""
REAL_TIME: Final = 0x100
TRACED_GUID: Final = 0x20000
NAMES: Final = 512
"""Room for each of the two names, in characters."""
CONSUME: Final = 0x10000100
RAW_TIMES: Final = 0x1000

QUERY, STOP, UPDATE, FLUSH = range(4)
STACKS, MASK = 3, 4


def evntrace() -> ModuleType:
    """pywintrace's bindings, which take hold of advapi32 when they are imported."""
    from etw import evntrace as bindings

    return bindings  # type: ignore[no-any-return]


class Properties:
    """EVENT_TRACE_PROPERTIES with room for both names; ``room`` says otherwise."""

    def __init__(self, mode: int = SYSTEM_LOGGER, *, room: int = NAMES, file: str = "") -> None:
        self.et = evntrace()
        self.fixed = ct.sizeof(self.et.EVENT_TRACE_PROPERTIES)
        self.buffer = ct.create_string_buffer(self.fixed + 4 * room)
        self.it: Any = self.et.EVENT_TRACE_PROPERTIES.from_buffer(self.buffer)
        self.it.Wnode.BufferSize = len(self.buffer)
        self.it.Wnode.Flags = TRACED_GUID
        self.it.LogFileMode = mode
        self.it.LoggerNameOffset = self.fixed
        self.it.LogFileNameOffset = self.fixed + 2 * room if file else 0
        if file:
            raw = file.encode("utf-16-le")
            ct.memmove(ct.byref(self.buffer, self.it.LogFileNameOffset), raw, len(raw))

    @property
    def pointer(self) -> Any:
        return ct.byref(self.it)

    def name(self) -> str:
        raw = self.buffer.raw[self.it.LoggerNameOffset :]
        return raw[: len(raw) & ~1].decode("utf-16-le").partition("\0")[0]


def start(name: str, properties: Properties | None = None) -> tuple[int, int]:
    """(status, handle)"""
    et, given = evntrace(), properties or Properties()
    handle = et.TRACEHANDLE()
    status = et.StartTraceW(ct.byref(handle), name, given.pointer)
    return int(status), int(handle.value)


def started(name: str, mode: int = SYSTEM_LOGGER) -> int:
    status, handle = start(name, Properties(mode))
    assert status == 0
    return handle


def control(name: str | None, code: int, properties: Properties | None = None, *, handle: int = 0) -> int:
    return int(evntrace().ControlTraceW(handle, name, (properties or Properties()).pointer, code))


def inform(standin: StandIn, handle: int, kind: int, data: bytes) -> int:
    function = standin.dll.TraceSetInformation
    function.argtypes = [ct.c_uint64, ct.c_int, ct.c_char_p, ct.c_uint32]
    return int(function(handle, kind, data, len(data)))


def enable(
    handle: int, provider: uuid.UUID, keyword: int = 0, *, code: int = 1, level: int = 5, property_: int = 0,
    filter_: bytes = b"",
) -> int:  # fmt: skip
    """EnableTraceEx2, with a schematized filter where one is given."""
    et = evntrace()
    from etw import evntprov

    held = ct.create_string_buffer(filter_, len(filter_))
    descriptor = evntprov.EVENT_FILTER_DESCRIPTOR(ct.addressof(held), len(filter_), 0x80000000)
    parameters = et.ENABLE_TRACE_PARAMETERS()
    parameters.Version = 2
    parameters.EnableProperty = property_
    if filter_:
        parameters.EnableFilterDesc = ct.pointer(descriptor)
        parameters.FilterDescCount = 1
    guid = et.GUID.from_buffer_copy(provider.bytes_le)
    level_byte = bytes([level])
    return int(et.EnableTraceEx2(handle, ct.byref(guid), code, level_byte, keyword, 0, 0, ct.byref(parameters)))


@dataclass(frozen=True)
class Event:
    """What a consumer saw of one event."""

    provider: uuid.UUID
    opcode: int
    id: int
    time: int
    thread: int
    cpu: int
    flags: int
    payload: bytes
    items: tuple[tuple[int, bytes], ...]


@dataclass
class Consumer:
    """OpenTrace, and ProcessTrace in a thread of its own; what it saw is in ``events``, how it ended in ``status``."""

    name: str
    mode: int = CONSUME | RAW_TIMES
    events: list[Event] = field(default_factory=list)
    pointers: list[int] = field(default_factory=list)
    status: int | None = None

    def __post_init__(self) -> None:
        et = evntrace()
        self.et = et
        self.logfile: Any = et.EVENT_TRACE_LOGFILE()
        self.logfile.LoggerName = self.name
        self.logfile.ProcessTraceMode = self.mode
        self.logfile.EventRecordCallback = et.EVENT_RECORD_CALLBACK(self._take)
        self.handle = int(et.OpenTraceW(ct.byref(self.logfile)))
        self.thread = threading.Thread(target=self._process)

    def reopen(self) -> None:
        """Open it again, after a change to ``logfile``."""
        self.close()
        self.handle = int(self.et.OpenTraceW(ct.byref(self.logfile)))

    def _process(self) -> None:
        self.status = self.process()

    def process(self) -> int:
        """ProcessTrace, here and now."""
        return int(self.et.ProcessTrace(ct.byref(self.et.TRACEHANDLE(self.handle)), 1, None, None))

    def close(self) -> int:
        return int(self.et.CloseTrace(self.handle))

    def _take(self, pointer: Any) -> None:
        record = pointer.contents
        header, descriptor = record.EventHeader, record.EventHeader.EventDescriptor
        items = tuple(_item(record.ExtendedData, number) for number in range(record.ExtendedDataCount))
        self.pointers.append(record.UserData or 0)
        self.events.append(
            Event(
                uuid.UUID(bytes_le=bytes(header.ProviderId)), descriptor.Opcode, descriptor.Id, header.TimeStamp,
                header.ThreadId, record.BufferContext.ProcessorNumber, header.Flags,
                ct.string_at(record.UserData, record.UserDataLength) if record.UserDataLength else b"", items,
            )
        )  # fmt: skip

    def counts(self) -> Counter[tuple[uuid.UUID, int]]:
        return Counter((event.provider, event.opcode) for event in self.events)


def _item(items: Any, number: int) -> tuple[int, bytes]:
    item = items[number]
    return item.ExtType, ct.string_at(item.DataPtr, item.DataSize)
