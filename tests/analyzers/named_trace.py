"""A trace in which contosodev.sys of ``fixtures/named`` leaks, with the identity of its image.

Of ten contexts that it allocates, one is kept: that of a call through CtDispatch. The others go through DriverEntry.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from tests.tracer.symbols.named import DEBUG, FILE
from tests.tracer.traces import kernel_payload, write
from tracer.etl.headers import HeaderType
from tracer.events.encode import encode
from tracer.events.image import DEBUG_IDENTITY, IDENTITY, IMAGE_ID, RUNDOWN_START
from tracer.events.layout import ProviderId
from tracer.events.pool import ALLOC, FREE
from tracer.events.registry import layouts_for
from tracer.events.stack import STACK

NT, DRIVER = 0xFFFFF80310000000, 0xFFFFF80320000000
KEPT = [NT + 0x5010, DRIVER + 0x1065, DRIVER + 0x102B, DRIVER + 0x1084, NT + 0x7020]
FREED = [NT + 0x5010, DRIVER + 0x1065, DRIVER + 0x102B, DRIVER + 0x10BB, NT + 0x7020]
NAMED = ["contosodev!CtAllocateContext+0x15", "contosodev!CtProcessRequest+0x2b", "contosodev!CtDispatch+0x14"]
"""What debuggers call the driver's frames of what is kept."""
_START, _STEP = 1_000_000, 100_000
_TAG = int.from_bytes(b"Ctxt", "little")
_ROUNDS = 600
_PROCESS, _THREAD = 4, 88


def write_named(path: Path, *, identified: bool = True, stamp: int = FILE.time_date_stamp) -> Path:
    """``identified``: the identity is in it; ``stamp``: what the image's event has as its time stamp."""
    write(path, _records(identified=identified, stamp=stamp), TraceOptions(log_file="named.etl"))
    return path


def _records(*, identified: bool, stamp: int) -> Iterator[Record]:
    yield _image(r"\SystemRoot\system32\ntoskrnl.exe", NT, 0x800000, 0)
    yield _image(r"\SystemRoot\System32\drivers\contosodev.sys", DRIVER, FILE.size, stamp)
    if identified:
        told = {"size": FILE.size, "time_date_stamp": FILE.time_date_stamp, "file_name": FILE.name}
        yield _identity(IDENTITY, told)
        yield _identity(DEBUG_IDENTITY, {"signature": DEBUG.guid.bytes_le, "age": DEBUG.age, "pdb": DEBUG.name})
    for number in range(_ROUNDS):
        time, entry = _START + 10 + number * _STEP, 0xFFFFD00000001000 + number * 0x1000
        is_kept = number % 10 == 0
        yield _pool(ALLOC, time, entry)
        yield _stack(time, KEPT if is_kept else FREED)
        if not is_kept:
            yield _pool(FREE, time + _STEP // 2, entry)


def _image(name: str, base: int, size: int, stamp: int) -> Record:
    values: dict[str, Any] = {"base": base, "size": size, "process": 0, "time_date_stamp": stamp, "file_name": name}
    payload = kernel_payload(RUNDOWN_START, 8, values, 3)
    return Record(HeaderType.SYSTEM64, _START, payload, hook=RUNDOWN_START, version=3)


def _identity(opcode: int, told: dict[str, Any]) -> Record:
    layout = layouts_for(ProviderId(IMAGE_ID, opcode))[-1]
    payload = encode(layout, 8, {"base": DRIVER, "process": 0, **told})
    return Record(HeaderType.FULL64, _START, payload, provider=IMAGE_ID, opcode=opcode, version=layout.version)


def _pool(hook: int, time: int, entry: int) -> Record:
    payload = kernel_payload(hook, 8, {"type": 0x200, "tag": _TAG, "bytes": 256, "entry": entry})
    return Record(HeaderType.PERFINFO64, time, payload, hook=hook, version=2)


def _stack(time: int, frames: list[int]) -> Record:
    values: dict[str, Any] = {"event_time": time, "process": _PROCESS, "thread": _THREAD, "frames": frames}
    return Record(HeaderType.PERFINFO64, time + 1, kernel_payload(STACK, 8, values), hook=STACK, version=2)
