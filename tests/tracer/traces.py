"""Reading a trace from beginning to end, and the small traces that the reader is tested with."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from tracer.columns import BlobColumn, EventTable
from tracer.errors import Damage, DamageCode
from tracer.etl.file import WINDOW_BYTES, EtlFile
from tracer.events.encode import encode
from tracer.events.layout import KernelId
from tracer.events.registry import layout_for
from tracer.stacks.table import StackTable
from tracer.trace import ByteCount, Census, Loss, TraceInfo

UNJITTED: Final = os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}
"""Kernels run as plain Python, a thousand times slower: property tests try fewer examples."""

Table = dict[str, "npt.NDArray[Any]"]


def examples(jitted: int) -> int:
    """How many examples a property is tried with."""
    return max(8, jitted // 8) if UNJITTED else jitted


@dataclass(frozen=True)
class Late:
    """One stack that came after its event's batch, and the greatest raw time of any earlier batch."""

    raw_time: int
    is_user: bool
    stack: int
    batch: int


@dataclass(frozen=True)
class Everything:
    """All that a trace gives. ``tables``: columns by kind, over all batches; a blob is an object column of bytes."""

    tables: dict[str, Table]
    late: list[Late]
    batches: int
    census: Census
    loss: Loss
    damage: tuple[Damage, ...]
    bytes: ByteCount
    info: TraceInfo
    stacks: StackTable

    def codes(self) -> set[DamageCode]:
        return {place.code for place in self.damage}


def unresolved(stacks: StackTable) -> int:
    """Keys that were referred to and whose frames have not come."""
    return int(np.count_nonzero(stacks.canonical(np.arange(len(stacks), dtype=np.int32)) < 0))


def read(
    path: Path, kinds: Collection[str] | None = None, *, window_bytes: int = WINDOW_BYTES, threads: int = 1
) -> Everything:
    """Read a whole trace; every number of the byte count must fit the file's size."""
    parts: dict[str, list[Table]] = {}
    late: list[Late] = []
    with EtlFile.open(path, window_bytes=window_bytes, threads=threads) as trace:
        batches = 0
        for batch in trace.batches(kinds):
            for kind, table in batch.tables.items():
                parts.setdefault(kind, []).append(_columns(table))
            found = batch.late_stacks
            rows = zip(found.raw_time.tolist(), found.is_user.tolist(), found.stack.tolist(), strict=True)
            late += [Late(*row, batches) for row in rows]
            batches += 1
        tables = {kind: _joined(found) for kind, found in parts.items()}
        count = trace.bytes
        assert count.headers + count.records + count.padding + count.skipped == path.stat().st_size
        return Everything(
            tables, late, batches, trace.census, trace.loss, trace.damage, count, trace.info, trace.stacks
        )


def _columns(table: EventTable) -> Table:
    columns = {name: getattr(table, name) for name in EventTable.COMMON}
    return columns | {f"field {name}": _plain(column) for name, column in table.fields.items()}


def _plain(column: npt.NDArray[Any] | BlobColumn) -> npt.NDArray[Any]:
    if not isinstance(column, BlobColumn):
        return column
    out = np.empty(len(column), object)
    for row in range(len(column)):
        out[row] = column.bytes(row)
    return out


def _joined(tables: list[Table]) -> Table:
    return {name: np.concatenate([table[name] for table in tables if name in table]) for name in tables[0]}


def write(path: Path, records: Iterable[Record], options: TraceOptions | None = None) -> bytes:
    """A trace file of these records; gives its bytes."""
    data = EtlWriter(TraceOptions(session="s", log_file="f") if options is None else options).write(records)
    path.write_bytes(data)
    return data


def kernel_payload(hook: int, pointer_size: int, values: dict[str, Any], version: int = 2) -> bytes:
    """The payload of a kernel event that has a layout."""
    layout = layout_for(KernelId(hook), version)
    assert layout is not None
    return encode(layout, pointer_size, values)


def buffer_offsets(data: bytes) -> list[int]:
    """Where each buffer of an undamaged trace begins."""
    offsets, at = [], 0
    while at + 72 <= len(data) and (stride := struct.unpack_from("<I", data, at)[0]):
        offsets.append(at)
        at += stride
    return offsets
