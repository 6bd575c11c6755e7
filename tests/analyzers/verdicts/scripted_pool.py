"""Traces of pool events that a test writes itself: images that come and go, allocations with their stacks, frees."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analyzers.findings import Finding
from analyzers.snapshot import Snapshot
from fixtures.etl.logfile_header import end_extension
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from tests.analyzers.against_truth import analysed
from tracer.etl.headers import HeaderType
from tracer.events import image, pool, stack
from tracer.events import thread as threads
from tracer.events.encode import Value, encode
from tracer.events.layout import KernelId
from tracer.events.registry import layout_for

NT: Final = 0xFFFFF80310000000
NETIO: Final = 0xFFFFF80320000000
TCPIP: Final = 0xFFFFF80330000000
FIRST: Final = 0xFFFFF80340000000
SECOND: Final = 0xFFFFF80350000000
THIRD: Final = 0xFFFFF80360000000
SIZE: Final = 0x10000
MS: Final = 1_000_000
"""Nanoseconds."""
POOL: Final = (NT + 0x2B10, NT + 0x3F22)
"""The pool's own frames, innermost first."""
KERNEL: Final = ((NT, "ntoskrnl.exe"), (NETIO, "NETIO.SYS"), (TCPIP, "tcpip.sys"))
_HOOKS: Final = {"load": image.LOAD, "unload": image.UNLOAD, "end": image.RUNDOWN_END, "start": image.RUNDOWN_START}


@dataclass
class PoolScript:
    """Events at times in nanoseconds since the start, in any order; all of thread 44 of process 40."""

    options: TraceOptions = field(default_factory=TraceOptions)
    _records: list[Record] = field(default_factory=list)
    _next: int = 0xFFFF9A8000001000
    _turn: int = 0

    def __post_init__(self) -> None:
        for base, name in KERNEL:
            self.image(0, "start", base, name)

    def image(self, at: int, what: str, base: int, name: str, process: int = 0, size: int = SIZE) -> None:
        """An image event: ``load``, ``unload``, or of the rundown at the ``start`` or ``end``."""
        values: dict[str, Value] = {"base": base, "size": size, "process": process, "file_name": f"\\drv\\{name}"}
        self._add(at, _HOOKS[what], values, HeaderType.SYSTEM64)

    def allocate(self, at: int, tag: bytes, frames: tuple[int, ...], user: tuple[int, ...] = ()) -> int:
        """An allocation; gives its address. Without frames it comes without a stack."""
        self._next += 0x100
        values: dict[str, Value] = {"type": 512, "tag": int.from_bytes(tag, "little"), "bytes": 96, "entry": self._next}
        record = self._add(at, pool.ALLOC, values)
        for part, later in ((frames, 1), (user, 2)):
            if part:
                stacked: dict[str, Value] = {"event_time": record.time, "process": 40, "thread": 44, "frames": part}
                self._add(at + later * 100, stack.STACK, stacked)
        return self._next

    def free(self, at: int, tag: bytes, address: int) -> None:
        """A free."""
        number = int.from_bytes(tag, "little")
        self._add(at, pool.FREE, {"type": 512, "tag": number, "bytes": 96, "entry": address})

    def thread(self, at: int, what: str, thread: int) -> None:
        """A thread of process 40 comes (``start``) or goes (``end``)."""
        hook = {"start": threads.START, "end": threads.END}[what]
        self._add(at, hook, {"process": 40, "thread": thread}, HeaderType.SYSTEM64)

    def come_and_go(self, count: int, tag: bytes, frames: tuple[int, ...], begin: int = 0, end: int = 2000) -> None:
        """Allocations between two milliseconds, each freed half a millisecond later."""
        for at in self._moments(count, begin, end):
            self.free(at + MS // 2, tag, self.allocate(at, tag, frames))

    def stay(self, count: int, tag: bytes, frames: tuple[int, ...], begin: int = 0, end: int = 2000) -> list[int]:
        """Allocations between two milliseconds that are never freed."""
        return [self.allocate(at, tag, frames) for at in self._moments(count, begin, end)]

    def analysed(self, path: Path, *, until: int = 2100) -> Snapshot:
        """What the analysis says of the trace, which goes on up to that millisecond."""
        self.come_and_go(40, b"Tick", POOL, 0, until)
        records = sorted(self._records, key=lambda record: record.time)
        records.append(end_extension(self.options, records[-1].time + 1))
        file = path / "trace.etl"
        file.write_bytes(EtlWriter(self.options).write_trace(records).data)
        return analysed(file)

    def _moments(self, count: int, begin: int, end: int) -> list[int]:
        """Evenly, and no two events at one time: their stacks would be mixed up."""
        self._turn += 1
        return [begin * MS + (end - begin) * MS * at // count + 13_000 + 1_100 * self._turn for at in range(count)]

    def _add(self, at: int, hook: int, values: dict[str, Value], header: HeaderType = HeaderType.PERFINFO64) -> Record:
        version = 3 if hook in {pool.ALLOC, pool.FREE} and layout_for(KernelId(hook), 3) else 2
        layout = layout_for(KernelId(hook), version)
        assert layout is not None, hook
        time = self.options.start_ticks + self.options.ticks(at) + 10
        record = Record(header, time, encode(layout, 8, values), 0, 44, 40, hook=hook, version=version)
        self._records.append(record)
        return record


def of_tag(snapshot: Snapshot, tag: bytes) -> list[Finding]:
    """The findings about a tag."""
    return [each for each in snapshot.diagnosis.findings if each.tag == int.from_bytes(tag, "little")]
