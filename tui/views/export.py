"""A view's rows as a file for other programs, or as text for people."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from rich.cells import cell_len

from tracer.data_classes import dataclass
from tracer.whole_files import write_whole
from tui.findings.markdown import escaped
from tui.safe_text import safe
from tui.tables.export_values import Value
from tui.tables.fitting import GAP
from tui.tables.spreadsheet import csv_pieces
from tui.views.view import Table

AS_SHOWN: Final = ".txt"
MARKDOWN: Final = ".md"

_Values = Sequence[Value]


@dataclass(frozen=True, slots=True)
class _Form:
    """``write``: from names of columns and rows, lines with their ends. ``as_shown``: of texts, else of all digits."""

    write: Callable[[Sequence[str], Sequence[_Values]], Iterator[str]]
    as_shown: bool = False


def write_text(path: Path, made: Iterable[str]) -> None:
    """Write lines as they are made, all of them or none. Raises OSError."""
    write_whole(path, (line.encode() for line in made))


def lines(suffix: str, table: Table) -> Iterator[str]:
    """Headings and rows in one of the forms of ``SUFFIXES``, each line with its end."""
    return _FORMS[suffix].write(*table)


class LinesFile(io.BufferedIOBase):
    """Lines as a file that is read once, from its start: each is made when it is asked for."""

    def __init__(self, made: Iterator[str]) -> None:
        super().__init__()
        self._made = made
        self._rest = b""

    def seek(self, _offset: int, _whence: int = io.SEEK_SET, /) -> int:
        """Stay: textual goes to the start before it reads."""
        return 0

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, fewer at the end only."""
        pieces, has = [self._rest], len(self._rest)
        while size is None or size < 0 or has < size:
            line = next(self._made, "").encode()
            if not line:
                break
            pieces.append(line)
            has += len(line)
        whole = b"".join(pieces)
        given = whole if size is None or size < 0 else whole[:size]
        self._rest = whole[len(given) :]
        return given


def _separated(names: Sequence[str], rows: Sequence[_Values], *, by: str) -> Iterator[str]:
    return csv_pieces(names, map(rows.__getitem__, range(len(rows))), delimiter=by)


def _json(names: Sequence[str], rows: Sequence[_Values]) -> Iterator[str]:
    """One row a line."""
    yield f'{{"columns": {json.dumps([safe(name) for name in names])}, "rows": ['
    for at in range(len(rows)):
        yield f"{',' if at else ''}\n{json.dumps([_harmless(value) for value in rows[at]])}"
    yield "\n]}\n"


def _text(titles: Sequence[str], rows: Sequence[_Values]) -> Iterator[str]:
    """In columns, as wide as they must be."""
    lines = [list(map(_shown, titles)), *([_shown(value) for value in rows[at]] for at in range(len(rows)))]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True)]
        yield f"{(' ' * GAP).join(cells).rstrip()}\n"


def _markdown(titles: Sequence[str], rows: Sequence[_Values]) -> Iterator[str]:
    """A table as GitHub reads it."""
    yield _markdown_row(titles)
    yield _markdown_row(["---"] * len(titles))
    for at in range(len(rows)):
        yield _markdown_row(rows[at])


def _markdown_row(values: _Values) -> str:
    return f"| {' | '.join(escaped(_shown(value).strip()) for value in values)} |\n"


def _harmless(value: Value) -> Value:
    return safe(value.strip()) if isinstance(value, str) else value


def _shown(value: Value) -> str:
    """Set in as on the screen."""
    return "" if value is None else safe(str(value)).rstrip()


_FORMS: Final[Mapping[str, _Form]] = {
    ".csv": _Form(partial(_separated, by=",")),
    ".tsv": _Form(partial(_separated, by="\t")),
    ".json": _Form(_json),
    AS_SHOWN: _Form(_text, as_shown=True),
    MARKDOWN: _Form(_markdown, as_shown=True),
}
"""By suffix. A new form is a function above and one line here."""
SUFFIXES: Final = tuple(_FORMS)
FOR_PEOPLE: Final = tuple(suffix for suffix, form in _FORMS.items() if form.as_shown)
