"""What a simulated benchmark trace opens with: the session's header, processes, threads and images."""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.records import POINTER_SIZE, WORD, Records, layout_of
from benchmarks.sites import IMAGE_SIZE, images, processes, threads
from fixtures.etl.logfile_header import logfile_record
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record, pack
from tracer.etl.headers import HeaderType
from tracer.events import image, process, thread
from tracer.events.encode import Value, encode
from tracer.trace import SIMULATED_SESSION

PROCESS_VERSION: Final = 4
THREAD_VERSION: Final = 3
IMAGE_VERSION: Final = 3


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
    ends = np.cumsum([len(record) for record in records]) // WORD
    return Records(np.frombuffer(b"".join(records), np.uint64), ends.astype(np.int64))


def _aligned(record: bytes) -> bytes:
    return record + bytes(-len(record) % WORD)
