"""The index of a file's buffers: where each lies, whose it is, and when its first record was logged.

Only the head of each buffer is read (:data:`PROBE_BYTES`). The index costs 40 bytes a buffer, which
is 0.06 % of a file of 64 KB buffers; nothing else grows with the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

import numpy as np

from tracer.arrays import I64, U8, Structured, unique
from tracer.data_classes import dataclass
from tracer.errors import Damage, DamageCode
from tracer.etl.families import TIME_AT
from tracer.etl.headers import (
    BUFFER_HEADER,
    HEADER_BYTES,
    MAX_BUFFER_SIZE,
    MESSAGE_MARKER,
    MIN_BUFFER_SIZE,
    PROCESSOR_INDEX_MASK,
    TRACE_MARKER,
    BufferFlag,
    BufferType,
    HeaderType,
    LogFileMode,
)
from tracer.etl.logfile import LogFile, cpu_of
from tracer.etl.loss import all_written

PROBE_BYTES: Final = 256
"""Bytes read of each buffer: its header and enough to find its first record's time, compressed or not."""

_FIRST_RECORD: Final = 24  # bytes of a record up to the end of its time, for every header type
_HEADER = struct.Struct("<3I i 2q Q 2H 2I 2H")
_SEARCH_CHUNK: Final = 1 << 20
UNKNOWN_TIME: Final = int(np.iinfo(np.int64).min)

BUFFER: Final = np.dtype(
    [
        ("offset", "<i8"),
        ("first_time", "<i8"),  # raw time of the first record; a lower bound where it has none
        ("sequence", "<i8"),
        ("flushed", "<i8"),  # raw time; a FILETIME in relogged files
        ("stride", "<u4"),
        ("valid", "<u4"),  # bytes with the header; after decompression when compressed
        ("cpu", "<u2"),
        ("flag", "<u2"),
        ("present", "<u4"),  # bytes of the stride that the file holds
    ]
)
"""One buffer of the file."""
_ROW = struct.Struct("<4q2I2HI")
_TIME = struct.Struct("<q")

ReadAt = Callable[[int, int], bytes]
"""Gives up to so many bytes at an offset of the file."""


@dataclass(frozen=True, slots=True, eq=False)
class BufferIndex:
    """All buffers (:data:`BUFFER`, in file order), what lies between them, and what is wrong.

    ``padding`` counts bytes after the last buffer that a session had preallocated and not used, ``skipped``
    those that are no buffer. ``end``: where the session's part of the file ends: the file's size, or the byte at which
    another session was appended.
    """

    buffers: Structured
    padding: int
    skipped: int
    damage: tuple[Damage, ...]
    end: int


