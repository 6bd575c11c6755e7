"""The index of a file's buffers: where each lies, whose it is, and when its first record was logged.

Only the head of each buffer is read (:data:`PROBE_BYTES`). The index costs 40 bytes a buffer, which
is 0.06 % of a file of 64 KB buffers; nothing else grows with the file.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.errors import Damage, DamageCode
from tracer.etl import walk
from tracer.etl.headers import (
    BUFFER_HEADER,
    MAX_BUFFER_SIZE,
    MIN_BUFFER_SIZE,
    TRACE_MARKER,
    BufferFlag,
    BufferType,
)
from tracer.etl.logfile import LogFile, cpu_of
from tracer.etl.xpress import decompress

PROBE_BYTES: Final = 256
"""Bytes read of each buffer: its header and enough to find its first record's time, compressed or not."""

HEADER_BYTES: Final = BUFFER_HEADER.itemsize
_FIRST_RECORD: Final = 24  # bytes of a record up to the end of its time, for every header type
_HEADER = struct.Struct("<3I i 2q Q 2H 2I 2H")
_SEARCH_CHUNK: Final = 1 << 20
_UNKNOWN_TIME: Final = np.iinfo(np.int64).min

BUFFER: Final = np.dtype(
    [
        ("offset", "<i8"),
        ("first_time", "<i8"),  # raw time of the first record; a lower bound where it has none
        ("sequence", "<i8"),
        ("stride", "<u4"),
        ("valid", "<u4"),  # bytes with the header; after decompression when compressed
        ("cpu", "<u2"),
        ("flag", "<u2"),
        ("present", "<u4"),  # bytes of the stride that the file holds
    ]
)
"""One buffer of the file."""

ReadAt = Callable[[int, int], bytes]
"""Gives up to so many bytes at an offset of the file."""


@dataclass(frozen=True, slots=True, eq=False)
class BufferIndex:
    """All buffers (:data:`BUFFER`, in file order), what lies between them, and what is wrong.

    ``padding`` counts bytes after the last buffer that a session had preallocated and not used.
    ``first_empty`` is true where the header buffer did not say how much of it is valid.
    """

    buffers: npt.NDArray[np.void]
    padding: int
    skipped: int
    damage: tuple[Damage, ...]


