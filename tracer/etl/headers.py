"""Every header of the .etl container, declared once for the reader and the writer.

Sources of the offsets: System Informer's ``ntwmi.h``, geoffchappell.com's ETW pages and
measurements on real traces; ``docs/etl-format.md`` says which is confirmed by which.
All little-endian. Sizes are in bytes.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

import numpy as np

BUFFER_HEADER: Final = np.dtype(
    {
        "names": [
            "buffer_size",  # stride to the next buffer; of a compressed buffer, the compressed stride
            "saved_offset",  # valid bytes with this header (compressed: after decompression)
            "current_offset",  # may exceed buffer_size; not to be used
            "reference_count",
            "timestamp",  # flush time, session clock; a FILETIME in relogged files
            "sequence_number",
            "clock",  # type:3, frequency:61, only meaningful in DBG_INFO buffers
            "processor",  # u8 + alignment, or u16 index when BufferFlag.PROCESSOR_INDEX
            "logger_id",
            "state",
            "offset",
            "flag",
            "type",
            "reference_time",
        ],
        "formats": ["<u4", "<u4", "<u4", "<i4", "<i8", "<i8", "<u8", "<u2", "<u2", "<u4", "<u4", "<u2", "<u2", "<2u8"],
        "offsets": [0x00, 0x04, 0x08, 0x0C, 0x10, 0x18, 0x20, 0x28, 0x2A, 0x2C, 0x30, 0x34, 0x36, 0x38],
        "itemsize": 0x48,
    }
)
"""WMI_BUFFER_HEADER of Windows Vista and later, 0x48 bytes."""
HEADER_BYTES: Final = BUFFER_HEADER.itemsize

MIN_BUFFER_SIZE: Final = 0x48 + 0x20
MAX_BUFFER_SIZE: Final = 16 << 20
PROCESSOR_INDEX_MASK: Final = 0x7FF
MAX_PROCESSORS: Final = PROCESSOR_INDEX_MASK + 1
END_OF_BUFFER: Final = 0xFFFFFFFF
RECORD_ALIGNMENT: Final = 8


class BufferFlag(IntFlag):
    """Bits of ``BUFFER_HEADER.flag``."""

    FLUSH_MARKER = 0x01
    EVENTS_LOST = 0x02
    BUFFER_LOST = 0x04
    RTBACKUP_CORRUPT = 0x08
    RTBACKUP = 0x10
    PROCESSOR_INDEX = 0x20
    COMPRESSED = 0x40


class BufferType(IntEnum):
    """Values of ``BUFFER_HEADER.type``."""

    GENERIC = 0
    RUNDOWN = 1
    CONTEXT_SWAP = 2
    REFERENCE_TIME = 3
    HEADER = 4
    BATCHED = 5
    EMPTY_MARKER = 6
    DEBUG_INFO = 7


class Compression(IntEnum):
    """COMPRESSION_FORMAT values, in the low 16 bits of the first buffer's state."""

    LZNT1 = 2
    XPRESS = 3
    XPRESS_HUFFMAN = 4


class HeaderType(IntEnum):
    """Third byte of a record: which header it starts with."""

    SYSTEM32 = 0x01
    SYSTEM64 = 0x02
    COMPACT32 = 0x03
    COMPACT64 = 0x04
    FULL32 = 0x0A
    INSTANCE32 = 0x0B
    TIMED = 0x0C
    ERROR = 0x0D
    WNODE = 0x0E
    MESSAGE = 0x0F
    PERFINFO32 = 0x10
    PERFINFO64 = 0x11
    EVENT32 = 0x12
    EVENT64 = 0x13
    FULL64 = 0x14
    INSTANCE64 = 0x15


TRACE_MARKER: Final = 0xC0
"""Fourth byte of every typed record header (0x80 trace header | 0x40 event trace)."""
MESSAGE_MARKER: Final = 0x90
"""Fourth byte of a WPP message."""

POINTER_SIZE: Final[dict[HeaderType, int]] = {kind: 4 if kind.name.endswith("32") else 8 for kind in HeaderType}
"""Pointer size of a record, by its own header type: 32-bit records occur in 64-bit traces."""

