"""A table for Arrow, and as Parquet: written in pieces, so that not all of a file is in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import chain
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from tui.exports.extras import ARROW
from tui.exports.tables import ColumnType, ExportTable, TableColumn

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE: Final = 1 << 16
"""Rows of a piece, which is a row group of the file."""


def arrow_table(table: ExportTable, *, coded: bool = False) -> pa.Table:
    """A ``pyarrow.Table``; ``coded``: texts as codes of a dictionary. Raises MachineError where pyarrow is missing."""
    return ARROW.load().Table.from_batches(_batches(table, len(table), coded=coded))


def parquet(table: ExportTable) -> Iterator[bytes]:
    """Parquet; addresses as unsigned 64-bit numbers. Raises MachineError where pyarrow is not installed."""
    batches = _batches(table, _AT_ONCE)
    first = next(batches)
    return parquet_pieces(first.schema, chain((first,), batches))


def parquet_pieces(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """A Parquet file as it grows, a row group for each batch."""
    import pyarrow.parquet as pq

    grown = _Grown()
    with pq.ParquetWriter(grown, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield grown.taken()
    yield grown.taken()


class _Grown(io.RawIOBase):
    """A file of which the pieces are taken away as it grows."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Keep the bytes until they are taken."""
        self._pieces.append(bytes(data))
        self._length += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        """How many were written."""
        return self._length

    def taken(self) -> bytes:
        """What came since the last time."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


def _batches(table: ExportTable, at_once: int, *, coded: bool = False) -> Iterator[pa.RecordBatch]:
    """So many rows each; one without rows of a table that has none."""
    arrow = ARROW.load()
    names = [column.name for column in table.columns]
    parts = zip(*(_arrays(arrow, column, max(at_once, 1), coded=coded) for column in table.columns), strict=True)
    return (arrow.record_batch(list(arrays), names) for arrays in parts)


def _arrays(arrow: ModuleType, column: TableColumn, at_once: int, *, coded: bool) -> Iterator[pa.Array]:
    types = {
        ColumnType.INTEGER: arrow.int64(),
        ColumnType.ADDRESS: arrow.uint64(),
        ColumnType.FLAG: arrow.bool_(),
        ColumnType.REAL: arrow.float64(),
        ColumnType.TEXT: arrow.int32(),
    }
    words = arrow.array(column.words, arrow.string())
    for start in range(0, max(len(column.values), 1), at_once):
        part = slice(start, start + at_once)
        missing = None if column.missing is None else column.missing[part]
        made = arrow.array(column.values[part], types[column.type], mask=missing)
        if column.type is ColumnType.TEXT:
            made = arrow.DictionaryArray.from_arrays(made, words) if coded else words.take(made)
        yield made
