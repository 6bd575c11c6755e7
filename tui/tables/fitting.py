"""How columns share a line that may be too short for all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui.tables.columns import ChangeColumn, Column, LabelColumn, NumberColumn

GAP: Final = 2
"""Cells between two columns."""
_NAME: Final = 32
"""Cells that a name gets before what is less important is left out for the rest of it: an image name, an id, and a
thread fit in."""
_SOME: Final = 12
"""Cells on which a name says more than nothing: the second column takes them where its minimum has no room."""
_FIRST: Final = 4
"""Columns that a narrow line should show before it shows names in full: who, how much, what, how sure."""
_NOTHING: Final = ("", "-")
_ID: Final = re.compile(r" \(\d+\)$")


def fit(columns: Sequence[Column], width: int, measured: Mapping[str, int] | None = None) -> list[tuple[Column, int]]:
    """The columns that a line of ``width`` cells has room for, in their order, with their widths.

    Columns that tell nothing take no room. The others come by ``Heading.drop``, lowest first, each as wide as
    it needs but long names no wider than :data:`_NAME`, until one has no room. Where these are fewer than
    :data:`_FIRST` names give way, down to their smallest widths. A wider line never shows fewer columns. What is
    left over widens those that need more, the most important first. ``measured``: what :func:`natural_widths` gives.
    """
    natural = natural_widths(columns) if measured is None else measured
    kept = [column for column in columns if column.heading.key in natural]
    by_need = sorted(kept, key=lambda column: column.heading.drop)
    least = [_smallest(column, natural[column.heading.key]) for column in by_need]
    usual = [
        natural[column.heading.key] if column.heading.right else min(natural[column.heading.key], max(_NAME, small))
        for column, small in zip(by_need, least, strict=True)
    ]
    many, few = _that_fit(usual, width), min(_that_fit(least, width), _FIRST)
    chosen = usual[:many] if many >= few else least[:few]
    chosen = chosen or least[:1]
    rest = width - _total(chosen) - GAP
    if len(chosen) == 1 < len(by_need) and not by_need[1].heading.right and rest >= _SOME:
        chosen = [*chosen, rest]
    widths = {column.heading.key: wide for column, wide in zip(by_need, chosen, strict=False)}
    spare = width - _total(list(widths.values()))
    for column in by_need[: len(widths)]:
        more = min(max(spare, 0), natural[column.heading.key] - widths[column.heading.key])
        widths[column.heading.key] += more
        spare -= more
    return [(column, widths[column.heading.key]) for column in kept if column.heading.key in widths]


def _that_fit(widths: Sequence[int], width: int) -> int:
    """How many of the first columns have room."""
    return sum(total <= width for total in accumulate((wide + GAP for wide in widths), initial=-GAP)) - 1


def natural_widths(columns: Sequence[Column]) -> dict[str, int]:
    """By key the cells that a column needs, of those that are shown where there is room. It reads many cells."""
    kept = [column for column in columns if _tells(column)] or columns
    return {column.heading.key: natural_width(column) for column in kept}


def _tells(column: Column) -> bool:
    """Whether any of its cells holds more than a dash; changes may come with the next refresh, and keep their place."""
    if isinstance(column, ChangeColumn):
        return True
    if isinstance(column, NumberColumn) and len(column.values):
        first = column.values[0]
        return column.text(0) not in _NOTHING or bool((column.values != first).any())
    return not isinstance(column, LabelColumn) or any(label not in _NOTHING for label in column.labels)


def wanted_width(natural: Mapping[str, int]) -> int:
    """Cells of a line on which every column stands in full."""
    return _total(list(natural.values()))


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
