"""Structures of Windows' event tracing, each declared once, with the type sizes of 64-bit Windows on every system.

A pointer is ``c_void_p`` and text is UTF-16 in a buffer of its own, so that the same declarations hold where
``wchar_t`` and ``long`` are wider. A test compares all of them with offsets compiled from mingw-w64's headers.
"""

from __future__ import annotations

import ctypes as ct
import uuid
from typing import ClassVar, Final

u8, u16, u32, u64 = ct.c_uint8, ct.c_uint16, ct.c_uint32, ct.c_uint64
i32, i64 = ct.c_int32, ct.c_int64

NAME_CHARACTERS: Final = 1024
"""Room for a session's name and for its file's, in UTF-16 units (Microsoft: at most 1024 for each)."""


class Guid(ct.Structure):
    """GUID, its sixteen bytes as they are in memory."""

    _fields_: ClassVar = [("Bytes", u8 * 16)]

    @classmethod
    def of(cls, guid: uuid.UUID) -> Guid:
        """The structure of a GUID."""
        return cls.from_buffer_copy(guid.bytes_le)

    @property
    def value(self) -> uuid.UUID:
        """The GUID of the structure."""
        return uuid.UUID(bytes_le=bytes(self.Bytes))


class WnodeHeader(ct.Structure):
    """WNODE_HEADER."""

    _fields_: ClassVar = [
        ("BufferSize", u32),
        ("ProviderId", u32),
        ("HistoricalContext", u64),
        ("TimeStamp", i64),
        ("Guid", Guid),
        ("ClientContext", u32),
        ("Flags", u32),
    ]


class EventTraceProperties(ct.Structure):
    """EVENT_TRACE_PROPERTIES."""

    _fields_: ClassVar = [
        ("Wnode", WnodeHeader),
        ("BufferSize", u32),
        ("MinimumBuffers", u32),
        ("MaximumBuffers", u32),
        ("MaximumFileSize", u32),
        ("LogFileMode", u32),
        ("FlushTimer", u32),
        ("EnableFlags", u32),
        ("AgeLimit", i32),
        ("NumberOfBuffers", u32),
        ("FreeBuffers", u32),
        ("EventsLost", u32),
        ("BuffersWritten", u32),
        ("LogBuffersLost", u32),
        ("RealTimeBuffersLost", u32),
        ("LoggerThreadId", u64),
        ("LogFileNameOffset", u32),
        ("LoggerNameOffset", u32),
    ]


class NamedProperties(ct.Structure):
    """EVENT_TRACE_PROPERTIES with room behind it for the two names that Windows reads and writes there."""

    _fields_: ClassVar = [
        ("properties", EventTraceProperties),
        ("logger_name", u16 * NAME_CHARACTERS),
        ("file_name", u16 * NAME_CHARACTERS),
    ]

    @classmethod
    def empty(cls) -> NamedProperties:
        """Sizes and offsets filled in, all else zero."""
        made = cls()
        made.properties.Wnode.BufferSize = ct.sizeof(cls)
        made.properties.LoggerNameOffset = cls.logger_name.offset
        made.properties.LogFileNameOffset = cls.file_name.offset
        return made

    @property
    def name(self) -> str:
        """The session's name."""
        return text_of(bytes(self.logger_name))


class SystemTime(ct.Structure):
    """SYSTEMTIME."""

    _fields_: ClassVar = [("Parts", u16 * 8)]


class TimeZoneInformation(ct.Structure):
    """TIME_ZONE_INFORMATION."""

    _fields_: ClassVar = [
        ("Bias", i32),
        ("StandardName", u16 * 32),
        ("StandardDate", SystemTime),
        ("StandardBias", i32),
        ("DaylightName", u16 * 32),
        ("DaylightDate", SystemTime),
        ("DaylightBias", i32),
    ]


class TraceLogfileHeader(ct.Structure):
    """TRACE_LOGFILE_HEADER."""

    _fields_: ClassVar = [
        ("BufferSize", u32),
        ("MajorVersion", u8),
        ("MinorVersion", u8),
        ("SubVersion", u8),
        ("SubMinorVersion", u8),
        ("ProviderVersion", u32),
        ("NumberOfProcessors", u32),
        ("EndTime", i64),
        ("TimerResolution", u32),
        ("MaximumFileSize", u32),
        ("LogFileMode", u32),
        ("BuffersWritten", u32),
        ("StartBuffers", u32),
        ("PointerSize", u32),
        ("EventsLost", u32),
        ("CpuSpeedInMHz", u32),
        ("LoggerName", ct.c_void_p),
        ("LogFileName", ct.c_void_p),
        ("TimeZone", TimeZoneInformation),
        ("BootTime", i64),
        ("PerfFreq", i64),
        ("StartTime", i64),
        ("ReservedFlags", u32),
        ("BuffersLost", u32),
    ]


class EventTraceHeader(ct.Structure):
    """EVENT_TRACE_HEADER."""

    _fields_: ClassVar = [
        ("Size", u16),
        ("HeaderType", u8),
        ("MarkerFlags", u8),
        ("Class", u32),
        ("ThreadId", u32),
        ("ProcessId", u32),
        ("TimeStamp", i64),
        ("Guid", Guid),
        ("ClientContext", u32),
        ("Flags", u32),
    ]


