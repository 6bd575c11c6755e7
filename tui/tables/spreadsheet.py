"""Cells that a spreadsheet reads as what they say."""

from __future__ import annotations

import unicodedata
from typing import Final

from tui.safe_text import safe
from tui.tables.export_values import Value

_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet takes for the start of a formula, also in their full-width forms (OWASP, CSV injection)."""


def csv_cell(value: Value) -> str | int | float:
    """A cell that no spreadsheet takes for a formula and no terminal for a control sequence."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    shown = safe(value.strip())
    return f"'{shown}" if unicodedata.normalize("NFKC", shown[:1]).startswith(_FORMULA) else shown
