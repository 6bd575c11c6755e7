"""A table as a file that a program reads: CSV, one JSON object a line, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from tui.exports.extras import ARROW
from tui.exports.tables import ColumnType, ExportTable, TableColumn
from tui.tables.spreadsheet import csv_cell

if TYPE_CHECKING:
    import pyarrow as pa


def csv_lines(table: ExportTable) -> Iterator[bytes]:
    """RFC 4180 with a heading; addresses as hexadecimal text, since programs disagree about numbers above 2⁶³."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for row in table.rows():
        writer.writerow([csv_cell(_word(cell)) for cell in row])
        if text.tell() > 1 << 16:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _word(cell: str | int | float | bool | None) -> str | int | float | None:
    return str(cell).lower() if isinstance(cell, bool) else cell


def ndjson(table: ExportTable) -> Iterator[bytes]:
    """One JSON object a line; addresses as hexadecimal text."""
    names = [column.name for column in table.columns]
    for row in table.rows():
        yield f"{json.dumps(dict(zip(names, row, strict=True)), allow_nan=False)}\n".encode()


def parquet(table: ExportTable) -> Iterator[bytes]:
    """Parquet; addresses as unsigned 64-bit numbers. Raises MachineError where pyarrow is not installed."""
    made = arrow_table(table)
    import pyarrow.parquet as pq

    whole = io.BytesIO()
    pq.write_table(made, whole)
    yield whole.getbuffer().tobytes()


def arrow_table(table: ExportTable) -> pa.Table:
    """The same for Arrow: a ``pyarrow.Table``. Raises MachineError where pyarrow is not installed."""
    arrow = ARROW.load()
    return arrow.table({column.name: _arrow(arrow, column) for column in table.columns})


def _arrow(arrow: ModuleType, column: TableColumn) -> pa.Array:
    types = {
        ColumnType.INTEGER: arrow.int64(),
        ColumnType.ADDRESS: arrow.uint64(),
        ColumnType.FLAG: arrow.bool_(),
        ColumnType.REAL: arrow.float64(),
    }
    if column.type is not ColumnType.TEXT:
        return arrow.array(column.values, types[column.type], mask=column.missing)
    if not column.words:
        return arrow.nulls(len(column.values), arrow.string())
    codes = arrow.array(column.values, arrow.int32(), mask=column.missing)
    return arrow.array(column.words, arrow.string()).take(codes)
