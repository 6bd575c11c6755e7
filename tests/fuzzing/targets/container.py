"""The container alone: every table of every kind, by declared layouts and by those that the trace carries."""

from __future__ import annotations

import numpy as np

from tests.fuzzing.scratch import written
from tests.fuzzing.small_traces import packed_traces, plain_traces
from tests.fuzzing.target import Target, insist
from tests.fuzzing.trace_parts import mutated
from tests.fuzzing.typed import complaint
from tracer.columns import BlobColumn, EventTable
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tracer.events.schemas import PROVIDER


def check(data: bytes) -> None:
    try:
        with EtlFile.open(written(data), threads=1) as trace:
            _check_reading(trace, len(data))
    except InputError as error:
        complaint(error)
        insist(error.where and error.why, f"{error!r} does not say where and why")


def _check_reading(trace: EtlFile, size: int) -> None:
    records = 0
    for batch in trace.batches():
        insist(0 <= batch.bytes_read <= size and batch.records >= records, "progress goes back")
        records = batch.records
        for kind, table in batch.tables.items():
            _check_table(kind, table, size)
    census, count = trace.census, trace.bytes
    insist(census.total == records == sum(census.by_header.values()), f"{census.total} records, {records} on the way")
    insist(min(count.headers, count.records, count.padding, count.skipped) >= 0, f"{count}")
    insist(
        sum((count.headers, count.records, count.padding, count.skipped)) == trace.info.bytes <= size,
        f"{count} of {size}",
    )
    insist(
        all(0 <= place.offset <= size and place.what and place.bytes_skipped >= 0 for place in trace.damage), "damage"
    )
    insist(all(gap.from_ns <= gap.to_ns for gap in trace.loss.gaps), "a gap ends before it begins")
    insist(trace.sessions >= 1 and trace.last_ns >= 0, "no session")
    if PROVIDER in census.providers:
        book = trace.carried_schemas()
        for batch in trace.batches({layout.kind for layout in book.layouts}, book):
            for kind, table in batch.tables.items():
                _check_table(kind, table, size)
        again = trace.census  # it tells of the versions of more events, as it has layouts of more
        same = again.total == census.total and again.by_header == census.by_header
        insist(same and again.providers == census.providers, "another reading counts other records")


def _check_table(kind: str, table: EventTable, size: int) -> None:
    rows = len(table)
    insist(rows > 0 and table.kind == kind, f"an empty table {kind}")
    insist(all(len(getattr(table, name)) == rows for name in EventTable.COMMON), f"columns of {kind} of other lengths")
    insist(bool((np.diff(table.order) > 0).all()), f"{kind} is out of order")
    insist(bool((table.offset >= 0).all() and (table.offset < size).all()), f"{kind} lies outside of the file")
    for name, column in table.fields.items():
        insist(len(column) == rows, f"{kind}.{name} has {len(column)} rows of {rows}")
        if isinstance(column, BlobColumn):
            ends = column.start + column.length
            insist(
                bool((column.length >= 0).all() and (ends <= len(column.data)).all()), f"{kind}.{name} is out of bounds"
            )


TARGET = Target(check, lambda: (*plain_traces(), *packed_traces()), mutated, 300)
