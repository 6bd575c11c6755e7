"""The bytes that are being walked: buffers loaded in time order, dropped when their last record is taken.

A window holds the buffers whose records are next in time. At its horizon a buffer may be walked
in part; its rest moves to the front of the window and is walked on with the next buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
_BYTES_PER_EVENT: Final = 64  # a guess to begin with: the index grows where records are smaller
_FEWEST_ROWS: Final = 256

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


class Arena:
    """Room for the bytes of one window and for the index that the walk makes of them.

    ``bytes`` (uint8) is also seen as ``words2``, ``words4`` and ``words8``; ``events`` and ``stacks``
    are :data:`~tracer.etl.walk.EVENT_INDEX` and :data:`~tracer.etl.walk.STACK_INDEX`.
    """

    def __init__(self, size: int) -> None:
        self.events = np.empty(max(_FEWEST_ROWS, size // _BYTES_PER_EVENT), walk.EVENT_INDEX)
        self.stacks = np.empty(max(_FEWEST_ROWS, size // _BYTES_PER_EVENT), walk.STACK_INDEX)
        self._allocate(size)

    def _allocate(self, size: int) -> None:
        self.words8 = np.empty((size + _ALIGN) >> 3, np.uint64)
        self.bytes = self.words8.view(np.uint8)
        self.words2 = self.words8.view(np.uint16)
        self.words4 = self.words8.view(np.uint32)

    def make_room(self, size: int, filled: int) -> None:
        """Have at least ``size`` bytes, keeping the first ``filled``."""
        if size > len(self.bytes):
            old = self.bytes
            self._allocate(size + size // 4)
            self.bytes[:filled] = old[:filled]

    def grow_index(self) -> None:
        """Twice the rows for events and stacks, keeping those there are."""
        for name in ("events", "stacks"):
            old = getattr(self, name)
            new = np.empty(2 * len(old), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


class Window:
    """The buffers being walked: their bytes in ``arena``, their state in ``segments``.

    Windows follow each other through a ring of ``arenas``, so that one can still be decoded
    while the next is being read. ``helper`` decompresses half of the compressed buffers.
    """

    def __init__(
        self,
        read_into: ReadInto,
        size: int,
        buffers: npt.NDArray[np.void],
        compression: int,
        *,
        arenas: int,
        helper: ThreadPoolExecutor | None = None,
    ) -> None:
        self._read_into = read_into
        self._buffers = buffers
        self._compression = compression
        self._helper = helper
        self._arenas = [Arena(size) for _ in range(arenas)]
        self._filled = 0
        self._scratch = np.zeros(0, np.uint8)
        self._count = 0
        self._segments = np.zeros(_FIRST_SEGMENTS, walk.SEGMENT)
        self._spoilt: dict[int, tuple[DamageCode, str]] = {}
        self.damage: list[Damage] = []
        self.headers = self.records = self.padding = self.skipped = 0
        self.bytes_read = 0

    @property
    def arena(self) -> Arena:
        """The arena of this window."""
        return self._arenas[0]

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
        """Add buffers (rows of the index), neighbours in the file with one read."""
        for run in _neighbours(self._buffers, np.sort(rows)):
            if self._buffers["flag"][run[0]] & BufferFlag.COMPRESSED:
                self._load_packed(run)
            else:
                self._load_plain(run)
        sequence = self._buffers["sequence"][self.segments["buffer"]]
        order = np.lexsort((sequence, self.segments["last_time"], self.segments["cpu"]))
        self._segments[: self._count] = self.segments[order]

    def _room(self, size: int) -> int:
        """Position of ``size`` free bytes, a multiple of 8."""
        at = (self._filled + _ALIGN) & ~_ALIGN
        self.arena.make_room(at + size + _ALIGN, self._filled)
        return at

    def _load_plain(self, rows: npt.NDArray[np.int64]) -> None:
        chosen = self._buffers[rows]
        begin = int(chosen["offset"][0])
        length = int(chosen["offset"][-1]) + int(chosen["present"][-1]) - begin
        at = self._room(length)
        got = self._read(begin, memoryview(self.arena.bytes.data)[at : at + length])
        here = chosen["offset"] + (at - begin)
        present = np.clip(at + got - here, 0, chosen["present"].astype(np.int64))
        for i in np.flatnonzero(present < chosen["stride"]):
            self._note_cut(int(rows[i]), int(present[i]))
        end = np.minimum(chosen["valid"], present)
        self._add(rows, here + np.minimum(HEADER_BYTES, end), here + end, chosen["offset"] + HEADER_BYTES, packed=False)
        self._filled = at + length

    def _load_packed(self, rows: npt.NDArray[np.int64]) -> None:
        chosen = self._buffers[rows]
        begin = int(chosen["offset"][0])
        length = int(chosen["offset"][-1]) + int(chosen["present"][-1]) - begin
        if len(self._scratch) < length:
            self._scratch = np.empty(length, np.uint8)
        got = self._read(begin, memoryview(self._scratch.data)[:length])
        start = chosen["offset"] - begin
        present = np.clip(got - start, 0, chosen["present"].astype(np.int64))
        for i in np.flatnonzero(present < chosen["stride"]):
            self._note_cut(int(rows[i]), int(present[i]))
        body = np.clip(chosen["valid"].astype(np.int64) - HEADER_BYTES, 0, MAX_BUFFER_SIZE)
        ends = np.cumsum((body + _ALIGN) & ~_ALIGN)
        at = self._room(int(ends[-1])) + ends - ((body + _ALIGN) & ~_ALIGN)
        spans = np.stack([start + np.minimum(HEADER_BYTES, present), start + present, at, at + body], axis=1)
        results = self._decompress(rows, np.ascontiguousarray(spans))
        wrong = (results[:, 0] != xpress.WHOLE) | (results[:, 1] != body)
        for i in np.flatnonzero(wrong):
            if int(rows[i]) not in self._spoilt:
                text = f"the buffer is damaged: {_UNPACKING[int(results[i, 0])]}"
                self._spoil(int(rows[i]), DamageCode.COMPRESSION_CORRUPT, text)
        self._add(rows, at, at + results[:, 1], chosen["offset"], packed=True)
        self._filled = int(at[-1] + body[-1])

    def _decompress(self, rows: npt.NDArray[np.int64], spans: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(Status, bytes) of each buffer; half of them are decompressed in a second thread where there is one."""
        results = np.zeros((len(spans), 2), np.int64)
        if self._compression != Compression.XPRESS and self._compression in Compression.__members__.values():
            name = Compression(self._compression).name.replace("_", "-")
            text = f"the buffer is compressed with {name}, which Poolscope does not read; only plain XPRESS is"
            for row in rows:
                self._spoil(int(row), DamageCode.COMPRESSION_UNSUPPORTED, text)
            return results
        half = len(spans) // 2 if self._helper is not None else 0
        waiting = None
        if self._helper is not None and half:
            waiting = self._helper.submit(
                xpress.decompress, self._scratch, self.arena.bytes, spans[:half], results[:half]
            )
        xpress.decompress(self._scratch, self.arena.bytes, spans[half:], results[half:])
        if waiting is not None:
            waiting.result()
        return results

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

    def _add(
        self, rows: npt.NDArray[np.int64], begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64],
        offset: npt.NDArray[np.int64], *, packed: bool,
    ) -> None:  # fmt: skip
        """Begin the walk of buffers whose bytes are in the window."""
        count = self._count + len(rows)
        if count > len(self._segments):
            grown = np.zeros(2 * count, walk.SEGMENT)
            grown[: self._count] = self.segments
            self._segments = grown
        added = self._segments[self._count : count]
        added[:] = np.zeros(1, walk.SEGMENT)
        added["position"], added["begin"], added["end"], added["offset"] = begin, begin, end, offset
        added["last_time"], added["cpu"] = self._buffers["first_time"][rows], self._buffers["cpu"][rows]
        added["buffer"], added["packed"] = rows, packed
        self._count = count

    def move_on(self) -> None:
        """Account for the buffers that are done and move what is left of the others to the next arena."""
        done = self.segments["state"] != walk.RUNNING
        self._account(self.segments[done])
        kept = self.segments[~done].copy()
        old = self.arena.bytes
        self._arenas.append(self._arenas.pop(0))
        self.arena.make_room(int((kept["end"] - kept["position"] + _ALIGN).sum()), 0)
        at = 0
        for i in np.argsort(kept["position"], kind="stable"):
            start, end = int(kept["position"][i]), int(kept["end"][i])
            self.arena.bytes[at : at + end - start] = old[start:end]
            for name in ("position", "end", "begin", "peeked"):
                kept[name][i] += at - start
            at = (at + end - start + _ALIGN) & ~_ALIGN
        self._filled = at
        self._count = len(kept)
        self._segments[: self._count] = kept

    def _account(self, segments: npt.NDArray[np.void]) -> None:
        """Add up where the bytes of buffers that are done went, and write down what is wrong with them."""
        buffers = self._buffers[segments["buffer"]]
        present = buffers["present"].astype(np.int64)
        header = np.minimum(HEADER_BYTES, present)
        body = present - header
        bad = segments["state"] != walk.DONE
        walked = segments["end"] - segments["begin"]
        left = np.where(bad, np.maximum(0, segments["end"] - segments["position"]), 0)
        packed = segments["packed"] != 0
        whole = np.maximum(1, buffers["valid"].astype(np.int64) - HEADER_BYTES)
        lost = body * np.clip(left + whole - walked, 0, whole) // whole
        valid = np.minimum(buffers["valid"], present) - header
        skipped = np.where(packed, lost, left + np.maximum(0, valid - walked))
        records = np.where(packed, body - lost, segments["record_bytes"])
        self.headers += int(header.sum())
        self.records += int(records.sum())
        self.skipped += int(skipped.sum())
        self.padding += int((body - records - skipped).sum())
        spoilt = np.isin(segments["buffer"], list(self._spoilt)) if self._spoilt else np.zeros(len(segments), np.bool_)
        for i in np.flatnonzero(bad | spoilt | (segments["backward"] > 0)):
            self._describe_damage(segments[i], int(segments["buffer"][i]), int(skipped[i]))

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
    """Split rows into runs that one read can load: back to back, all compressed or all plain on multiples of 8."""
    if not len(rows):
        return
    chosen = buffers[rows]
    packed = (chosen["flag"] & BufferFlag.COMPRESSED) != 0
    ends = chosen["offset"] + chosen["stride"]
    joined = (chosen["offset"][1:] == ends[:-1]) & (chosen["present"][:-1] == chosen["stride"][:-1])
    joined &= (packed[1:] == packed[:-1]) & (packed[:-1] | (chosen["stride"][:-1] % 8 == 0))
    yield from np.split(rows, np.flatnonzero(~joined) + 1)
