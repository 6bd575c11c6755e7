"""How fast each tag's outstanding bytes grow, over the last seconds or the last minute."""

from __future__ import annotations

from collections import deque
from dataclasses import field
from enum import StrEnum
from typing import Final

import numpy as np

from analyzers.factorize import rows_of
from analyzers.pool_tables import TagTable
from analyzers.snapshot import Snapshot
from tracer.arrays import I64
from tracer.data_classes import dataclass

_SECOND: Final = 1_000_000_000
_SPACING_NS: Final = _SECOND
"""Moments are kept so far apart: sixty of them in the longest stretch."""


class Per(StrEnum):
    """What a rate is told by."""

    SECOND = "second"
    MINUTE = "minute"

    @property
    def heading(self) -> str:
        """The column's title."""
        return f"Per {self.value}"

    @property
    def nanoseconds(self) -> int:
        """How long it is."""
        return _SECOND if self is Per.SECOND else 60 * _SECOND

    @property
    def over_ns(self) -> int:
        """The stretch over which it is measured: a rate per second over ten of them, so that it can be read."""
        return 10 * _SECOND if self is Per.SECOND else 60 * _SECOND

    @property
    def least_ns(self) -> int:
        """A shorter stretch is too short for a rate."""
        return self.over_ns // 10


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    at_ns: int
    keys: I64
    bytes: I64

    def bytes_of(self, keys: I64) -> I64:
        """By key: what it had then; 0 where it was not there."""
        return np.asarray(np.append(self.bytes, 0)[rows_of(self.keys, keys)])


@dataclass(slots=True, eq=False)
class TagRates:
    """The outstanding bytes of every tag, now and at moments of the last minute."""

    _now: _Moment | None = None
    _past: deque[_Moment] = field(default_factory=deque)

    def take(self, snapshot: Snapshot) -> None:
        """The next moment; one from before the last begins anew."""
        if self._now is not None and snapshot.at_ns < self._now.at_ns:
            self._past.clear()
        tags = snapshot.pool.tags
        self._now = _Moment(snapshot.at_ns, tag_keys(tags), tags.outstanding_bytes)
        if not self._past or snapshot.at_ns - self._past[-1].at_ns >= _SPACING_NS:
            self._past.append(self._now)
        while len(self._past) > 1 and self._past[1].at_ns <= snapshot.at_ns - Per.MINUTE.over_ns:
            self._past.popleft()

    def of(self, tags: TagTable, per: Per) -> I64:
        """By tag: bytes per second or minute that it has grown by of late; 0 where too little time has passed."""
        now, since, keys = self._now, self._since(per), tag_keys(tags)
        if now is None or since is None:
            return np.zeros(len(keys), np.int64)
        grown = now.bytes_of(keys) - since.bytes_of(keys)
        return np.asarray(np.rint(grown * (per.nanoseconds / (now.at_ns - since.at_ns))), np.int64)

    def _since(self, per: Per) -> _Moment | None:
        """The last moment at least as old as the stretch, else the first; ``None`` where it is too young."""
        if self._now is None:
            return None
        at_ns = self._now.at_ns
        old = [one for one in self._past if one.at_ns <= at_ns - per.over_ns]
        since = old[-1] if old else self._past[0]
        return since if at_ns - since.at_ns >= per.least_ns else None


def tag_keys(tags: TagTable) -> I64:
    """By row: tag and kind of pool as one number."""
    return np.asarray(tags.tag.astype(np.int64) << 1 | tags.paged, np.int64)
