"""A view's rows as a file for other programs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tui.safe_text import safe
from tui.views.view import Cells

SUFFIXES: Final = (".csv", ".json")

_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet takes for the start of a formula (OWASP, CSV injection)."""
_AMOUNT: Final = re.compile(r"[+-]\d[\d,]*(\.\d+)?( ?[A-Za-zµ%]{1,3})?")
"""Signed numbers with a unit: what this program writes itself."""


def write_rows(path: Path, headings: Cells, rows: Sequence[Cells]) -> None:
    """Write headings and rows to a file, as JSON or CSV by the name's end. Raises OSError."""
    write = _write_json if path.suffix.lower() == ".json" else _write_csv
    write(path, headings, rows)


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula and no terminal for a control sequence."""
    shown = safe(text.strip())
    is_formula = shown.startswith(_FORMULA) and not _AMOUNT.fullmatch(shown)
    return f"'{shown}" if is_formula else shown


def _write_csv(path: Path, headings: Cells, rows: Sequence[Cells]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([csv_cell(heading) for heading in headings])
        for at in range(len(rows)):
            writer.writerow([csv_cell(cell) for cell in rows[at]])


def _write_json(path: Path, headings: Cells, rows: Sequence[Cells]) -> None:
    """One row a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"columns": {json.dumps([safe(heading) for heading in headings])}, "rows": [')
        for at in range(len(rows)):
            file.write(f"{',' if at else ''}\n{json.dumps([safe(cell.strip()) for cell in rows[at]])}")
        file.write("\n]}\n")
