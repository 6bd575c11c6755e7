"""What a simulated benchmark trace opens with: the session's header, processes, threads and images."""

from __future__ import annotations

import uuid
from typing import Final

import numpy as np

from benchmarks.records import POINTER_SIZE, WORD, Records, layout_of
from benchmarks.sites import IMAGE_NAMES, IMAGE_SIZE, images, processes, threads
from fixtures.etl.logfile_header import logfile_record
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record, pack
from tracer.etl.headers import HeaderType
from tracer.events import image, process, thread
from tracer.events.encode import Value, encode
from tracer.events.layout import ProviderId
from tracer.events.registry import layouts_for
from tracer.images.headers import DebugFile
from tracer.trace import SIMULATED_SESSION

PROCESS_VERSION: Final = 4
THREAD_VERSION: Final = 3
IMAGE_VERSION: Final = 3
NAMED: Final = IMAGE_NAMES[0]
"""The image whose PDB file the trace tells: every stack begins in it."""
NAMED_DEBUG: Final = DebugFile(uuid.UUID("5349d0da-7ed0-4e4e-9c5e-62656e636821"), 1, "benchmark.pdb")


def trace_options(buffer_size: int, cpus: int, *, compressed: bool) -> TraceOptions:
    """The container of a benchmark trace; its session name says that it is simulated."""
    return TraceOptions(
        buffer_size=buffer_size,
        processors=cpus,
        session=f"{SIMULATED_SESSION} benchmark",
        log_file="benchmark.etl",
        compressed=compressed,
    )


def header_record(options: TraceOptions, buffers: int, end_ticks: int) -> bytes:
    """The first record of the file; ``end_ticks`` is the raw time at which the session ended."""
    return _aligned(pack(logfile_record(options, buffers=buffers, end_ticks=end_ticks, events_lost=0, buffers_lost=0)))


def rundown(time: int) -> Records:
    """Every process, thread and image, at one raw time on one CPU."""
    records: list[bytes] = []

    def add(hook: int, version: int, **values: Value) -> None:
        payload = encode(layout_of(hook, version), POINTER_SIZE, values)
        records.append(_aligned(pack(Record(HeaderType.SYSTEM64, time, payload, hook=hook, version=version))))

    for name, pid in processes():
        add(process.RUNDOWN_START, PROCESS_VERSION, process=pid, image_name=name)
    for tid, pid in threads().items():
        add(thread.RUNDOWN_START, THREAD_VERSION, process=pid, thread=tid)
    for name, base in images():
        path = f"\\SystemRoot\\System32\\drivers\\{name}"
        add(image.RUNDOWN_START, IMAGE_VERSION, base=base, size=IMAGE_SIZE, file_name=path)
    records += _identity(time, dict(images())[NAMED])
    ends = np.cumsum([len(record) for record in records]) // WORD
    return Records(np.frombuffer(b"".join(records), np.uint64), ends.astype(np.int64))


def _identity(time: int, base: int) -> list[bytes]:
    """The records that tell which PDB file belongs to the image at ``base``."""
    told: dict[int, dict[str, Value]] = {
        image.IDENTITY: {"size": IMAGE_SIZE, "file_name": NAMED},
        image.DEBUG_IDENTITY: {
            "signature": NAMED_DEBUG.guid.bytes_le,
            "age": NAMED_DEBUG.age,
            "pdb": NAMED_DEBUG.name,
        },
    }
    found: list[bytes] = []
    for opcode, values in told.items():
        layout = layouts_for(ProviderId(image.IMAGE_ID, opcode))[-1]
        payload = encode(layout, POINTER_SIZE, {"base": base, **values})
        record = Record(
            HeaderType.FULL64, time, payload, provider=image.IMAGE_ID, opcode=opcode, version=layout.version
        )
        found.append(_aligned(pack(record)))
    return found


def _aligned(record: bytes) -> bytes:
    return record + bytes(-len(record) % WORD)
