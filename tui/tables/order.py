"""In which order rows stand."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tracer.arrays import I64, Numbers
from tracer.data_classes import dataclass
from tui.tables.columns import Column

Keys: TypeAlias = npt.NDArray[Any]
"""What stays the same about each row from refresh to refresh, as something that numpy can sort."""


def sorted_rows(column: Column, *, descending: bool) -> I64:
    """Stable both ways: rows that compare equal keep the model's order."""
    ranks = _narrow(column.ranks())
    if not descending:
        return np.argsort(ranks, kind="stable").astype(np.int64)
    return (len(ranks) - 1 - np.argsort(ranks[::-1], kind="stable"))[::-1].astype(np.int64)


def _narrow(ranks: Numbers) -> Numbers:
    """The same order in 16 bits where they are enough: numpy then sorts by radix, many times faster."""
    if not len(ranks) or ranks.dtype.itemsize <= np.dtype(np.uint16).itemsize:
        return ranks
    low, high = ranks.min(), ranks.max()
    if int(high) - int(low) > np.iinfo(np.uint16).max:
        return ranks
    narrow: Numbers = (ranks - low).astype(np.uint16)
    return narrow


def same_order(before: Keys, keys: Keys) -> I64:
    """The rows with these keys in the order in which the same keys stood ``before``, new ones last."""
    if not len(before):
        return np.arange(len(keys), dtype=np.int64)
    old_rows, new_rows = np.argsort(before, kind="stable"), np.argsort(keys, kind="stable")
    old, new = before[old_rows], keys[new_rows]
    places = np.minimum(np.searchsorted(old, new), len(old) - 1)  # both in order: many times faster than by chance
    is_known = old[places] == new
    at_place = np.full(len(before), -1, np.int64)
    at_place[old_rows[places[is_known]]] = new_rows[is_known]
    kept = at_place[at_place >= 0]
    is_kept = np.zeros(len(keys), np.bool_)
    is_kept[kept] = True
    return np.concatenate((kept, np.flatnonzero(~is_kept))).astype(np.int64)


def coded(
    old: Callable[[int], Hashable], old_rows: I64, new: Callable[[int], Hashable], length: int
) -> tuple[Keys, Keys]:
    """Numbers in place of identities that numpy cannot sort: of the old rows as listed, and of all new ones."""
    codes: dict[Hashable, int] = {}
    before = [codes.setdefault(old(int(row)), len(codes)) for row in old_rows]
    now = [codes.setdefault(new(row), len(codes)) for row in range(length)]
    return np.array(before, np.int64), np.array(now, np.int64)


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
