"""Cuts the records of several CPUs into buffers and writes them, as a session does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from benchmarks.records import TIME_WORD, WORD, Records
from fixtures.etl.buffers import HEADER_SIZE, Buffer, buffer_bytes
from fixtures.etl.options import TraceOptions
from tracer.etl.headers import BufferFlag, BufferType

Full = tuple[int, int, bytes]
"""A full buffer: raw time of its last record, CPU, records."""


class CpuStream:
    """The records of one CPU that are not in a buffer yet."""

    def __init__(self, cpu: int, buffer_size: int) -> None:
        self._cpu = cpu
        self._capacity = (buffer_size - HEADER_SIZE) // WORD
        self._words = np.empty(0, np.uint64)
        self._ends = np.empty(0, np.int64)

    def add(self, records: Records) -> None:
        """These follow."""
        self._ends = np.concatenate((self._ends, records.ends + len(self._words)))
        self._words = np.concatenate((self._words, records.words))

    def full_buffers(self) -> list[Full]:
        """Take what fills buffers; the rest stays."""
        out: list[Full] = []
        done = taken = 0
        while len(self._words) - done > self._capacity:
            fit = int(np.searchsorted(self._ends, done + self._capacity, "right"))
            out.append(self._cut(done, fit))
            done, taken = int(self._ends[fit - 1]), fit
        self._words = self._words[done:]
        self._ends = self._ends[taken:] - done
        return out

    def last_buffer(self) -> list[Full]:
        """What is left, as one buffer or none."""
        return [self._cut(0, len(self._ends))] if len(self._ends) else []

    def _cut(self, begin: int, fit: int) -> Full:
        last = int(self._ends[fit - 2]) if fit > 1 and self._ends[fit - 2] >= begin else begin
        return int(self._words[last + TIME_WORD]), self._cpu, self._words[begin : int(self._ends[fit - 1])].tobytes()


class BufferWriter:
    """Writes buffers one after the other; ``written`` counts them, the header buffer included."""

    def __init__(self, file: BinaryIO, options: TraceOptions) -> None:
        self.written = 1
        self._file = file
        self._options = options

    def write_header(self, record: bytes) -> None:
        """The first buffer of the file, with its one record; written again when the session ends."""
        flag = BufferFlag.PROCESSOR_INDEX | BufferFlag.FLUSH_MARKER
        header = Buffer(0, bytearray(record), flag=flag, type=BufferType.HEADER)
        self._file.seek(0)
        self._file.write(buffer_bytes(header, self._options))

    def write(self, full: Iterable[Full]) -> None:
        """These buffers, in the order in which they filled."""
        for time, cpu, body in sorted(full):
            buffer = Buffer(cpu, bytearray(body), flushed=time, sequence=self.written)
            self._file.write(buffer_bytes(buffer, self._options))
            self.written += 1
