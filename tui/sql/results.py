"""A query's answer in the forms that it can have. Addresses are hexadecimal text, except in Parquet."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len

from tui.exports.arrow_files import parquet_pieces
from tui.findings.markdown import escaped
from tui.json_documents.writing import address as address_text
from tui.safe_text import safe
from tui.tables.spreadsheet import csv_pieces

if TYPE_CHECKING:
    import duckdb

_AT_ONCE: Final = 8192
_SHOWN: Final = 1000
"""Rows of the form for people; a program asks for another form."""
_WIDEST: Final = 100
"""Characters of a cell there."""
_NUMBERS: Final = ("BIGINT", "HUGEINT", "INT", "DOUBLE", "FLOAT", "DECIMAL")
_CSV_HAS: Final = (str, int, float, type(None))
_ADDRESS: Final = "UBIGINT"
"""The type of addresses, and in these tables of nothing else."""


def _rows(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Its rows; addresses as text."""
    places = [at for at, kind in enumerate(_types(answer)) if kind == _ADDRESS]
    while rows := answer.fetchmany(_AT_ONCE):
        for row in rows:
            cells = list(row)
            for at in places:
                cells[at] = None if row[at] is None else address_text(row[at])
            yield tuple(cells)


def _names(answer: duckdb.DuckDBPyConnection) -> list[str]:
    return [column[0] for column in answer.description or ()]


def _types(answer: duckdb.DuckDBPyConnection) -> list[str]:
    return [str(column[1]) for column in answer.description or ()]


def table_lines(answer: duckdb.DuckDBPyConnection, cells: int | None = None) -> Iterator[bytes]:
    """Aligned columns for a person, at most a thousand rows; how many rows there are in the last line.

    ``cells``: the width that there is; columns that do not fit are named in the last line.
    """
    rows = _rows(answer)
    shown = [[_cell(value) for value in row] for row in islice(rows, _SHOWN)]
    more = sum(1 for _ in rows)
    names = [safe(name) for name in _names(answer)]
    right = [kind.startswith(_NUMBERS) for kind in _types(answer)]
    wide = [max(map(cell_len, cells)) for cells in zip(names, *shown, strict=True)]
    fit = len(wide) if cells is None else max(1, sum(end <= cells + 2 for end in accumulate(w + 2 for w in wide)))
    for line in (names, ["-" * width for width in wide], *shown):
        padded = [_padded(cell, width, right=at) for cell, width, at in zip(line, wide, right, strict=True)]
        yield f"{'  '.join(padded[:fit]).rstrip()}\n".encode()
    count = f"{len(shown) + more:,} row{'s' * (len(shown) + more != 1)}"
    cut = f"; the first {_SHOWN:,} are shown, --to FILE.csv has all" if more else ""
    left = f"; no room for {', '.join(names[fit:])}" if fit < len(names) else ""
    yield f"({count}{cut}{left})\n".encode()


def _cell(value: object) -> str:
    text = "" if value is None else safe(_word(value)) if _word(value) else ""
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(_plain(value), ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def csv_lines(answer: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    """RFC 4180 with a heading."""
    rows = ([each if isinstance(each, _CSV_HAS) else _word(each) for each in row] for row in _rows(answer))
    return (piece.encode() for piece in csv_pieces(_names(answer), rows))


def json_lines(answer: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    """One JSON object a line."""
    names = _names(answer)
    for row in _rows(answer):
        cells = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        yield f"{json.dumps(cells, allow_nan=False)}\n".encode()


def _plain(value: object) -> object:
    """What JSON has; what it lacks as text, and a number that is none as nothing."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case _:
            return str(value)


def markdown_lines(answer: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    """A table of Markdown (GitHub's)."""
    marks = ["---:" if kind.startswith(_NUMBERS) else "---" for kind in _types(answer)]
    for cells in (_names(answer), marks):
        yield f"| {' | '.join(map(_marked_down, cells))} |\n".encode()
    for row in _rows(answer):
        yield f"| {' | '.join('' if value is None else _marked_down(_word(value)) for value in row)} |\n".encode()


def _marked_down(text: str) -> str:
    return escaped(safe(text)) if text else ""


def parquet(answer: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    """Parquet, as many rows at a time as are told at once elsewhere; addresses are unsigned 64-bit numbers."""
    with warnings.catch_warnings():  # it advises a relation, which would run where a Ctrl-C does not end it
        warnings.simplefilter("ignore", UserWarning)
        reader: Any = answer.to_arrow_reader(_AT_ONCE * 8)
    return parquet_pieces(reader.schema, reader)


FORMATS: Final[Mapping[str, Callable[[duckdb.DuckDBPyConnection], Iterator[bytes]]]] = {
    "table": table_lines,
    "csv": csv_lines,
    "json": json_lines,
    "parquet": parquet,
    "markdown": markdown_lines,
}
