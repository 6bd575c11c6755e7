"""A table as a file that a program reads: CSV, one JSON object a line, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from tracer.errors import MachineError
from tui.exports.tables import ColumnType, ExportTable, TableColumn
from tui.tables.spreadsheet import csv_cell

if TYPE_CHECKING:
    import pyarrow as pa

SQL_EXTRA: Final = "python -m pip install 'poolscope[sql]'"
"""What brings duckdb and pyarrow."""


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


def arrow_table(table: ExportTable, *, coded: bool = False) -> pa.Table:
    """The same for Arrow: a ``pyarrow.Table``; ``coded``: texts as codes of a dictionary.

    Raises MachineError where pyarrow is not installed.
    """
    arrow = _pyarrow()
    return arrow.table({column.name: _arrow(arrow, column, coded=coded) for column in table.columns})


def _pyarrow() -> ModuleType:
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise MachineError(
            "no-pyarrow",
            "pyarrow is not installed",
            where="this Python",
            why="Parquet and SQL need it, and nothing else does",
            next=SQL_EXTRA,
        ) from error


def _arrow(arrow: ModuleType, column: TableColumn, *, coded: bool) -> pa.Array:
    types = {
        ColumnType.INTEGER: arrow.int64(),
        ColumnType.ADDRESS: arrow.uint64(),
        ColumnType.FLAG: arrow.bool_(),
        ColumnType.REAL: arrow.float64(),
    }
    if column.type is not ColumnType.TEXT:
        return arrow.array(column.values, types[column.type], mask=column.missing)
    words = arrow.array(column.words, arrow.string())
    codes = arrow.array(column.values, arrow.int32(), mask=column.missing)
    if coded:
        return arrow.DictionaryArray.from_arrays(codes, words)
    return words.take(codes) if column.words else arrow.nulls(len(column.values), arrow.string())
