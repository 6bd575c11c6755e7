"""Histories of some sites, taken from those of all only where somebody asks: they are most of a snapshot's bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analyzers.trends.history import GroupHistory, SiteHistory
from tracer.arrays import I32, I64


def part_of(history: SiteHistory, rows: I64) -> SiteHistory:
    """The histories of some rows."""
    if isinstance(history, _Part):
        return history.narrower(rows)
    if len(rows) == len(history.allocations):
        return history
    return _Part(history, rows)


class _Part(SiteHistory):
    """Has nothing of its own but which rows it is about; every column is taken when it is read."""

    __slots__ = ("_rows", "_whole")

    def __init__(self, whole: SiteHistory, rows: I64) -> None:
        object.__setattr__(self, "_whole", whole)
        object.__setattr__(self, "_rows", rows)

    _whole: SiteHistory
    _rows: I64

    def narrower(self, rows: I64) -> SiteHistory:
        """A part of the part."""
        return part_of(self._whole, self._rows[rows])

    @property
    def allocations(self) -> I32:
        return self._whole.allocations[self._rows]

    @property
    def frees(self) -> I32:
        return self._whole.frees[self._rows]

    @property
    def bytes(self) -> I64:
        return self._whole.bytes[self._rows]

    @property
    def survivors(self) -> I32:
        return self._whole.survivors[self._rows]

    @property
    def survivor_bytes(self) -> I64:
        return self._whole.survivor_bytes[self._rows]

    @property
    def lifetimes(self) -> I32:
        return self._whole.lifetimes[self._rows]

    @property
    def unmatched(self) -> I32:
        return self._whole.unmatched

    @property
    def step_ns(self) -> int:
        return self._whole.step_ns

    @property
    def used(self) -> int:
        return self._whole.used

    def rows(self, rows: npt.NDArray[np.integer]) -> GroupHistory:
        return self._whole.rows(self._rows[rows])
