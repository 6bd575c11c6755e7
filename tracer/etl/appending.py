"""Events of ours at the end of a finished recording, in buffers of their own after the last one.

They have the time of the recording's end: a buffer must not go back in time behind others of its CPU.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from tracer.arrays import Structured
from tracer.data_classes import dataclass
from tracer.errors import OutputError
from tracer.etl.file import EtlFile
from tracer.etl.headers import (
    BUFFER_HEADER,
    FULL_HEADER,
    HEADER_BYTES,
    HEADER_DTYPE,
    LOGFILE_HEADER,
    RECORD_ALIGNMENT,
    TRACE_MARKER,
    BufferFlag,
    BufferType,
    HeaderType,
    LogFileMode,
)
from tracer.etl.logfile import LogFile
from tracer.events.encode import Value, encode
from tracer.events.layout import ProviderId
from tracer.events.registry import layouts_for

_NOT_APPENDED_TO: Final = (
    LogFileMode.CIRCULAR | LogFileMode.NEWFILE | LogFileMode.PREALLOCATE | LogFileMode.BUFFERING
    | LogFileMode.RELOG | LogFileMode.COMPRESSED
)  # fmt: skip
"""Files whose last buffer is not the last in time, whose end is not theirs, or that are merged already."""
_NOBODY: Final = 0xFFFFFFFF
_STATE_FLUSH: Final = 3
_LEAST_BUFFER: Final = 4096
"""A record of the longest names fits one."""


@dataclass(frozen=True, slots=True)
class Classic:
    """A classic event to add: its provider and opcode, and the values of its newest layout's fields."""

    provider: uuid.UUID
    opcode: int
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class What:
    """What is added, for the error where it cannot be: its code, what happened, and what to do next."""

    code: str
    says: str
    next: str


def append_events(path: Path, events: Callable[[LogFile, int], Sequence[Classic]], what: What) -> int:
    """Add events to a finished recording; gives the bytes added. ``events``: by the file's head and their raw time.

    All of them or none: buffers are added first, then the header counts them; where that fails the file gets its old
    length and header again. Raises InputError where the file cannot be read, OutputError where it is none that can be
    added to or the disk does not take it.
    """
    with EtlFile.open(path, threads=1) as trace:
        head, buffers = trace.head, trace.index.buffers
        if reason := _unfit(trace):
            raise _not_written(path, what, reason)
    ticks = _end_ticks(head, buffers)
    made = events(head, ticks)
    if not made:
        return 0
    data = b"".join(_buffers(head, buffers, [_record(each, head.pointer_size, ticks) for each in made], ticks))
    added = len(data) // head.buffer_size
    try:
        with path.open("r+b", buffering=0) as stream:
            _write(stream, path, head, data, added, ticks)
    except OSError as error:
        raise _not_written(path, what, error.strerror or str(error)) from error
    return len(data)


def _unfit(trace: EtlFile) -> str:
    """Why nothing can be added to it, empty where it can."""
    head, index = trace.head, trace.index
    if not head.end:
        return "the session has not finished the file"
    if head.mode & _NOT_APPENDED_TO:
        return "nothing can be added to a circular, rolled, compressed or merged file"
    if trace.sessions > 1 or index.damage or index.padding or index.skipped:
        return "it is damaged, or holds several sessions"
    if head.buffer_size < _LEAST_BUFFER or not np.all(index.buffers["stride"] == head.buffer_size):
        return "its buffers are of different sizes, or too small"
    return ""


def _not_written(path: Path, what: What, why: str) -> OutputError:
    return OutputError(what.code, what.says, where=str(path), why=why, next=what.next)


def _end_ticks(head: LogFile, buffers: Structured) -> int:
    """A raw time that no record of the file is after: when the last buffer was flushed, or the session's end."""
    end = head.clock.origin + head.clock.raw((head.end - head.clock.start) * 100)
    return max(end, int(buffers["flushed"].max()), int(buffers["first_time"].max()))


def _record(event: Classic, pointer_size: int, ticks: int) -> bytes:
    layout = layouts_for(ProviderId(event.provider, event.opcode))[-1]
    payload = encode(layout, pointer_size, event.values)
    header = np.zeros(1, FULL_HEADER)
    header["size"] = FULL_HEADER.itemsize + len(payload)
    header["header_type"] = HeaderType.FULL32 if pointer_size == 4 else HeaderType.FULL64
    header["marker"], header["type"], header["version"] = TRACE_MARKER, event.opcode, layout.version
    header["thread"] = header["process"] = _NOBODY
    header["time"] = ticks
    header["guid"] = np.frombuffer(event.provider.bytes_le, header["guid"].dtype)
    data = header.tobytes() + payload
    return data + bytes(-len(data) % RECORD_ALIGNMENT)


def _buffers(head: LogFile, before: Structured, records: list[bytes], ticks: int) -> Iterator[bytes]:
    """Records in buffers of the file's size, numbered on from those ``before``, of the CPU of the last one."""
    room = head.buffer_size - HEADER_BYTES
    sequence, cpu = int(before["sequence"].max()), int(before["cpu"][-1])
    body = bytearray()
    bodies = [body]
    for record in records:
        if len(body) + len(record) > room:
            body = bytearray()
            bodies.append(body)
        body += record
    for body in bodies:
        sequence += 1
        header = np.zeros(1, BUFFER_HEADER)
        used = HEADER_BYTES + len(body)
        header["buffer_size"] = head.buffer_size
        header["saved_offset"] = header["current_offset"] = header["offset"] = used
        header["timestamp"], header["sequence_number"], header["processor"] = ticks, sequence, cpu
        header["logger_id"], header["state"], header["type"] = head.logger_id, _STATE_FLUSH, BufferType.GENERIC
        header["flag"] = BufferFlag.PROCESSOR_INDEX | (BufferFlag.FLUSH_MARKER if body is bodies[-1] else 0)
        yield header.tobytes() + bytes(body) + b"\xff" * (room - len(body))


def _write(stream: BinaryIO, path: Path, head: LogFile, data: bytes, added: int, ticks: int) -> None:
    size = path.stat().st_size
    at = HEADER_BYTES + HEADER_DTYPE[head.record].itemsize
    dtype = LOGFILE_HEADER[head.pointer_size]
    stream.seek(at)
    old = stream.read(dtype.itemsize)
    new = np.frombuffer(old, dtype).copy()
    new["buffers_written"] += added
    new["end_time"] = max(head.end, head.clock.filetime(ticks))
    try:
        _write_at(stream, size, data)
        os.fsync(stream.fileno())
        _write_at(stream, at, new.tobytes())
    except BaseException:
        stream.truncate(size)
        _write_at(stream, at, old)
        raise


def _write_at(stream: BinaryIO, offset: int, data: bytes) -> None:
    stream.seek(offset)
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