class _Indexer:
    """Steps from buffer to buffer; a place that is no buffer is searched for the next one."""

    def __init__(self, read_at: ReadAt, size: int, head: LogFile) -> None:
        self._read_at = read_at
        self._size = size
        self._head = head
        self._rows = array("q")  # eight numbers a buffer: an object a buffer would not do for 100 GB
        self._damage: list[Damage] = []
        self._padding = 0
        self._skipped = 0
        self._cpu_time: dict[int, int] = {}

    def index(self) -> BufferIndex:
        offset = 0
        while offset < self._size:
            probe = self._read_at(offset, min(PROBE_BYTES, self._size - offset))
            fields = self._plausible(probe, offset)
            offset = self._lost(offset, probe) if fields is None else offset + self._take(offset, probe, fields)
        table = np.frombuffer(self._rows, np.int64).reshape(-1, len(BUFFER.names or ()))
        buffers = np.empty(len(table), BUFFER)
        for column, name in enumerate(BUFFER.names or ()):
            buffers[name] = table[:, column]
        return BufferIndex(buffers, self._padding, self._skipped, tuple(self._damage))

    def _plausible(self, probe: bytes, offset: int) -> tuple[int, ...] | None:
        """The header's fields, where this can be a buffer of this file."""
        if len(probe) < HEADER_BYTES:
            return None
        fields: tuple[int, ...] = _HEADER.unpack_from(probe)
        stride, saved, state, flag, kind = fields[0], fields[1], fields[9], fields[11], fields[12]
        least = HEADER_BYTES + 1 if flag & _COMPRESSED else MIN_BUFFER_SIZE
        sound = least <= stride <= MAX_BUFFER_SIZE and saved <= MAX_BUFFER_SIZE
        sound = sound and flag <= _ALL_FLAGS and kind <= _LAST_TYPE and (state <= _MAX_STATE or offset == 0)
        return fields if sound else None

    def _take(self, offset: int, probe: bytes, fields: tuple[int, ...]) -> int:
        """Add one buffer to the index; gives the bytes to step on."""
        stride, saved, _, _, _, sequence, _, processor, _, _, used, flag, kind = fields
        present = min(stride, self._size - offset)
        compressed = flag & _COMPRESSED != 0
        valid = saved if compressed else max(saved, used)
        if valid < HEADER_BYTES:
            valid = stride if kind == _HEADER_TYPE or offset == 0 else HEADER_BYTES
        if not compressed and valid > stride:
            self._note(offset, DamageCode.BUFFER_LENGTH, f"the buffer says {valid:,} bytes are valid of {stride:,}", 0)
            valid = stride
        cpu = cpu_of(processor, flag)
        first = self._first_time(probe, valid, cpu, compressed)
        self._rows.extend((offset, first, sequence, stride, valid, cpu, flag, present))
        return present

    def _first_time(self, probe: bytes, valid: int, cpu: int, compressed: bool) -> int:
        """Raw time of the first record; that of the CPU's buffer before where the first record has none."""
        record = probe[HEADER_BYTES:]
        if compressed:
            out = np.zeros(_FIRST_RECORD + 8, np.uint8)
            _, written = decompress(np.frombuffer(record, np.uint8), 0, len(record), out, 0, len(out))
            record = out[:written].tobytes()
        before = self._cpu_time.get(cpu, _UNKNOWN_TIME)
        if len(record) < _FIRST_RECORD or valid < HEADER_BYTES + _FIRST_RECORD or record[3] != TRACE_MARKER:
            return before
        at = _TIME_AT[record[2]]
        first = int.from_bytes(record[at : at + 8], "little", signed=True) if at else before
        self._cpu_time[cpu] = max(first, before)
        return first

    def _lost(self, offset: int, probe: bytes) -> int:
        """No buffer stands here: find where the next one does, and account for what lies between."""
        found, filler = self._search(offset)
        length = found - offset
        if filler:
            self._padding += length
            return found
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

    def _search(self, offset: int) -> tuple[int, bool]:
        """(Offset of the next plausible buffer or the file's end, whether all between is 00 or FF filler)."""
        filler: bytes | None = None
        at = offset
        while at < self._size:
            chunk = self._read_at(at, _SEARCH_CHUNK + HEADER_BYTES)
            if not chunk:
                break
            filler, pure = _same_filler(chunk, filler)
            if not pure:
                return self._next_header(offset), False
            at += _SEARCH_CHUNK
        return self._size, True

    def _next_header(self, offset: int) -> int:
        """Offset of the next place with a plausible header whose successor is plausible too."""
        base = offset + 1
        while base < self._size:
            chunk = self._read_at(base, _SEARCH_CHUNK + HEADER_BYTES)
            if len(chunk) < HEADER_BYTES:
                break
            for candidate in candidates(np.frombuffer(chunk, np.uint8), self._head.logger_id):
                if self._confirmed(base + int(candidate)):
                    return base + int(candidate)
            base += _SEARCH_CHUNK
        return self._size

    def _confirmed(self, offset: int) -> bool:
        probe = self._read_at(offset, PROBE_BYTES)
        fields = self._plausible(probe, offset)
        if fields is None or fields[1] < HEADER_BYTES:
            return False
        following = offset + fields[0]
        if following >= self._size:
            return True
        return self._plausible(self._read_at(following, HEADER_BYTES), following) is not None

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
_TIME_AT: Final[list[int]] = walk.TIME_AT.tolist()
_MAX_STATE: Final = 7


def _same_filler(chunk: bytes, filler: bytes | None) -> tuple[bytes, bool]:
    """Whether a chunk is one byte, 00 or FF, repeated (and the same as before)."""
    byte = chunk[:1] if filler is None else filler
    return byte, byte in (b"\0", b"\xff") and chunk.count(byte) == len(chunk)


def candidates(chunk: npt.NDArray[np.uint8], logger_id: int) -> npt.NDArray[np.int64]:
    """Positions in a chunk where a buffer header of this logger may stand (the logger id, flag and type fit)."""
    n = len(chunk) - HEADER_BYTES + 1
    if n <= 0:
        return np.zeros(0, np.int64)
    low, high = logger_id & 0xFF, logger_id >> 8
    fits = (chunk[0x2A : 0x2A + n] == low) & (chunk[0x2B : 0x2B + n] == high)
    fits &= (chunk[0x34 : 0x34 + n] <= _ALL_FLAGS) & (chunk[0x35 : 0x35 + n] == 0)
    fits &= (chunk[0x36 : 0x36 + n] <= _LAST_TYPE) & (chunk[0x37 : 0x37 + n] == 0)
    fits &= (chunk[0x2C : 0x2C + n] <= _MAX_STATE) & (chunk[3 : 3 + n] <= MAX_BUFFER_SIZE >> 24)
    return np.flatnonzero(fits)


def index_buffers(read_at: ReadAt, size: int, head: LogFile) -> BufferIndex:
    """Index the buffers of a file of ``size`` bytes."""
    return _Indexer(read_at, size, head).index()
