"""How long allocations of each tag live that are freed, over all traces that are compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import numpy as np

from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from analyzers.trends.bins import BINS, EDGES
from tracer.arrays import F64, I64
from tracer.data_classes import dataclass

TagKey: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lifetimes:
    """``longest``: nanoseconds within which all that were freed in any trace had died.

    ``rates``: float64 (BINS), how many were made a nanosecond that were freed after so long
    (:data:`~analyzers.trends.bins.EDGES`), of the time in which a trace could have seen that.
    """

    longest: int
    rates: F64

    def still_there(self, age_ns: int, duration_ns: int) -> float:
        """How many of those that will be freed are older than that at the end of a trace, on average."""
        beyond = np.minimum(np.maximum(EDGES[1:] - age_ns, 0), duration_ns - age_ns)
        return float(self.rates @ beyond)


NEVER_FREED: Final = Lifetimes(0, np.zeros(BINS))


def tag_key(snapshot: Snapshot, row: int) -> TagKey:
    """A tag of paged or nonpaged pool."""
    tags = snapshot.pool.tags
    return (tag_text(int(tags.tag[row])), "paged" if tags.paged[row] else "nonpaged")


def common_lifetimes(traces: Iterable[Snapshot]) -> dict[TagKey, Lifetimes]:
    """By tag, the same for all traces."""
    freed: dict[TagKey, I64] = {}
    seen = np.zeros(BINS)
    for snapshot in traces:
        seen += np.maximum(max(snapshot.at_ns, 1) - EDGES[:-1], 0)
        for key, lived in _freed(snapshot).items():
            freed[key] = freed[key] + lived if key in freed else lived
    return {key: Lifetimes(_longest(lived), lived / np.maximum(seen, 1)) for key, lived in freed.items()}


def _freed(snapshot: Snapshot) -> dict[TagKey, I64]:
    """By tag: how long those lived that were freed, as in :class:`~analyzers.trends.history.SiteHistory`."""
    pool = snapshot.pool
    found = np.zeros((len(pool.tags.tag), BINS), np.int64)
    np.add.at(found, pool.sites.tag_row, pool.history.lifetimes)
    return {tag_key(snapshot, row): found[row] for row in range(len(found))}


def _longest(lived: I64) -> int:
    bins = np.flatnonzero(lived)
    return int(EDGES[bins[-1] + 1]) if len(bins) else 0
