"""What of a file decides which others it belongs to: its session, its clock, and the time it covers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tracer.arrays import Structured
from tracer.data_classes import dataclass
from tracer.etl.file import EtlFile
from tracer.etl.headers import LogFileMode
from tracer.etl.heads import same_start
from tracer.etl.logfile import LogFile

_HEADER_BUFFER: Final = 0x1000
"""More valid bytes than these in the first buffer: it holds events, and not only the session's description."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One file. ``first``, ``last``: raw times between which its events lie; ``buffers``: its index."""

    path: Path
    bytes: int
    head: LogFile
    first: int
    last: int
    buffers: Structured

    @property
    def numbers(self) -> tuple[int, int]:
        """The least and greatest sequence number of its buffers, the header's left out; (0, 0) where it has none."""
        data = self.buffers["sequence"][1:]
        return (int(data.min()), int(data.max())) if len(data) else (0, 0)

    def seconds(self, ticks: int) -> float:
        """A duration of its clock."""
        return ticks / self.head.clock.frequency


def recording_of(file: EtlFile) -> Recording:
    """What the head and the index of an open file tell; no event is read."""
    head, buffers = file.head, file.index.buffers
    data = buffers[1:] if len(buffers) and int(buffers["valid"][0]) <= _HEADER_BUFFER else buffers
    first = int(data["first_time"].min()) if len(data) else head.clock.origin
    last = max(int(data["first_time"].max()) if len(data) else first, _stated_end(head, buffers))
    return Recording(file.path, file.info.bytes, head, first, max(first, last), buffers)


def _stated_end(head: LogFile, buffers: Structured) -> int:
    """When the session was closed, or else its last buffer was written; in relogged files that is told by no buffer."""
    if head.end:
        return head.clock.origin + head.clock.raw((head.end - head.start) * 100)
    return head.clock.origin if head.mode & LogFileMode.RELOG else int(buffers["flushed"].max(initial=0))


def is_copy(one: Recording, other: Recording) -> bool:
    """Whether all buffers of the shorter file are in the longer one: a copy, or one made while it was written."""
    if not same_start(one.head, other.head):
        return False
    short, long = sorted((one.buffers[1:], other.buffers[1:]), key=len)
    names = ["first_time", "sequence", "flushed", "valid", "cpu"]
    rows = {tuple(row) for row in long[names].tolist()}
    return bool(len(short)) and all(tuple(row) in rows for row in short[names].tolist())