class EventTrace(ct.Structure):
    """EVENT_TRACE."""

    _fields_: ClassVar = [
        ("Header", EventTraceHeader),
        ("InstanceId", u32),
        ("ParentInstanceId", u32),
        ("ParentGuid", Guid),
        ("MofData", ct.c_void_p),
        ("MofLength", u32),
        ("ClientContext", u32),
    ]


class EventTraceLogfile(ct.Structure):
    """EVENT_TRACE_LOGFILEW."""

    _fields_: ClassVar = [
        ("LogFileName", ct.c_void_p),
        ("LoggerName", ct.c_void_p),
        ("CurrentTime", i64),
        ("BuffersRead", u32),
        ("ProcessTraceMode", u32),
        ("CurrentEvent", EventTrace),
        ("LogfileHeader", TraceLogfileHeader),
        ("BufferCallback", ct.c_void_p),
        ("BufferSize", u32),
        ("Filled", u32),
        ("EventsLost", u32),
        ("EventRecordCallback", ct.c_void_p),
        ("IsKernelTrace", u32),
        ("Context", ct.c_void_p),
    ]


class EventDescriptor(ct.Structure):
    """EVENT_DESCRIPTOR."""

    _fields_: ClassVar = [
        ("Id", u16),
        ("Version", u8),
        ("Channel", u8),
        ("Level", u8),
        ("Opcode", u8),
        ("Task", u16),
        ("Keyword", u64),
    ]


class EventHeader(ct.Structure):
    """EVENT_HEADER."""

    _fields_: ClassVar = [
        ("Size", u16),
        ("HeaderType", u16),
        ("Flags", u16),
        ("EventProperty", u16),
        ("ThreadId", u32),
        ("ProcessId", u32),
        ("TimeStamp", i64),
        ("ProviderId", Guid),
        ("EventDescriptor", EventDescriptor),
        ("KernelTime", u32),
        ("UserTime", u32),
        ("ActivityId", Guid),
    ]


class EtwBufferContext(ct.Structure):
    """ETW_BUFFER_CONTEXT; the first two bytes are a CPU's index where the header has PROCESSOR_INDEX."""

    _fields_: ClassVar = [("ProcessorNumber", u8), ("Alignment", u8), ("LoggerId", u16)]


class ExtendedDataItem(ct.Structure):
    """EVENT_HEADER_EXTENDED_DATA_ITEM as it is in memory: the data stands elsewhere."""

    _fields_: ClassVar = [
        ("Reserved1", u16),
        ("ExtType", u16),
        ("Linkage", u16),
        ("DataSize", u16),
        ("DataPtr", u64),
    ]


class EventRecord(ct.Structure):
    """EVENT_RECORD."""

    _fields_: ClassVar = [
        ("EventHeader", EventHeader),
        ("BufferContext", EtwBufferContext),
        ("ExtendedDataCount", u16),
        ("UserDataLength", u16),
        ("ExtendedData", ct.c_void_p),
        ("UserData", ct.c_void_p),
        ("UserContext", ct.c_void_p),
    ]


class EventFilterDescriptor(ct.Structure):
    """EVENT_FILTER_DESCRIPTOR."""

    _fields_: ClassVar = [("Ptr", u64), ("Size", u32), ("Type", u32)]


class EnableTraceParameters(ct.Structure):
    """ENABLE_TRACE_PARAMETERS."""

    _fields_: ClassVar = [
        ("Version", u32),
        ("EnableProperty", u32),
        ("ControlFlags", u32),
        ("SourceId", Guid),
        ("EnableFilterDesc", ct.c_void_p),
        ("FilterDescCount", u32),
    ]


class EventFilterHeader(ct.Structure):
    """EVENT_FILTER_HEADER, before the data of a schematized filter."""

    _fields_: ClassVar = [
        ("Id", u16),
        ("Version", u8),
        ("Reserved", u8 * 5),
        ("InstanceId", u64),
        ("Size", u32),
        ("NextOffset", u32),
    ]


class ClassicEventId(ct.Structure):
    """CLASSIC_EVENT_ID: an event whose stack is wanted."""

    _fields_: ClassVar = [("EventGuid", Guid), ("Type", u8), ("Reserved", u8 * 7)]


class TokenPrivileges(ct.Structure):
    """TOKEN_PRIVILEGES with room for one."""

    _fields_: ClassVar = [("PrivilegeCount", u32), ("Luid", u32 * 2), ("Attributes", u32)]


def wide(text: str) -> ct.Array[ct.c_uint16]:
    """UTF-16 text with its terminating zero, to be kept alive by the caller while Windows reads it.

    Half a surrogate pair stays as it is: names of files may hold one.
    """
    raw = text.encode("utf-16-le", "surrogatepass") + b"\0\0"
    return (u16 * (len(raw) // 2)).from_buffer_copy(raw)


def text_of(raw: bytes) -> str:
    """The text before the first zero of UTF-16 bytes."""
    return raw[: len(raw) & ~1].decode("utf-16-le", "replace").partition("\0")[0]
