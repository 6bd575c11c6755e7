"""A table as text that a program reads: CSV, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tui.exports.tables import ExportTable
from tui.tables.spreadsheet import csv_pieces


def csv_lines(table: ExportTable) -> Iterator[bytes]:
    """RFC 4180 with a heading; addresses as hexadecimal text, since programs disagree about numbers above 2⁶³."""
    return (piece.encode() for piece in csv_pieces([column.name for column in table.columns], table.rows()))


def ndjson(table: ExportTable) -> Iterator[bytes]:
    """One JSON object a line; addresses as hexadecimal text."""
    names = [column.name for column in table.columns]
    for row in table.rows():
        yield f"{json.dumps(dict(zip(names, row, strict=True)), allow_nan=False)}\n".encode()
