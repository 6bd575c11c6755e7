"""Event tables and call stacks made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tracer.columns import NO_STACK, UNKNOWN_ID, BlobColumn, Column, EventTable
from tracer.stacks.table import StackTable


def event_table(
    kind: str,
    event: Any,
    fields: Mapping[str, Column],
    *,
    time: Any,
    raw_time: Any = None,
    order: Any = None,
    cpu: Any = 0,
    thread: Any = UNKNOWN_ID,
    process: Any = UNKNOWN_ID,
    who: Any = 0,
    stack: Any = NO_STACK,
    user_stack: Any = NO_STACK,
) -> EventTable:
    """A table of as many events as there are times; other columns may be one value for all."""
    rows = len(time)

    def column(value: Any, dtype: type[np.generic]) -> npt.NDArray[Any]:
        return np.array(np.broadcast_to(np.asarray(value, dtype), rows))

    return EventTable(
        kind,
        column(time, np.int64),
        column(time if raw_time is None else raw_time, np.int64),
        column(np.arange(rows) if order is None else order, np.int64),
        column(cpu, np.uint16),
        column(thread, np.uint32),
        column(process, np.uint32),
        column(who, np.uint8),
        column(event, np.uint16),
        column(stack, np.int32),
        column(user_stack, np.int32),
        column(np.arange(rows) if order is None else order, np.int64) * 8,
        fields,
    )


def strings(values: Sequence[str], encoding: str) -> BlobColumn:
    """A column of strings."""
    data = [value.encode(encoding) for value in values]
    lengths = np.array([len(each) for each in data], np.int64)
    return BlobColumn(np.frombuffer(b"".join(data), np.uint8), np.cumsum(lengths) - lengths, lengths)


def stack_table(stacks: Sequence[Sequence[int]]) -> StackTable:
    """A table with these stacks under the ids 0, 1 and so on."""
    table = StackTable()
    lengths = [len(stack) for stack in stacks]
    table.arrays.lengths[: len(stacks)] = lengths
    table.arrays.starts[: len(stacks)] = np.cumsum(lengths) - lengths
    frames = np.array([frame for stack in stacks for frame in stack], np.uint64)
    table.arrays.frames[: len(frames)] = frames
    table.arrays.used[:] = len(stacks), len(frames)
    return table
