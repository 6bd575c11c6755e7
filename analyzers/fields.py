"""Payload columns that mean the same in several versions of an event."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tracer.columns import BlobColumn, EventTable

_Number = TypeVar("_Number", bound=np.generic)


def merged(table: EventTable, *names: str, dtype: type[_Number]) -> npt.NDArray[_Number]:
    """Row by row the first of the named columns that is there and not 0; a version that lacks a field has 0 in it."""
    result = np.zeros(len(table), dtype)
    for name in reversed(names):
        column = table.fields.get(name)
        if column is not None and not isinstance(column, BlobColumn):
            result = np.where(column != column.dtype.type(0), column, result).astype(dtype)
    return result
