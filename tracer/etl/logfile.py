"""The head of an .etl file: is it one, and what does its first record say."""

from __future__ import annotations

from typing import Final

import numpy as np

from tracer.data_classes import dataclass
from tracer.errors import InputError
from tracer.etl.clock import Clock, clock_of
from tracer.etl.headers import (
    BUFFER_HEADER,
    HEADER_DTYPE,
    LOGFILE_HEADER,
    MAX_BUFFER_SIZE,
    MIN_BUFFER_SIZE,
    PROCESSOR_INDEX_MASK,
    TRACE_MARKER,
    BufferFlag,
    Compression,
    HeaderType,
    LogFileMode,
)

HEAD_BYTES: Final = 0x1000
"""Bytes of a file that are enough to read its head: both headers and two names of 260 characters."""

_PRINTABLE: Final = bytes([*b"\t\r\n", *range(0x20, 0x7F)])
_LOOKED_AT: Final = 512
_PROCESSOR_INDEX: Final = int(BufferFlag.PROCESSOR_INDEX)

_OTHER_FILES: Final = (
    (b"ElfFile\0", "a Windows event log (.evtx)", "open it in an event log reader; Poolscope reads .etl traces"),
    (b"PK\x03\x04", "a .zip archive", "unpack it and give the .etl file inside to Poolscope"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and give the .etl file inside to Poolscope"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and give the .etl file inside to Poolscope"),
    (b"MSCF", "a cabinet archive (.cab)", "unpack it (expand -F:* FILE.cab FOLDER), then give the .etl inside"),
    (b"PAGEDU", "a kernel memory dump", "open it in WinDbg; Poolscope reads .etl traces"),
    (b"MDMP", "a minidump", "open it in WinDbg; Poolscope reads .etl traces"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogFile:
    """What the first buffer and its first record say.

    ``boot``, ``start`` and ``end`` are FILETIMEs, ``end`` 0 where the session was never closed, ``boot`` 0 where it is
    not known.
    ``compression`` is the algorithm of compressed buffers. ``record`` is the header type of the first record.
    """

    session: str
    log_file_name: str
    buffer_size: int
    first_stride: int
    logger_id: int
    build: int
    processors: int
    pointer_size: int
    start: int
    end: int
    mode: LogFileMode
    buffers_written: int
    events_lost: int
    buffers_lost: int
    start_buffers: int
    compression: int
    clock: Clock
    record: HeaderType
    boot: int = 0


def read_head(head: bytes, path: str, file_size: int) -> LogFile:
    """Read the head of a file; :class:`InputError` where it is no .etl of Windows Vista or later."""
    _refuse_other_files(head, path, file_size)
    buffer = np.frombuffer(head, BUFFER_HEADER, 1)[0]
    stride = int(buffer["buffer_size"])
    if not MIN_BUFFER_SIZE <= stride <= MAX_BUFFER_SIZE:
        raise _not_etl(
            path, f"its first buffer says it is {stride:,} bytes long; {MIN_BUFFER_SIZE} bytes to 16 MiB are possible"
        )
    at = BUFFER_HEADER.itemsize
    kind = head[at + 2]
    if head[at + 3] != TRACE_MARKER or kind not in (HeaderType.SYSTEM32, HeaderType.SYSTEM64):
        raise _not_etl(
            path, "the record at byte 72 is not a trace header (files of Windows XP and 2003 begin otherwise)"
        )
    system = HEADER_DTYPE[HeaderType(kind)]
    record = np.frombuffer(head, system, 1, at)[0]
    if record["group"] != 0 or record["type"] != 0:
        raise _not_etl(
            path, f"the first record is {record['group']:02X}{record['type']:02X}, not the log file header 0000"
        )
    payload = at + system.itemsize
    pointer = int.from_bytes(head[payload + 0x2C : payload + 0x30], "little")
    if pointer not in LOGFILE_HEADER:
        pointer = 4 if kind == HeaderType.SYSTEM32 else 8
    if len(head) < payload + LOGFILE_HEADER[pointer].itemsize:
        raise _not_etl(path, f"it ends after {len(head)} bytes, inside the log file header", damaged=True)
    return _describe(head, buffer, record, payload, pointer)


def _describe(head: bytes, buffer: np.void, record: np.void, payload: int, pointer: int) -> LogFile:
    dtype = LOGFILE_HEADER[pointer]
    header = np.frombuffer(head, dtype, 1, payload)[0]
    names = head[payload + dtype.itemsize : BUFFER_HEADER.itemsize + int(record["size"])]
    session, _, rest = names[: len(names) & ~1].decode("utf-16-le", "replace").partition("\0")
    start = int(header["start_time"])
    mode = LogFileMode(int(header["mode"]))
    return LogFile(
        session=session,
        log_file_name=rest.partition("\0")[0],
        buffer_size=int(header["buffer_size"]),
        first_stride=int(buffer["buffer_size"]),
        logger_id=int(buffer["logger_id"]),
        build=int(header["build"]),
        processors=int(header["processors"]),
        pointer_size=pointer,
        start=start,
        end=int(header["end_time"]),
        mode=mode,
        buffers_written=int(header["buffers_written"]),
        events_lost=int(header["events_lost"]),
        buffers_lost=int(header["buffers_lost"]),
        start_buffers=int(header["start_buffers"]),
        compression=int(buffer["state"]) & 0xFFFF if mode & LogFileMode.COMPRESSED else Compression.XPRESS,
        clock=clock_of(
            int(header["clock_type"]), int(header["perf_freq"]), int(header["cpu_mhz"]), int(record["time"]), start
        ),
        record=HeaderType(int(record["header_type"])),
        boot=int(header["boot_time"]),
    )


def _refuse_other_files(head: bytes, path: str, file_size: int) -> None:
    if file_size == 0:
        raise InputError(
            "empty-file", "the file is empty", where=f"{path}, byte 0",
            why="an .etl trace begins with a 72-byte buffer header",
            next="copy the file again, or record it again: the session may never have flushed a buffer",
        )  # fmt: skip
    for magic, name, advice in _OTHER_FILES:
        if head.startswith(magic):
            raise InputError(
                "not-etl", f"this is {name}, not an .etl trace", where=f"{path}, byte 0",
                why="its first bytes say so", next=advice,
            )  # fmt: skip
    if len(head) < MIN_BUFFER_SIZE:
        raise _not_etl(path, f"it has {len(head)} bytes; the smallest .etl has more than {MIN_BUFFER_SIZE}")
    if not head[:_LOOKED_AT].translate(None, _PRINTABLE):
        raise InputError(
            "not-etl", "this is a text file, not an .etl trace", where=f"{path}, byte 0",
            why="its first bytes are all text",
            next="give Poolscope the .etl file itself, not a report made from it",
        )  # fmt: skip


def _not_etl(path: str, why: str, *, damaged: bool = False) -> InputError:
    what = (
        "the head of this .etl trace cannot be read"
        if damaged
        else "this is not an .etl trace of Windows Vista or later"
    )
    return InputError(
        "damaged-head" if damaged else "not-etl", what, where=f"{path}, byte 0", why=why,
        next="check that the copy is complete and that the file came from ETW (xperf, WPR, logman, PerfView)",
    )  # fmt: skip


def flags_text(mode: LogFileMode) -> tuple[str, ...]:
    """The mode's bits as words, ``sequential`` where neither that nor circular nor buffering is set."""
    names = [flag.name.lower().replace("_", "-") for flag in LogFileMode if flag in mode and flag.name]
    if not mode & (LogFileMode.SEQUENTIAL | LogFileMode.CIRCULAR | LogFileMode.BUFFERING):
        names.insert(0, "sequential")
    return tuple(names)


def cpu_of(processor: int, flag: int) -> int:
    """CPU of a buffer: a u16 index with PROCESSOR_INDEX, else the low byte (the high one is alignment)."""
    return processor & PROCESSOR_INDEX_MASK if flag & _PROCESSOR_INDEX else processor & 0xFF
