"""Records by kind, as dissect.etl counts them: on traces that stay well formed, and that it reads to their end.

dissect.etl is AGPL-licensed: it is installed with the extra ``bench``, and nothing of the product imports it.
"""

from __future__ import annotations

import io
from collections import Counter

from tests.fuzzing.scratch import written
from tests.fuzzing.small_traces import plain_traces
from tests.fuzzing.target import Target, insist
from tests.fuzzing.trace_parts import well_formed
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tracer.etl.headers import HeaderType


def check(data: bytes) -> None:
    if (theirs := _theirs(data)) is None:
        return
    try:
        with EtlFile.open(written(data), threads=1) as trace:
            trace.scan()
            if trace.damage or trace.sessions > 1:
                return
            ours = dict(trace.census.by_header)
    except InputError:
        return
    insist(ours == theirs, f"{ours} records, dissect.etl has {theirs}")


def _theirs(data: bytes) -> dict[str, int] | None:
    """Records by header; ``None`` where it stops before the end."""
    from dissect.etl import ETL

    counts: Counter[str] = Counter()
    try:
        trace = ETL(io.BytesIO(data))
        if trace.logfile_header.buffers_written * trace.buffer_size != len(data):
            return None
        for buffer in trace.buffers():
            for record in buffer:
                counts[HeaderType(record.header.marker.header_type).name] += 1
    except Exception:
        return None
    return dict(counts)


TARGET = Target(check, plain_traces, well_formed, 50, needs="dissect.etl")
