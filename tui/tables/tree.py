"""Rows that lie below other rows, in a table: their order, and the column that shows it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

import numpy as np

from tracer.arrays import I64, Mask, Numbers
from tracer.data_classes import dataclass
from tui.tables.columns import Heading

OPEN: Final = "-"
CLOSED: Final = "+"
LEAF: Final = " "
"""Marks before a row; they are also the keys that close and open it."""
_DEEPEST: Final = 12
"""Levels that are set in; what lies deeper stands below each other."""
_MEASURED: Final = 500
"""Rows by which the width is measured; deeper ones are not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """The tree of a model's rows, parents before children.

    ``parent``: row, -1 for none. ``level``: of a root 0. ``can_open``: rows that have others below them, ``is_open``:
    those below which these stand. ``key``: what a row is called from refresh to refresh.
    """

    parent: I64
    level: I64
    can_open: Mask
    is_open: Mask
    key: Callable[[int], Hashable]

    def arrange(self, order: I64) -> I64:
        """Rows in some order, so moved that each stands below its parent; among siblings the order counts."""
        if not len(order):
            return order
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        deepest = int(self.level.max())
        path = np.full((deepest + 1, len(order)), -1, np.int64)
        row = np.arange(len(order))
        for level in range(deepest, -1, -1):
            here = self.level[row] == level
            path[level, here] = rank[row[here]]
            row = np.where(here & (level > 0), self.parent[row], row)
        return np.lexsort(path[::-1]).astype(np.int64)

    def mark(self, row: int) -> str:
        """Whether a row can be opened or is open."""
        if not self.can_open[row]:
            return LEAF
        return OPEN if self.is_open[row] else CLOSED


@dataclass(frozen=True, slots=True, eq=False)
class TreeColumn:
    """Names of rows, set in by their level; ``name`` is asked only for rows that are looked at, and is harmless.

    ``full``: what ``name`` shortens.
    """

    heading: Heading
    branches: Branches
    name: Callable[[int], str]
    full: Callable[[int], str] | None = None

    def text(self, row: int) -> str:
        """Set in, marked, named."""
        level = min(int(self.branches.level[row]), _DEEPEST)
        return f"{'  ' * level}{self.branches.mark(row)} {self.name(row)}"

    def ranks(self) -> Numbers:
        """As the model has them."""
        return np.arange(len(self.branches.parent), dtype=np.int64)

    def width(self) -> int:
        """Of the widest among the first rows."""
        return max((len(self.text(row)) for row in range(min(len(self.branches.parent), _MEASURED))), default=0)

    def matches(self, needle: str) -> Mask | None:
        """The model finds rows by what lies below them."""
        del needle
        return None
