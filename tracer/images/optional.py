"""Columns that not every version of an event has: a batch has only those of the events in it."""

from __future__ import annotations

import numpy as np

from tracer.columns import BlobColumn, EventTable


def numbers(table: EventTable, name: str) -> list[int]:
    """A column; zeros where no event of the batch has it."""
    column = table.fields.get(name)
    return [0] * len(table) if column is None or isinstance(column, BlobColumn) else column.astype(np.uint64).tolist()


def blobs(table: EventTable, name: str) -> BlobColumn:
    """A column of byte strings; empty ones where no event of the batch has it."""
    column = table.fields.get(name)
    return column if isinstance(column, BlobColumn) else BlobColumn.empty(len(table))
