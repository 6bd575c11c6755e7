"""Identities of images as events at the end of a recording: what merging by Microsoft's tools would add to it.

The events are ImageID and DbgID_RSDS (:mod:`tracer.events.image`). A merge gives each the time of its image event, and
puts it before that. Here they stand in buffers of their own after the last one, at the recording's end: a buffer must
not go back in time behind others of its CPU. Whoever reads them finds the image by process and base.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from tracer.arrays import Structured
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
from tracer.events.image import DEBUG_IDENTITY, IDENTITY, IMAGE_ID
from tracer.events.layout import ProviderId
from tracer.events.registry import layouts_for
from tracer.images.loaded import Identity

_NOT_APPENDED_TO: Final = (
    LogFileMode.CIRCULAR | LogFileMode.NEWFILE | LogFileMode.PREALLOCATE | LogFileMode.BUFFERING
    | LogFileMode.RELOG | LogFileMode.COMPRESSED
)  # fmt: skip
"""Files whose last buffer is not the last in time, whose end is not theirs, or that are merged already."""
_NOBODY: Final = 0xFFFFFFFF
_STATE_FLUSH: Final = 3
_MOST_NAME: Final = 260
_LEAST_BUFFER: Final = 4096
"""A record of the longest names fits one."""
_NEXT: Final = "record again; the recording itself can be read as it is, without identities of images"


def append_identities(path: Path, identities: Sequence[Identity]) -> int:
    """Add their events to a finished recording; gives the bytes added.

    All of them or none: buffers are added first, then the header counts them; where that fails the file gets its old
    length and header again. Raises InputError where the file cannot be read, OutputError (``identities-not-written``)
    where it is none that can be added to or the disk does not take it.
    """
    with EtlFile.open(path, threads=1) as trace:
        head, buffers = trace.head, trace.index.buffers
        _refuse_unfit(path, trace)
    if not identities:
        return 0
    ticks = _end_ticks(head, buffers)
    data = b"".join(_buffers(head, buffers, list(_records(identities, head, ticks)), ticks))
    added = len(data) // head.buffer_size
    try:
        with path.open("r+b", buffering=0) as stream:
            _write(stream, path, head, data, added, ticks)
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from error
    return len(data)


def _refuse_unfit(path: Path, trace: EtlFile) -> None:
    head, index = trace.head, trace.index
    reason = ""
    if not head.end:
        reason = "the session has not finished the file"
    elif head.mode & _NOT_APPENDED_TO:
        reason = "nothing can be added to a circular, rolled, compressed or merged file"
    elif trace.sessions > 1 or index.damage or index.padding or index.skipped:
        reason = "it is damaged, or holds several sessions"
    elif head.buffer_size < _LEAST_BUFFER or not np.all(index.buffers["stride"] == head.buffer_size):
        reason = "its buffers are of different sizes, or too small"
    if reason:
        raise _not_written(path, reason)


def _not_written(path: Path, why: str) -> OutputError:
    what = "the identities of images were not added to the recording"
    return OutputError("identities-not-written", what, where=str(path), why=why, next=_NEXT)


def _end_ticks(head: LogFile, buffers: Structured) -> int:
    """A raw time that no record of the file is after: when the last buffer was flushed, or the session's end."""
    end = head.clock.origin + head.clock.raw((head.end - head.clock.start) * 100)
    return max(end, int(buffers["flushed"].max()), int(buffers["first_time"].max()))


def _records(identities: Sequence[Identity], head: LogFile, ticks: int) -> Iterator[bytes]:
    for identity in identities:
        image, headers = identity.image, identity.headers
        name = headers.original_name or image.path.rpartition("\\")[2][-_MOST_NAME:]
        values: dict[str, Value] = {"base": image.base, "process": image.process}
        fields: dict[str, Value] = {"size": image.size, "time_date_stamp": headers.time_date_stamp, "file_name": name}
        yield _record(IDENTITY, values | fields, head.pointer_size, ticks)
        if (debug := headers.debug) is not None:
            fields = {"signature": debug.guid.bytes_le, "age": debug.age, "pdb": debug.name}
            yield _record(DEBUG_IDENTITY, values | fields, head.pointer_size, ticks)


def _record(opcode: int, values: dict[str, Value], pointer_size: int, ticks: int) -> bytes:
    layout = layouts_for(ProviderId(IMAGE_ID, opcode))[-1]
    payload = encode(layout, pointer_size, values)
    header = np.zeros(1, FULL_HEADER)
    header["size"] = FULL_HEADER.itemsize + len(payload)
    header["header_type"] = HeaderType.FULL32 if pointer_size == 4 else HeaderType.FULL64
    header["marker"], header["type"], header["version"] = TRACE_MARKER, opcode, layout.version
    header["thread"] = header["process"] = _NOBODY
    header["time"] = ticks
    header["guid"] = np.frombuffer(IMAGE_ID.bytes_le, header["guid"].dtype)
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