class _Indexer:
    """Steps from buffer to buffer; a place that is no buffer is searched for the next one."""

    def __init__(self, read_at: ReadAt, size: int, head: LogFile, begin: int) -> None:
        self._read_at = read_at
        self._begin = begin
        self._size = size
        self._head = head
        self._rows = bytearray()  # packed: an object a buffer would not do for 100 GB
        self._damage: list[Damage] = []
        self._padding = 0
        self._skipped = 0
        self._search = _Search(read_at, size, head)
        self._alike = 0  # how many buffers like the one before to look for at once
        self._packed: list[tuple[int, int, bytes]] = []  # whose first time is not known yet: see _unpack_heads

    def index(self) -> BufferIndex:
        offset = self._begin
        while offset < self._size:
            if self._alike:
                offset = self._take_alike(offset)
                continue
            probe = self._read_at(offset, min(PROBE_BYTES, self._size - offset))
            fields = _plausible(probe, offset - self._begin)
            if fields is not None and offset > self._begin and self._begins_another(probe, fields):
                break
            offset = self._lost(offset, probe) if fields is None else offset + self._take(offset, probe, fields)
        self._unpack_heads()
        buffers = np.frombuffer(self._rows, BUFFER) if self._rows else np.zeros(0, BUFFER)
        _settle_unknown_times(buffers, self._head.clock.origin)
        if not self._begin and offset >= self._size:  # a header may count the buffers of all sessions of a file
            self._compare_with_head(buffers)
        return BufferIndex(buffers, self._padding, self._skipped, tuple(self._damage), min(offset, self._size))

    def _begins_another(self, probe: bytes, fields: tuple[int, ...]) -> bool:
        """Whether this is the header buffer of a session that was appended to the file.

        A merged file may hold the headers of the files it was merged from, and they begin nothing.
        """
        sequence, flag, kind = fields[5], fields[11], fields[12]
        if self._head.mode & LogFileMode.RELOG or flag & _COMPRESSED:
            return False
        if kind != _HEADER_TYPE and sequence and not self._head.mode & LogFileMode.APPEND:
            return False
        return is_log_file_header(probe[HEADER_BYTES : HEADER_BYTES + 8])

    def _take_alike(self, offset: int) -> int:
        """Add the buffers that look like the one before, plain and of its size; gives where the first other stands."""
        stride: int = _ROW.unpack_from(self._rows, len(self._rows) - BUFFER.itemsize)[4]
        count = min(self._alike, (self._size - offset) // stride)
        ends = range(offset, offset + count * stride, stride)
        heads = b"".join([self._read_at(at, _HEAD_BYTES) for at in ends])
        if len(heads) < count * _HEAD_BYTES:
            count = 0  # the file is shorter than it was: slowly
        rows = _alike(np.frombuffer(heads, _HEAD, count), offset, stride)
        self._rows += rows.tobytes()
        self._alike = min(2 * self._alike, _MOST_AT_ONCE) if len(rows) == self._alike else 0
        return offset + len(rows) * stride

    def _compare_with_head(self, buffers: Structured) -> None:
        """A closed session says how many buffers it wrote; say what nothing else explains (wrapping, damage)."""
        written = self._head.buffers_written
        wraps = self._head.mode & (LogFileMode.CIRCULAR | LogFileMode.BUFFERING)
        explained = any(found.code is not DamageCode.FILE_TAIL for found in self._damage)
        if self._head.end and not wraps and not explained and not all_written(self._head, buffers):
            missing = written - len(buffers)
            are = "is" if missing == 1 else "are"
            text = f"{missing:,} of the {written:,} buffers that the session wrote {are} missing: the file was cut"
            self._note(self._size, DamageCode.BUFFERS_MISSING, text, 0)

    def _take(self, offset: int, probe: bytes, fields: tuple[int, ...]) -> int:
        """Add one buffer to the index; gives the bytes to step on."""
        stride, saved, _, _, flushed, sequence, _, processor, _, _, used, flag, kind = fields
        present = min(stride, self._size - offset)
        compressed = flag & _COMPRESSED != 0
        valid = saved if compressed else max(saved, used)
        if valid < HEADER_BYTES:
            if kind != _HEADER_TYPE and offset != self._begin:  # header buffers of old sessions never say it
                text = (
                    f"the buffer says {valid:,} bytes are valid, fewer than its header has; its records are read anyway"
                )
                self._note(offset, DamageCode.BUFFER_LENGTH, text, 0)
            valid = stride if probe[HEADER_BYTES + 3 : HEADER_BYTES + 4] in _MARKERS else HEADER_BYTES
        if not compressed and valid > stride:
            self._note(offset, DamageCode.BUFFER_LENGTH, f"the buffer says {valid:,} bytes are valid of {stride:,}", 0)
            valid = stride
        first = UNKNOWN_TIME
        if compressed:
            self._packed.append((len(self._rows), valid, probe[HEADER_BYTES:]))
        else:
            first = _first_time(probe[HEADER_BYTES:], valid)
        self._alike = 0 if compressed or stride < _HEAD_BYTES else max(_FEWEST_AT_ONCE, self._alike)
        cpu = cpu_of(processor, flag)
        self._rows += _ROW.pack(offset, first, sequence, flushed, stride, valid, cpu, flag, present)
        if len(self._packed) >= _MOST_AT_ONCE:
            self._unpack_heads()
        return present

    def _unpack_heads(self) -> None:
        """Learn the first times of compressed buffers, unpacked together: a call for each would cost more than it does.

        Each waits as (where its row stands, its valid bytes, its packed head).
        """
        if not self._packed:
            return
        from tracer.etl.xpress import decompress

        ends = np.cumsum([len(head) for *_, head in self._packed])
        out = np.zeros((len(ends), _FIRST_RECORD + 8), np.uint8)
        spans = np.zeros((len(ends), 4), np.int64)
        spans[1:, 0], spans[:, 1] = ends[:-1], ends
        spans[:, 2] = out.shape[1] * np.arange(len(ends))
        spans[:, 3] = spans[:, 2] + out.shape[1]
        results = np.zeros((len(ends), 2), np.int64)
        packed = b"".join([head for *_, head in self._packed])
        decompress(np.frombuffer(packed, np.uint8), out.reshape(-1), spans, results)
        for (row, valid, _), record, length in zip(self._packed, out, results[:, 1].tolist(), strict=True):
            _TIME.pack_into(self._rows, row + _TIME.size, _first_time(record[:length].tobytes(), valid))
        self._packed.clear()

    def _lost(self, offset: int, probe: bytes) -> int:
        """No buffer stands here: find where the next one does, and account for what lies between."""
        if self._search.is_filler(offset):
            self._padding += self._size - offset
            return self._size
        found = self._search.next_header(offset + 1)
        length = found - offset
        self._skipped += length
        stride = int.from_bytes(probe[:4], "little") if len(probe) >= 4 else 0
        tail = found == self._size
        code = DamageCode.FILE_TAIL if tail and length < HEADER_BYTES else DamageCode.BUFFER_HEADER
        if len(probe) >= HEADER_BYTES and not MIN_BUFFER_SIZE <= stride <= MAX_BUFFER_SIZE:
            code = DamageCode.BUFFER_SIZE
        self._note(offset, code, self._explain(code, stride, tail), length)
        return found

    @staticmethod
    def _explain(code: DamageCode, stride: int, tail: bool) -> str:
        rest = "no buffer follows" if tail else "read on at the next buffer"
        if code is DamageCode.BUFFER_SIZE:
            return f"a buffer cannot be {stride:,} bytes long; {rest}"
        if code is DamageCode.FILE_TAIL:
            return "the file ends inside a buffer header"
        return f"this is not a buffer header; {rest}"

    def _note(self, offset: int, code: DamageCode, what: str, skipped: int) -> None:
        if len(self._damage) < MAX_DAMAGE:
            self._damage.append(Damage(offset, code, what, skipped))


MAX_DAMAGE: Final = 10_000
"""Places listed one by one; a hostile file cannot make the list grow without bound."""
# Plain integers: an operation on an enum member costs more than the rest of a buffer's turn.
_COMPRESSED: Final = int(BufferFlag.COMPRESSED)
_ALL_FLAGS: Final = int(sum(BufferFlag))
_HEADER_TYPE: Final = int(BufferType.HEADER)
_LAST_TYPE: Final = int(BufferType.DEBUG_INFO)
_TIME_AT: Final[list[int]] = TIME_AT.tolist()
_MAX_STATE: Final = 7
_MARKERS: Final = (bytes([TRACE_MARKER]), bytes([MESSAGE_MARKER]))
_PROCESSOR_INDEX: Final = int(BufferFlag.PROCESSOR_INDEX)
_HEAD: Final = np.dtype([("header", BUFFER_HEADER), ("record", "u1", _FIRST_RECORD)])
_HEAD_BYTES: Final = _HEAD.itemsize
_FEWEST_AT_ONCE: Final = 8
_MOST_AT_ONCE: Final = 1 << 10
_SYSTEM: Final = (int(HeaderType.SYSTEM32), int(HeaderType.SYSTEM64))
_FIXED: Final = 8  # bytes of a kernel record up to the end of its hook id
_FILLERS: Final = (b"\0", b"\xff")


def is_log_file_header(record: bytes) -> bool:
    """Whether these eight bytes begin the record that describes a session (hook 0000)."""
    return len(record) >= _FIXED and record[2] in _SYSTEM and record[3] == TRACE_MARKER and not any(record[6:_FIXED])


def _first_time(record: bytes, valid: int) -> int:
    """Raw time of a buffer's first record, :data:`UNKNOWN_TIME` where there is none or it has no time."""
    if len(record) < _FIRST_RECORD or valid < HEADER_BYTES + _FIRST_RECORD or record[3] != TRACE_MARKER:
        return UNKNOWN_TIME
    at = _TIME_AT[record[2]]
    return int.from_bytes(record[at : at + 8], "little", signed=True) if at else UNKNOWN_TIME


def _alike(heads: Structured, offset: int, stride: int) -> Structured:
    """Rows of the index for the heads up to the first that needs a closer look."""
    header = heads["header"]
    valid = np.maximum(header["saved_offset"], header["offset"])
    odd = (header["buffer_size"] != stride) | (header["flag"] > _ALL_FLAGS) | (header["flag"] & _COMPRESSED != 0)
    record = heads["record"]
    odd |= (record[:, 3] == TRACE_MARKER) & np.isin(record[:, 2], _SYSTEM) & ~record[:, 6:_FIXED].any(axis=1)
    odd |= (header["type"] > _LAST_TYPE) | (header["state"] > _MAX_STATE) | (valid < HEADER_BYTES) | (valid > stride)
    count = int(np.argmax(odd)) if odd.any() else len(heads)
    heads, header, valid = heads[:count], header[:count], valid[:count]
    rows = np.zeros(count, BUFFER)
    rows["offset"] = offset + stride * np.arange(count)
    rows["sequence"], rows["flag"], rows["valid"] = header["sequence_number"], header["flag"], valid
    rows["flushed"] = header["timestamp"]
    rows["stride"] = rows["present"] = stride
    indexed = header["flag"] & _PROCESSOR_INDEX != 0
    rows["cpu"] = np.where(indexed, header["processor"] & PROCESSOR_INDEX_MASK, header["processor"] & 0xFF)
    at = TIME_AT[heads["record"][:, 2]]
    timed = (valid >= HEADER_BYTES + _FIRST_RECORD) & (heads["record"][:, 3] == TRACE_MARKER) & (at > 0)
    words = heads["record"].view("<i8")
    rows["first_time"] = np.where(timed, words[np.arange(count), at >> 3], UNKNOWN_TIME)
    return rows


def _plausible(probe: bytes, offset: int) -> tuple[int, ...] | None:
    """The header's fields, where this can be a buffer of this file."""
    if len(probe) < HEADER_BYTES:
        return None
    fields: tuple[int, ...] = _HEADER.unpack_from(probe)
    stride, saved, state, flag, kind = fields[0], fields[1], fields[9], fields[11], fields[12]
    least = HEADER_BYTES + 1 if flag & _COMPRESSED else MIN_BUFFER_SIZE
    sound = least <= stride <= MAX_BUFFER_SIZE and saved <= MAX_BUFFER_SIZE
    sound = sound and flag <= _ALL_FLAGS and kind <= _LAST_TYPE and (state <= _MAX_STATE or offset == 0)
    return fields if sound else None


def _settle_unknown_times(buffers: Structured, origin: int) -> None:
    """Give buffers without a first time a lower bound: that of the same CPU's buffer before, else the trace's start."""
    for cpu in unique(buffers["cpu"][buffers["first_time"] == UNKNOWN_TIME]):
        rows = np.flatnonzero(buffers["cpu"] == cpu)
        rows = rows[np.argsort(buffers["sequence"][rows], kind="stable")]
        times = buffers["first_time"][rows]
        known = np.where(times != UNKNOWN_TIME, np.arange(len(rows)), -1)
        latest = np.maximum.accumulate(known)
        buffers["first_time"][rows] = np.where(latest < 0, origin, times[latest])


class _Search:
    """Looks for the next buffer where one is missing.

    What was looked at is remembered, so that a file of nothing but broken buffers is still searched
    through once and not once for each of them.
    """

    def __init__(self, read_at: ReadAt, size: int, head: LogFile) -> None:
        self._read_at = read_at
        self._size = size
        self._logger_id = head.logger_id
        self._usual_strides = (head.first_stride, head.buffer_size)
        self._base = 0
        self._end = 0
        self._candidates = np.zeros(0, np.int64)

    def is_filler(self, offset: int) -> bool:
        """Whether all from ``offset`` to the file's end is one byte, 00 or FF: room that was never used."""
        filler = self._read_at(offset, 1)
        chunk = PROBE_BYTES
        while offset < self._size:
            data = self._read_at(offset, chunk)
            if filler not in _FILLERS or data.count(filler) != len(data):
                return False
            if not data:
                break
            offset += len(data)
            chunk = min(2 * chunk, _SEARCH_CHUNK)
        return True

    def next_header(self, offset: int) -> int:
        """Offset of the next place with a confirmed header, else the file's end."""
        while offset < self._size:
            if not self._base <= offset < self._end:
                self._look(offset)
            first = np.searchsorted(self._candidates, offset)
            for candidate in self._candidates[first:]:
                if self._confirmed(int(candidate)):
                    return int(candidate)
            offset = self._end
        return self._size

    def _look(self, offset: int) -> None:
        chunk = np.frombuffer(self._read_at(offset, _SEARCH_CHUNK + HEADER_BYTES - 1), np.uint8)
        self._base, self._end = offset, offset + _SEARCH_CHUNK
        self._candidates = offset + candidates(chunk, self._logger_id)

    def _confirmed(self, offset: int) -> bool:
        """Whether a plausible header says the size that this file's buffers have, or has a plausible successor."""
        fields = _plausible(self._read_at(offset, HEADER_BYTES), offset)
        if fields is None or fields[1] < HEADER_BYTES:
            return False
        following = offset + fields[0]
        if fields[0] in self._usual_strides or following >= self._size:
            return True
        return _plausible(self._read_at(following, HEADER_BYTES), following) is not None


def candidates(chunk: U8, logger_id: int) -> I64:
    """Positions in a chunk where a buffer header of this logger may stand: id, flag, type, state and size fit."""
    n = len(chunk) - HEADER_BYTES + 1
    if n <= 0:
        return np.zeros(0, np.int64)
    low, high = logger_id & 0xFF, logger_id >> 8
    fits = (chunk[0x2A : 0x2A + n] == low) & (chunk[0x2B : 0x2B + n] == high)
    fits &= (chunk[0x34 : 0x34 + n] <= _ALL_FLAGS) & (chunk[0x35 : 0x35 + n] == 0)
    fits &= (chunk[0x36 : 0x36 + n] <= _LAST_TYPE) & (chunk[0x37 : 0x37 + n] == 0)
    fits &= (chunk[0x2C : 0x2C + n] <= _MAX_STATE) & (chunk[3 : 3 + n] <= MAX_BUFFER_SIZE >> 24)
    # In a run of zeros all but the sizes fits.
    fits &= (chunk[:n] > HEADER_BYTES) | (chunk[1 : 1 + n] | chunk[2 : 2 + n] | chunk[3 : 3 + n] > 0)
    fits &= (chunk[4 : 4 + n] >= HEADER_BYTES) | (chunk[5 : 5 + n] | chunk[6 : 6 + n] | chunk[7 : 7 + n] > 0)
    return np.flatnonzero(fits)


def index_buffers(read_at: ReadAt, size: int, head: LogFile, begin: int = 0) -> BufferIndex:
    """Index the buffers of a file of ``size`` bytes, from ``begin`` to its end or to where another session begins."""
    return _Indexer(read_at, size, head, begin).index()
