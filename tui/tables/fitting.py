"""How columns share a line that may be too short for all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui.tables.columns import Column, LabelColumn

GAP: Final = 2
"""Cells between two columns."""
_ID: Final = re.compile(r" \(\d+\)$")


def fit(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that a line of ``width`` cells has room for, in their order, with their widths.

    Columns of names that name nothing take no room. The others leave by ``Heading.drop``, highest first, until the
    smallest widths of the rest fit; what is left over then widens those that need more, the most important first.
    """
    kept = [column for column in columns if not isinstance(column, LabelColumn) or column.width()] or list(columns)
    natural = {column.heading.key: natural_width(column) for column in columns}  # measured once: it reads many cells
    smallest = {column.heading.key: _smallest(column, natural[column.heading.key]) for column in columns}
    while len(kept) > 1 and _total([smallest[column.heading.key] for column in kept]) > width:
        kept.remove(max(kept, key=lambda column: column.heading.drop))
    widths = {column.heading.key: smallest[column.heading.key] for column in kept}
    spare = width - _total(list(widths.values()))
    for column in sorted(kept, key=lambda column: column.heading.drop):
        more = min(max(spare, 0), natural[column.heading.key] - widths[column.heading.key])
        widths[column.heading.key] += more
        spare -= more
    return [(column, widths[column.heading.key]) for column in kept]


def natural_width(column: Column) -> int:
    """Cells that the widest of heading and cells needs."""
    return max(column.width(), cell_len(column.heading.title) + 1)  # one more for the sort arrow


def _smallest(column: Column, natural: int) -> int:
    if column.heading.right:
        return natural  # a number cut short is a wrong number
    return min(natural, column.heading.minimum)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def cell(text: str, width: int, *, right: bool, mark: str = "…") -> str:
    """``text`` in exactly ``width`` cells; where it is cut off stands ``mark``.

    An id in brackets at its end stays, where there is room for it: a number cut short is a wrong number.
    """
    if cell_len(text) > width:
        found = _ID.search(text)
        end = mark + found.group() if found is not None else mark
        if len(end) >= width:
            end = mark
        return set_cell_size(set_cell_size(text, max(width - len(end), 0)) + end, width)
    blank = " " * (width - cell_len(text))
    return blank + text if right else text + blank
