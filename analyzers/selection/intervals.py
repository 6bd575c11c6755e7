"""What an interval of time selects: rows of what is outstanding, numbers of what was freed.

A snapshot keeps no row of an allocation that was freed. Histories tell by site and step how many were made and freed,
so that an interval counts in whole steps there, and of all processes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analyzers.factorize import sums
from analyzers.selection.query import Interval, Lifetime
from analyzers.snapshot import Snapshot
from analyzers.trends.history import SiteHistory
from tracer.arrays import I64, Mask

FREED: Final = frozenset({Lifetime.INSIDE_FREED, Lifetime.BEFORE_FREED})
"""Kinds of which only numbers are known."""


def made_then(times: I64, interval: Interval) -> Mask:
    """By the time when something was made that is still there: whether the interval selects it."""
    match interval.lifetime:
        case Lifetime.INSIDE_KEPT:
            return (times >= interval.from_ns) & (times < interval.to_ns)
        case Lifetime.BEFORE_KEPT:
            return np.asarray(times < interval.from_ns)
        case _:
            return np.zeros(len(times), np.bool_)


def freed_of(history: SiteHistory, interval: Interval) -> I64:
    """int64 by site: how many allocations of a freed kind there are; 0 for the others.

    Of those freed inside, the ones made inside can only be told apart by what is freed of them at all: so many at most.
    """
    steps = _steps(history, interval)
    made = history.allocations[:, steps].sum(axis=1, dtype=np.int64)
    gone = made - history.survivors[:, steps].sum(axis=1, dtype=np.int64)
    match interval.lifetime:
        case Lifetime.INSIDE_FREED:
            return np.asarray(gone)
        case Lifetime.BEFORE_FREED:
            return np.asarray(np.maximum(history.frees[:, steps].sum(axis=1, dtype=np.int64) - gone, 0))
        case _:
            return np.zeros(len(made), np.int64)


def counted_inside(part: Snapshot, interval: Interval) -> Snapshot:
    """What the interval selected of a snapshot, with its freed kind and what is outstanding as all that was made."""
    pool = part.pool
    freed, sites, tags = freed_of(pool.history, interval), pool.sites, pool.tags
    by_tag = sums(sites.tag_row, freed, len(tags.tag))
    sites = replace(sites, allocations=freed + sites.outstanding_count, frees=freed)
    tags = replace(tags, allocations=by_tag + tags.outstanding_count, frees=by_tag)
    return replace(part, pool=replace(pool, sites=sites, tags=tags))


def _steps(history: SiteHistory, interval: Interval) -> slice:
    """The steps that an interval touches."""
    return slice(max(interval.from_ns, 0) // history.step_ns, max(-(-interval.to_ns // history.step_ns), 0))
