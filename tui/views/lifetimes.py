"""What an interval of time selects: rows of what is outstanding, numbers of what was freed.

A snapshot keeps no row of an allocation that was freed. Histories tell by site and step how many were made and freed,
so that an interval counts in whole steps there, and of all processes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.pool_tables import I64, PoolSnapshot
from analyzers.quantities import duration
from analyzers.trends.history import SiteHistory
from tui.tables.coding import sums
from tui.views.scope import Interval, Lifetime, Scope

Mask = npt.NDArray[np.bool_]

FREED: Final = frozenset({Lifetime.INSIDE_FREED, Lifetime.BEFORE_FREED})
"""Kinds of which only numbers are known."""

_SAYS: Final = {
    Lifetime.INSIDE_KEPT: "Made inside the interval and outstanding at the end of the trace.",
    Lifetime.BEFORE_KEPT: "Made before the interval and outstanding at the end of the trace.",
    Lifetime.INSIDE_FREED: "Allocs and Frees: made inside the interval and freed by the end of the trace.",
    Lifetime.BEFORE_FREED: "Allocs and Frees: freed inside the interval and made before it, at least so many"
    " (exactly, if it reaches to the end of the trace).",
}


def made_then(pool: PoolSnapshot, interval: Interval) -> Mask:
    """By outstanding allocation: whether the interval selects it."""
    time = pool.outstanding.time_ns
    match interval.lifetime:
        case Lifetime.INSIDE_KEPT:
            return (time >= interval.from_ns) & (time < interval.to_ns)
        case Lifetime.BEFORE_KEPT:
            return np.asarray(time < interval.from_ns)
        case _:
            return np.zeros(len(time), np.bool_)


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


def counted_by(pool: PoolSnapshot, freed: I64) -> PoolSnapshot:
    """The pool with ``freed`` (by its sites), and what is outstanding of it, as all that was ever allocated."""
    sites = replace(pool.sites, allocations=freed + pool.sites.outstanding_count, frees=freed)
    tags, length = pool.tags, len(pool.tags.tag)
    by_tag = sums(sites.tag_row, freed, length)
    return replace(pool, sites=sites, tags=replace(tags, allocations=by_tag + tags.outstanding_count, frees=by_tag))


def interval_words(pool: PoolSnapshot, scope: Scope) -> str:
    """What the numbers mean inside an interval; empty without one."""
    if scope.interval is None:
        return ""
    said = _SAYS[scope.interval.lifetime]
    if scope.interval.lifetime not in FREED:
        return said
    step = duration(pool.history.step_ns)
    return f"{said} Single rows are not kept of what was freed; histories count it in steps of {step}, all processes."


def _steps(history: SiteHistory, interval: Interval) -> slice:
    """The steps that an interval touches."""
    return slice(max(interval.from_ns, 0) // history.step_ns, max(-(-interval.to_ns // history.step_ns), 0))
