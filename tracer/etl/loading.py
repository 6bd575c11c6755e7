"""Loads buffers: reads a few of them, small enough to stay in a core's cache, decompresses those that are packed.

Each buffer becomes a segment of the arena, which is walked at once; the next load writes over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from tracer.arrays import I64, U64, Structured
from tracer.errors import Damage, DamageCode
from tracer.etl import walk, xpress
from tracer.etl.buffers import MAX_DAMAGE
from tracer.etl.headers import HEADER_BYTES, MAX_BUFFER_SIZE, BufferFlag, Compression
from tracer.etl.rows import SEGMENT
from tracer.etl.walk import RUNNING
from tracer.jit import Int, kernel
from tracer.words import words_of

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

ReadInto = Callable[[int, memoryview], int]
"""Fills a view from an offset of the file; gives the bytes read, fewer where the file ends."""

LOAD_BYTES: Final = 1 << 21
"""Buffers loaded at once. Smaller loads stay in a core's own cache, but each costs a change between the two threads
of a reading, which costs more (measured: ``docs/memory-and-speed.md``)."""
COUNTED_LOAD_BYTES: Final = 1 << 18
"""The same where records are only counted: one thread does all of that."""
_PACKED_LOAD_BYTES: Final = 1 << 21
"""The same of compressed buffers, unpacked, for each two threads: they work on each load, and have to wake for it."""
_MOST_RATIO: Final = 256
"""How many times its size a buffer unpacks to: a record has a time of its own, so that real ones come to 10."""
_MOST_BEYOND: Final = 256 << 20
"""Bytes of all buffers of a file that unpack to more, as records of nothing but zeros may: 15 bytes can say 16 MiB, and
a file of a megabyte would take minutes."""
_MOST_SEGMENTS: Final = 1 << 10
_SHARES: Final = 16
"""Into how many a load is cut for each thread that helps to decompress: it takes 0.1 ms to wake, and may be slower."""
_ALIGN: Final = 7
_PAGE: Final = 1 << 12
_BEHIND_PAGE: Final = 256
_PACKED: Final = int(BufferFlag.COMPRESSED)

_ENDINGS: Final = {
    walk.BAD_SIZE: (DamageCode.RECORD_SIZE, "a record says a size that cannot be"),
    walk.BAD_TYPE: (DamageCode.RECORD_TYPE, "no record header of a known type stands here"),
    walk.BAD_CUT: (DamageCode.RECORD_CUT, "a record reaches beyond the end of its buffer"),
}
_LONG: Final = "a record says a length that takes in the records behind it, which are left out"
_UNPACKING: Final = {
    xpress.WHOLE: "it unpacks to another length than it declares",
    xpress.INPUT_ENDS: "its compressed data ends too early",
    xpress.OFFSET_BEFORE_START: "its compressed data refers to bytes before its start",
    xpress.LENGTH_INVALID: "its compressed data holds an impossible match length",
    xpress.OUTPUT_FULL: "it unpacks to more than it declares",
}


@kernel
def plan(
    buffers: Structured,
    queue: I64,
    begin: int,
    end: int,
    most: int,
    segments: Structured,
    by_offset: I64,
    reads: I64,
) -> tuple[Int, Int, Int, bool]:
    """Make ``segments`` of the buffers ``queue[begin:end]``, as many as ``most`` bytes hold unpacked, but at least one.

    All are compressed or none is. Neighbours in the file share a read: ``reads`` gets rows of (file offset, bytes,
    position in the arena). Gives the number of segments, of reads, the arena's bytes, and whether all buffers
    are whole.
    """
    count = np.int64(0)
    total = np.int64(0)
    packed = buffers[queue[begin]]["flag"] & _PACKED
    whole = True
    while begin + count < end and count < segments.shape[0]:
        row = queue[begin + count]
        buffer = buffers[row]
        total += max(np.int64(buffer["stride"]), np.int64(buffer["valid"]))
        if count > 0 and (total > most or buffer["flag"] & _PACKED != packed):
            break
        whole = whole and buffer["present"] == buffer["stride"]
        place = count
        while place > 0 and buffers[queue[begin + by_offset[place - 1]]]["offset"] > buffer["offset"]:
            by_offset[place] = by_offset[place - 1]
            place -= 1
        by_offset[place] = count
        count += 1
    n_reads = np.int64(0)
    at = np.int64(0)
    following = np.int64(-1)
    for turn in range(count):
        row = queue[begin + by_offset[turn]]
        buffer = buffers[row]
        present = np.int64(buffer["present"])
        if buffer["offset"] != following or (at & _ALIGN != 0 and not packed):
            at = (at + _ALIGN) & ~_ALIGN
            reads[n_reads, 0] = buffer["offset"]
            reads[n_reads, 1] = 0
            reads[n_reads, 2] = at
            n_reads += 1
        reads[n_reads - 1, 1] += present
        header = min(np.int64(HEADER_BYTES), present)
        segment = segments[by_offset[turn]]
        segment["position"] = at + header
        segment["begin"] = at + header
        # Of a compressed buffer all is input; how much is valid counts after decompression.
        segment["end"] = at + max(header, present if packed else min(np.int64(buffer["valid"]), present))
        segment["offset"] = buffer["offset"] + HEADER_BYTES
        segment["last_time"] = buffer["first_time"]
        segment["record_bytes"] = 0
        segment["swallowed"] = 0
        segment["backward"] = 0
        segment["present"] = present
        segment["valid"] = buffer["valid"]
        segment["first"] = -1
        segment["cpu"] = buffer["cpu"]
        segment["state"] = RUNNING
        segment["buffer"] = row
        segment["packed"] = 0
        at += present
        following = buffer["offset"] + present if buffer["present"] == buffer["stride"] else np.int64(-1)
    return count, n_reads, at, whole


def _to_read_into(words: int) -> U64:
    """Memory of so many words that the system copies to as fast as it can.

    AMD's processors take twice the time and more (``rep movsb``), some where it begins on a page, as the file's data
    does (github.com/apache/opendal/issues/3665), others where it begins 16 bytes behind one, as large arrays do on
    Linux (measured: ``docs/memory-and-speed.md``).
    """
    room = np.zeros(words + _PAGE // 8, np.uint64)
    skipped = (_BEHIND_PAGE - room.ctypes.data) % _PAGE // 8
    return room[skipped : skipped + words]


def _place(segment: np.void, position: int, buffer: int) -> int:
    """Offset in the file of a position in the arena: that of the buffer where it is compressed."""
    return buffer if segment["packed"] else int(segment["offset"] + position - segment["begin"])


class Arena:
    """A block of bytes that grows: ``words`` for kernels, ``view`` for reading into it."""

    def __init__(self, size: int) -> None:
        self.words = words_of(_to_read_into((size >> 3) + 2))  # what stands behind a segment is read, and not used
        self.view = memoryview(self.words.bytes1.data)
        self.size = size

    def reserve(self, size: int) -> None:
        """Have at least ``size`` bytes; what is there is lost where it grows."""
        if size > self.size:
            Arena.__init__(self, size + size // 4)


class Loader:
    """Loads buffers into ``arena`` and their state into :attr:`segments`, by CPU in the order given.

    ``pool``: threads that decompress with the one that loads, as many as ``helpers``.
    """

    def __init__(
        self, read_into: ReadInto, buffers: Structured, compression: int, pool: ThreadPoolExecutor | None,
        helpers: int = 1, load_bytes: int = LOAD_BYTES,
    ) -> None:  # fmt: skip
        self._read_into = read_into
        self._buffers = buffers
        self._compression = compression
        self._pool = pool
        self._helpers = helpers
        self._load_bytes = load_bytes
        self._beyond = 0
        self._scratch = Arena(0)
        self._all = np.zeros(_MOST_SEGMENTS, SEGMENT)
        self._by_offset = np.zeros(_MOST_SEGMENTS, np.int64)
        self._reads = np.zeros((_MOST_SEGMENTS, 3), np.int64)
        self._spoilt: dict[int, tuple[DamageCode, str]] = {}
        self.arena = Arena(load_bytes)
        self.segments = self._all[:0]
        self.damage: list[Damage] = []
        self.bytes_read = 0

    def load(self, queue: I64, begin: int, end: int) -> int:
        """Load the next of the buffers ``queue[begin:end]`` (rows of the index); gives how many."""
        packed = bool(self._buffers["flag"][queue[begin]] & _PACKED)
        most = _PACKED_LOAD_BYTES * self._helpers if packed else self._load_bytes
        count, n_reads, size, whole = plan(
            self._buffers, queue, begin, end, most, self._all, self._by_offset, self._reads
        )
        self.segments = self._all[:count]
        target = self._scratch if packed else self.arena
        target.reserve(int(size))
        there = self._read(target, self._reads[:n_reads].tolist())
        if there is not None or not whole:
            self._cut(self.segments["present"] if there is None else there)
        if packed:
            self._unpack()
        return int(count)

    def _read(self, target: Arena, reads: list[list[int]]) -> I64 | None:
        """Fill the arena; gives how many bytes of each buffer are there where the file ends too early."""
        there = None
        for offset, length, at in reads:
            got = self._read_into(offset, target.view[at : at + length])
            self.bytes_read += got
            if got < length:
                there = self.segments["present"].copy() if there is None else there
                start = self._starts()
                inside = (start >= at) & (start < at + length)
                there[inside] = np.clip(at + got - start[inside], 0, there[inside])
        return there

    def _starts(self) -> I64:
        """Where each segment's buffer begins in the arena that it was read into."""
        starts: I64 = self.segments["begin"] - np.minimum(HEADER_BYTES, self.segments["present"])
        return starts

    def _cut(self, there: I64) -> None:
        """Note the buffers of which the file does not hold all, and end their segments where the bytes do."""
        segments, start = self.segments, self._starts()
        strides = self._buffers["stride"][segments["buffer"]]
        for i in np.flatnonzero(there < strides):
            present, stride = int(there[i]), int(strides[i])
            shrank = present < int(segments["present"][i])
            code = DamageCode.FILE_SHRANK if shrank else DamageCode.BUFFER_CUT
            why = "the file became shorter while it was read" if shrank else "the file ends inside this buffer"
            self._spoil(int(segments["buffer"][i]), code, f"{why}: {present:,} of {stride:,} bytes are there")
        begin = start + np.minimum(HEADER_BYTES, there)
        segments["begin"] = segments["position"] = begin
        segments["end"] = np.maximum(begin, np.minimum(segments["end"], start + there))

    def _unpack(self) -> None:
        """Decompress the buffers that were read, and begin their segments anew."""
        segments = self.segments
        body = self._believed(np.clip(segments["valid"] - HEADER_BYTES, 0, MAX_BUFFER_SIZE))
        room = (body + _ALIGN) & ~_ALIGN
        at = np.cumsum(room) - room
        self.arena.reserve(int(room.sum()))
        spans = np.stack([segments["begin"], segments["end"], at, at + body], axis=1)
        results = self._decompress(np.ascontiguousarray(spans))
        for i in np.flatnonzero((results[:, 0] != xpress.WHOLE) | (results[:, 1] != body)):
            row = int(segments["buffer"][i])
            if row not in self._spoilt:
                text = f"the buffer is damaged: {_UNPACKING[int(results[i, 0])]}"
                self._spoil(row, DamageCode.COMPRESSION_CORRUPT, text)
        segments["begin"] = segments["position"] = at
        segments["end"] = at + results[:, 1]
        segments["offset"] -= HEADER_BYTES
        segments["packed"] = 1

    def _believed(self, body: I64) -> I64:
        """Bytes that each buffer says it unpacks to, 0 for one that says too much."""
        beyond = body > _MOST_RATIO * (self.segments["end"] - self.segments["begin"])
        if not beyond.any():
            return body
        told = self._beyond + np.cumsum(np.where(beyond, body, 0))
        refused = beyond & (told > _MOST_BEYOND)
        for row in self.segments["buffer"][refused].tolist():
            text = f"the buffer says that it unpacks to more than {_MOST_RATIO} times its size, as too many did before"
            self._spoil(row, DamageCode.COMPRESSION_CORRUPT, text)
        self._beyond = int(told[-1])
        return np.where(refused, 0, body)

    def _decompress(self, spans: I64) -> I64:
        """(Status, bytes) of each buffer; where there are more threads, all take what is left until nothing is."""
        results = np.zeros((len(spans), 2), np.int64)
        if self._compression != Compression.XPRESS and self._compression in Compression.__members__.values():
            name = Compression(self._compression).name.replace("_", "-")
            text = f"the buffer is compressed with {name}, which Poolscope does not read; only plain XPRESS is"
            for row in self.segments["buffer"].tolist():
                self._spoil(row, DamageCode.COMPRESSION_UNSUPPORTED, text)
            return results
        step = max(1, len(spans) // (_SHARES * self._helpers))
        left = [slice(at, at + step) for at in range(0, len(spans), step)]

        def take() -> None:
            while left:
                try:
                    share = left.pop()
                except IndexError:  # another thread was faster
                    return
                xpress.decompress(self._scratch.words.bytes1, self.arena.words.bytes1, spans[share], results[share])

        wanted = range(min(self._helpers, len(left) - 1))
        helped = [] if self._pool is None else [self._pool.submit(take) for _ in wanted]
        take()
        for each in helped:
            each.result()
        return results

    def _spoil(self, row: int, code: DamageCode, text: str) -> None:
        """Remember why a buffer is not whole; its damage is written when it was walked."""
        self._spoilt[row] = (code, text)

    def settle(self, notable: int) -> None:
        """After the walk: write down what is wrong with the buffers; ``notable`` of them it found wanting."""
        if not notable and not self._spoilt:
            return
        bad = (self.segments["state"] != walk.DONE) | (self.segments["backward"] > 0) | (self.segments["swallowed"] > 0)
        bad |= np.isin(self.segments["buffer"], list(self._spoilt))
        for i in np.flatnonzero(bad):
            self._describe_damage(self.segments[i])

    def _describe_damage(self, segment: np.void) -> None:
        offset, skipped = int(self._buffers["offset"][segment["buffer"]]), int(segment["skipped"])
        cause = self._spoilt.pop(int(segment["buffer"]), None)
        if segment["swallowed"]:
            inside = skipped if segment["packed"] else int(segment["swallowed"])
            at = _place(segment, int(segment["swallower"]), offset)
            self._note(Damage(at, DamageCode.PAYLOAD_LONG, _LONG, inside))
            skipped -= inside
        if cause is not None:
            self._note(Damage(offset, *cause, skipped))
        elif int(segment["state"]) in _ENDINGS:
            code, text = _ENDINGS[int(segment["state"])]
            at = _place(segment, int(segment["position"]), offset)
            self._note(Damage(at, code, f"{text}; the rest of the buffer was left out", skipped))
        if segment["backward"]:
            text = f"{int(segment['backward']):,} records were logged at an earlier time than the record before them"
            self._note(Damage(offset, DamageCode.TIME_BACKWARD, text, 0))

    def _note(self, damage: Damage) -> None:
        if len(self.damage) < MAX_DAMAGE:
            self.damage.append(damage)