SYSTEM_HEADER: Final = np.dtype(
    [
        ("version", "<u2"),
        ("header_type", "u1"),
        ("marker", "u1"),
        ("size", "<u2"),
        ("type", "u1"),
        ("group", "u1"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("time", "<i8"),
        ("kernel_time", "<u4"),
        ("user_time", "<u4"),
    ]
)
"""SYSTEM_TRACE_HEADER, 0x20 bytes. Hook id = group << 8 | type."""

COMPACT_HEADER: Final = np.dtype([(name, SYSTEM_HEADER[name]) for name in (SYSTEM_HEADER.names or ())[:9]])
"""SYSTEM_TRACE_HEADER without the two CPU times, 0x18 bytes."""

PERFINFO_HEADER: Final = np.dtype(
    [
        ("version", "<u2"),  # bit 15: a PEBS index follows; bits 8..10: number of u64 PMC counters
        ("header_type", "u1"),
        ("marker", "u1"),
        ("size", "<u2"),
        ("type", "u1"),
        ("group", "u1"),
        ("time", "<i8"),
    ]
)
"""PERFINFO_TRACE_HEADER, 0x10 bytes. No thread, no process."""

PERFINFO_PEBS: Final = 0x8000
PERFINFO_PMC_SHIFT: Final = 8
PERFINFO_PMC_MASK: Final = 7

GUID: Final = np.dtype([("low", "<u8"), ("high", "<u8")])
"""Sixteen bytes as two integers, so that a GUID can be compared and hashed in a kernel."""

FULL_HEADER: Final = np.dtype(
    [
        ("size", "<u2"),
        ("header_type", "u1"),
        ("marker", "u1"),
        ("type", "u1"),
        ("level", "u1"),
        ("version", "<u2"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("time", "<i8"),
        ("guid", GUID),
        ("kernel_time", "<u4"),
        ("user_time", "<u4"),
    ]
)
"""EVENT_TRACE_HEADER, 0x30 bytes."""

INSTANCE_HEADER: Final = np.dtype(
    [
        *((name, FULL_HEADER[name]) for name in FULL_HEADER.names or ()),
        ("instance", "<u4"),
        ("parent_instance", "<u4"),
        ("parent_guid", GUID),
    ]
)
"""EVENT_INSTANCE_GUID_HEADER, 0x48 bytes."""

EVENT_HEADER: Final = np.dtype(
    [
        ("size", "<u2"),
        ("header_type", "u1"),
        ("marker", "u1"),
        ("flags", "<u2"),  # on disk only ever 0 or EXTENDED_INFO
        ("property", "<u2"),
        ("thread", "<u4"),
        ("process", "<u4"),
        ("time", "<i8"),
        ("provider", GUID),
        ("id", "<u2"),
        ("version", "u1"),
        ("channel", "u1"),
        ("level", "u1"),
        ("opcode", "u1"),
        ("task", "<u2"),
        ("keyword", "<u8"),
        ("processor_time", "<u8"),
        ("activity", GUID),
    ]
)
"""EVENT_HEADER as written to a file, 0x50 bytes."""

EVENT_FLAG_EXTENDED: Final = 0x01

EXTENDED_ITEM: Final = np.dtype([("size", "<u2"), ("type", "<u2"), ("linkage", "<u2"), ("data_size", "<u2")])
"""An extended item on disk: size with these 8 bytes, rounded up to 8; linkage bit 0 = another follows."""


class ExtendedType(IntEnum):
    """EVENT_HEADER_EXT_TYPE values (evntcons.h)."""

    RELATED_ACTIVITY = 0x01
    SID = 0x02
    TS_ID = 0x03
    INSTANCE = 0x04
    STACK32 = 0x05
    STACK64 = 0x06
    PEBS = 0x07
    PMC = 0x08
    PSM_KEY = 0x09
    EVENT_KEY = 0x0A
    SCHEMA_TL = 0x0B
    PROV_TRAITS = 0x0C
    PROCESS_START_KEY = 0x0D
    CONTROL_GUID = 0x0E
    QPC_DELTA = 0x0F
    CONTAINER_ID = 0x10
    STACK_KEY32 = 0x11
    STACK_KEY64 = 0x12


MESSAGE_HEADER: Final = np.dtype(
    [("size", "<u2"), ("header_type", "u1"), ("marker", "u1"), ("number", "<u2"), ("options", "<u2")]
)
"""WPP message, 8 bytes; optional parts follow in the order of MessageOption."""


class MessageOption(IntFlag):
    """Which optional parts follow a MESSAGE_HEADER: sequence u32, GUID, component u32, time u64, thread+process."""

    SEQUENCE = 0x01
    GUID = 0x02
    COMPONENT = 0x04
    TIMESTAMP = 0x08
    PERF_TIMESTAMP = 0x10
    SYSTEM_INFO = 0x20
    POINTER32 = 0x40
    POINTER64 = 0x80


HEADER_DTYPE: Final[dict[HeaderType, np.dtype]] = {
    HeaderType.SYSTEM32: SYSTEM_HEADER,
    HeaderType.SYSTEM64: SYSTEM_HEADER,
    HeaderType.COMPACT32: COMPACT_HEADER,
    HeaderType.COMPACT64: COMPACT_HEADER,
    HeaderType.PERFINFO32: PERFINFO_HEADER,
    HeaderType.PERFINFO64: PERFINFO_HEADER,
    HeaderType.FULL32: FULL_HEADER,
    HeaderType.FULL64: FULL_HEADER,
    HeaderType.INSTANCE32: INSTANCE_HEADER,
    HeaderType.INSTANCE64: INSTANCE_HEADER,
    HeaderType.EVENT32: EVENT_HEADER,
    HeaderType.EVENT64: EVENT_HEADER,
    HeaderType.MESSAGE: MESSAGE_HEADER,
}


def _logfile_header(pointer: str, align: int) -> np.dtype:
    """TRACE_LOGFILE_HEADER; ``align`` pads TIME_ZONE_INFORMATION up to the next i64."""
    return np.dtype(
        [
            ("buffer_size", "<u4"),
            ("version", "u1", 4),
            ("build", "<u4"),
            ("processors", "<u4"),
            ("end_time", "<i8"),  # FILETIME, 0 where the session was never closed
            ("timer_resolution", "<u4"),
            ("maximum_file_size", "<u4"),
            ("mode", "<u4"),
            ("buffers_written", "<u4"),
            ("start_buffers", "<u4"),
            ("pointer_size", "<u4"),
            ("events_lost", "<u4"),
            ("cpu_mhz", "<u4"),
            ("logger_name", pointer),
            ("log_file_name", pointer),
            ("time_zone", "V172"),
            ("pad", f"V{align}"),
            ("boot_time", "<i8"),
            ("perf_freq", "<i8"),
            ("start_time", "<i8"),
            ("clock_type", "<u4"),
            ("buffers_lost", "<u4"),
        ]
    )


LOGFILE_HEADER: Final = {4: _logfile_header("<u4", 4), 8: _logfile_header("<u8", 4)}
"""TRACE_LOGFILE_HEADER by pointer size: payload of the first record (hook 0000), 0x110 or 0x118 bytes."""


class ClockType(IntEnum):
    """What raw timestamps count."""

    RAW = 0
    QPC = 1
    SYSTEM_TIME = 2
    CPU_CYCLES = 3


class LogFileMode(IntFlag):
    """EVENT_TRACE_*_MODE bits; a mode of 0 is a plain sequential file."""

    SEQUENTIAL = 0x1
    CIRCULAR = 0x2
    APPEND = 0x4
    NEWFILE = 0x8
    PREALLOCATE = 0x20
    NONSTOPPABLE = 0x40
    SECURE = 0x80
    REAL_TIME = 0x100
    DELAY_OPEN = 0x200
    BUFFERING = 0x400
    PRIVATE_LOGGER = 0x800
    ADD_HEADER = 0x1000
    USE_KBYTES = 0x2000
    GLOBAL_SEQUENCE = 0x4000
    LOCAL_SEQUENCE = 0x8000
    RELOG = 0x10000
    PRIVATE_IN_PROC = 0x20000
    PAGED_MEMORY = 0x1000000
    SYSTEM_LOGGER = 0x2000000
    COMPRESSED = 0x4000000
    INDEPENDENT_SESSION = 0x8000000
    NO_PER_PROCESSOR_BUFFERING = 0x10000000
    ADD_TO_TRIAGE_DUMP = 0x80000000
