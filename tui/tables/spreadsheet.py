"""CSV of which a spreadsheet reads every cell as what it says."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tui.safe_text import safe
from tui.tables.export_values import Value

_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet takes for the start of a formula, also in their full-width forms (OWASP, CSV injection)."""


_AT_ONCE: Final = 1 << 16
"""Characters that are gathered before they are passed on."""


def csv_pieces(names: Sequence[str], rows: Iterable[Sequence[Value]], *, delimiter: str = ",") -> Iterator[str]:
    """A heading and a line for each row (RFC 4180), some lines at a time."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(map(csv_cell, names))
    for row in rows:
        writer.writerow(map(csv_cell, row))
        if text.tell() > _AT_ONCE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def csv_cell(value: Value) -> str | int | float:
    """A cell that no spreadsheet takes for a formula and no terminal for a control sequence."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    shown = safe(value.strip())
    return f"'{shown}" if unicodedata.normalize("NFKC", shown[:1]).startswith(_FORMULA) else shown
