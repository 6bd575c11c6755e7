"""What stays the same about the rows of a table when another one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

from tracer.arrays import I64
from tui.tables.order import Keys, coded, same_order


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """``of``: what a row is known by. ``keys``: the same of all rows as one array, for tables too long to ask."""

    of: Callable[[int], Hashable] = int
    keys: Keys | None = None

    def only(self, row: int) -> Identity:
        """Of one row, which is row 0 then; the table need not be kept for it."""
        known = self.of(row)
        return Identity(lambda _: known, None if self.keys is None else self.keys[row : row + 1].copy())

    def row_in(self, other: Identity, row: int, length: int) -> int | None:
        """Where a row is in another table of ``length`` rows; ``None`` where it is not there."""
        if other.keys is not None and self.keys is not None:
            places = np.flatnonzero(other.keys == self.keys[row])
            return int(places[0]) if len(places) else None
        kept = self.of(row)
        likely = range(row, min(row + 1, length))  # often nothing came before it
        return next((at for rows in (likely, range(length)) for at in rows if other.of(at) == kept), None)

    def order_in(self, other: Identity, rows: I64, length: int) -> I64:
        """The rows of another table of ``length`` rows in the order of ``rows``, new ones last."""
        if other.keys is not None and self.keys is not None:
            return same_order(self.keys[rows], other.keys)
        return same_order(*coded(self.of, rows, other.of, length))
