"""The bytes that are being walked: buffers loaded in time order, dropped when their last record is taken.

A window holds the buffers whose records are next in time. At its horizon a buffer may be walked
in part; its rest moves to the front of the window and is walked on with the next buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from tracer.errors import Damage, DamageCode
from tracer.etl import walk, xpress
from tracer.etl.buffers import HEADER_BYTES, MAX_DAMAGE
from tracer.etl.headers import MAX_BUFFER_SIZE, BufferFlag, Compression
from tracer.trace import ByteCount

ReadInto = Callable[[int, memoryview], int]
"""Fills a view from an offset of the file; gives the bytes read, fewer where the file ends."""

_ALIGN: Final = 7
_FIRST_SEGMENTS: Final = 64

_ENDINGS: Final = {
    walk.BAD_SIZE: (DamageCode.RECORD_SIZE, "a record says a size that cannot be"),
    walk.BAD_TYPE: (DamageCode.RECORD_TYPE, "no record header of a known type stands here"),
    walk.BAD_CUT: (DamageCode.RECORD_CUT, "a record reaches beyond the end of its buffer"),
}
_UNPACKING: Final = {
    xpress.WHOLE: "it unpacks to another length than it declares",
    xpress.INPUT_ENDS: "its compressed data ends too early",
    xpress.OFFSET_BEFORE_START: "its compressed data refers to bytes before its start",
    xpress.LENGTH_INVALID: "its compressed data holds an impossible match length",
    xpress.OUTPUT_FULL: "it unpacks to more than it declares",
}


class Window:
    """Loaded buffers: ``bytes`` (uint8; also seen as ``words2``, ``words4``, ``words8``) and ``segments``."""

    def __init__(self, read_into: ReadInto, size: int, buffers: npt.NDArray[np.void], compression: int) -> None:
        self._read_into = read_into
        self._buffers = buffers
        self._compression = compression
        self._filled = 0
        self._scratch = np.zeros(0, np.uint8)
        self._count = 0
        self._segments = np.zeros(_FIRST_SEGMENTS, walk.SEGMENT)
        self._spoilt: dict[int, tuple[DamageCode, str]] = {}
        self.damage: list[Damage] = []
        self.headers = self.records = self.padding = self.skipped = 0
        self.bytes_read = 0
        self._allocate(size)

    def _allocate(self, size: int) -> None:
        self.words8 = np.empty((size + _ALIGN) >> 3, np.uint64)
        self.bytes = self.words8.view(np.uint8)
        self.words2 = self.words8.view(np.uint16)
        self.words4 = self.words8.view(np.uint32)

    @property
    def segments(self) -> npt.NDArray[np.void]:
        """The loaded buffers (:data:`~tracer.etl.walk.SEGMENT`), by CPU, then by time."""
        return self._segments[: self._count]

    @property
    def filled(self) -> int:
        """Bytes in use."""
        return self._filled

    @property
    def byte_count(self) -> ByteCount:
        """Where the bytes of the buffers dropped so far went."""
        return ByteCount(self.headers, self.records, self.padding, self.skipped)

    def load(self, rows: npt.NDArray[np.int64]) -> None:
        """Add buffers (rows of the index, by first time), neighbours in the file with one read."""
        for run in _neighbours(self._buffers, rows):
            if self._buffers["flag"][run[0]] & BufferFlag.COMPRESSED:
                self._load_packed(int(run[0]))
            else:
                self._load_plain(run)
        order = np.argsort(self.segments["cpu"], kind="stable")
        self._segments[: self._count] = self.segments[order]

    def _room(self, size: int) -> int:
        """Position of ``size`` free bytes, a multiple of 8."""
        at = (self._filled + _ALIGN) & ~_ALIGN
        if at + size + _ALIGN > len(self.bytes):
            old = self.bytes
            self._allocate(max(2 * len(old), at + size + _ALIGN))
            self.bytes[: self._filled] = old[: self._filled]
        return at

    def _load_plain(self, rows: npt.NDArray[np.int64]) -> None:
        begin = int(self._buffers["offset"][rows[0]])
        last = self._buffers[rows[-1]]
        length = int(last["offset"]) + int(last["present"]) - begin
        at = self._room(length)
        got = self._read(begin, memoryview(self.bytes.data)[at : at + length])
        for row in rows:
            buffer = self._buffers[row]
            here = at + int(buffer["offset"]) - begin
            present = min(int(buffer["present"]), max(0, at + got - here))
            end = min(int(buffer["valid"]), present)
            if present < int(buffer["stride"]):
                self._note_cut(int(row), present)
            self._add(int(row), here + min(HEADER_BYTES, end), here + end, int(buffer["offset"]) + HEADER_BYTES, packed=False)
        self._filled = at + length

    def _load_packed(self, row: int) -> None:
        buffer = self._buffers[row]
        offset, present, valid = int(buffer["offset"]), int(buffer["present"]), int(buffer["valid"])
        if len(self._scratch) < present:
            self._scratch = np.zeros(present, np.uint8)
        got = self._read(offset, memoryview(self._scratch.data)[:present])
        if got < int(buffer["stride"]):
            self._note_cut(row, got)
        body = min(valid - HEADER_BYTES, MAX_BUFFER_SIZE)
        at = self._room(body)
        written = 0
        if self._compression != Compression.XPRESS and self._compression in Compression.__members__.values():
            name = Compression(self._compression).name.replace("_", "-")
            text = f"the buffer is compressed with {name}, which Poolscope does not read; only plain XPRESS is"
            self._spoil(row, DamageCode.COMPRESSION_UNSUPPORTED, text)
        else:
            status, written = xpress.decompress(self._scratch, min(HEADER_BYTES, got), got, self.bytes, at, at + body)
            if (status != xpress.WHOLE or written != body) and row not in self._spoilt:
                self._spoil(row, DamageCode.COMPRESSION_CORRUPT, f"the buffer is damaged: {_UNPACKING[status]}")
        self._filled = at + written
        self._add(row, at, at + written, offset, packed=True)

    def _read(self, offset: int, view: memoryview) -> int:
        got = self._read_into(offset, view)
        self.bytes_read += got
        return got

    def _note_cut(self, row: int, present: int) -> None:
        buffer = self._buffers[row]
        shrank = present < int(buffer["present"])
        code = DamageCode.FILE_SHRANK if shrank else DamageCode.BUFFER_CUT
        why = "the file became shorter while it was read" if shrank else "the file ends inside this buffer"
        self._spoil(row, code, f"{why}: {present:,} of {int(buffer['stride']):,} bytes are there")

    def _spoil(self, row: int, code: DamageCode, text: str) -> None:
        """Remember why a buffer is not whole; its damage is written when it is dropped."""
        self._spoilt[row] = (code, text)

    def _add(self, row: int, begin: int, end: int, offset: int, *, packed: bool) -> None:
        if self._count == len(self._segments):
            grown = np.zeros(2 * self._count, walk.SEGMENT)
            grown[: self._count] = self._segments
            self._segments = grown
        buffer = self._buffers[row]
        first = int(buffer["first_time"])
        self._segments[self._count] = (
            begin, end, begin, offset, first, -1, 0, 0, 0, int(buffer["cpu"]), walk.RUNNING, row, packed,
        )  # fmt: skip
        self._count += 1

    def drop_finished(self) -> None:
        """Account for the buffers that are done and move what is left of the others to the front."""
        done = self.segments["state"] != walk.RUNNING
        for segment in self.segments[done]:
            self._account(segment)
        kept = self.segments[~done].copy()
        at = 0
        for i in np.argsort(kept["position"], kind="stable"):
            segment = kept[i]
            start, end = int(segment["position"]), int(segment["end"])
            self.bytes[at : at + end - start] = self.bytes[start:end]
            for name in ("position", "end", "begin"):
                segment[name] += at - start
            at = (at + end - start + _ALIGN) & ~_ALIGN
        self._filled = at
        self._count = len(kept)
        self._segments[: self._count] = kept
        self.segments["first_event"] = -1

    def _account(self, segment: np.void) -> None:
        row = int(segment["buffer"])
        buffer = self._buffers[row]
        present = int(buffer["present"])
        header = min(HEADER_BYTES, present)
        body = present - header
        left = max(0, int(segment["end"]) - int(segment["position"])) if segment["state"] in _ENDINGS else 0
        if segment["packed"]:
            whole = max(1, int(buffer["valid"]) - HEADER_BYTES)
            missing = left + whole - (int(segment["end"]) - int(segment["begin"]))
            skipped = body * min(missing, whole) // whole
            records = body - skipped
        else:
            valid = min(int(buffer["valid"]), present) - header
            missing = valid - (int(segment["end"]) - int(segment["begin"]))
            records, skipped = int(segment["record_bytes"]), left + max(0, missing)
        self.headers += header
        self.records += records
        self.skipped += skipped
        self.padding += body - records - skipped
        self._describe_damage(segment, row, skipped)

    def _describe_damage(self, segment: np.void, row: int, skipped: int) -> None:
        offset = int(self._buffers["offset"][row])
        cause = self._spoilt.pop(row, None)
        if cause is not None:
            self._note(Damage(offset, *cause, skipped))
        elif int(segment["state"]) in _ENDINGS:
            code, text = _ENDINGS[int(segment["state"])]
            at = offset if segment["packed"] else int(segment["offset"] + segment["position"] - segment["begin"])
            self._note(Damage(at, code, f"{text}; the rest of the buffer was left out", skipped))
        if segment["backward"]:
            text = f"{int(segment['backward']):,} records were logged at an earlier time than the record before them"
            self._note(Damage(offset, DamageCode.TIME_BACKWARD, text, 0))

    def _note(self, damage: Damage) -> None:
        if len(self.damage) < MAX_DAMAGE:
            self.damage.append(damage)


def _neighbours(buffers: npt.NDArray[np.void], rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Split rows into runs that one read can load: plain buffers, back to back, on multiples of 8."""
    if not len(rows):
        return
    chosen = buffers[rows]
    plain = (chosen["flag"] & BufferFlag.COMPRESSED) == 0
    ends = chosen["offset"] + chosen["stride"]
    joined = plain[1:] & plain[:-1] & (chosen["offset"][1:] == ends[:-1]) & (chosen["stride"][:-1] % 8 == 0)
    joined &= chosen["present"][:-1] == chosen["stride"][:-1]
    yield from np.split(rows, np.flatnonzero(~joined) + 1)
