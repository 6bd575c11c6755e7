"""CSV of which a spreadsheet reads every cell as what it says."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tui.safe_text import safe
from tui.tables.export_values import Value

_BEGINS_FORMULA: Final = re.compile(
    r"(^|;\s*)(?=[=\u207c\u208c\ufe66\uff1d\u2a75\u2a76+\u207a\u208a\ufb29\ufe62\uff0b\-\ufe63\uff0d@\ufe6b\uff20])"
)
"""Where a spreadsheet takes what follows for a formula (OWASP, "CSV Injection"): at =, + - and @ in any form (NFKC)
where a cell begins, and behind a semicolon, which parts cells on a Windows whose numbers have a decimal comma."""


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
    return _BEGINS_FORMULA.sub(r"\1'", safe(value.strip()))
