"""What happened after a mark: counts of then taken from counts of now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzers.factorize import rows_of
from analyzers.loss_bounds import no_bounds
from analyzers.pool_tables import PoolSnapshot
from analyzers.snapshot import Snapshot
from tracer.arrays import I64, U64
from tracer.data_classes import dataclass

_STACK_BITS = np.uint64(31)
"""A stack's id is below 2^31, and a tag with its kind of pool takes 33 bits."""


def counted_since(now: Snapshot, then: Snapshot) -> Snapshot:
    """``now``, with the allocations and frees of its tags and sites that came after ``then``; the rest is as it was."""
    pool, before = now.pool, then.pool
    tag_rows, site_rows = rows_of(_tags(before), _tags(pool)), rows_of(_sites(before), _sites(pool))
    tags = replace(
        pool.tags,
        allocations=_since(pool.tags.allocations, before.tags.allocations, tag_rows),
        frees=_since(pool.tags.frees, before.tags.frees, tag_rows),
    )
    sites = replace(
        pool.sites,
        allocations=_since(pool.sites.allocations, before.sites.allocations, site_rows),
        allocated_bytes=_since(pool.sites.allocated_bytes, before.sites.allocated_bytes, site_rows),
        frees=_since(pool.sites.frees, before.sites.frees, site_rows),
    )
    return replace(now, pool=replace(pool, tags=tags, sites=sites), bounds=no_bounds)


@dataclass(frozen=True, slots=True)
class TotalsSince:
    """``kept``, ``kept_bytes``: made since and still there. ``grown_bytes``: of all that is outstanding."""

    allocations: int
    frees: int
    kept: int
    kept_bytes: int
    grown_bytes: int


def totals_since(now: Snapshot, then: Snapshot) -> TotalsSince:
    """What the header says of the time after a mark."""
    totals, before, out = now.pool.totals, then.pool.totals, now.pool.outstanding
    is_new = out.time_ns >= then.at_ns
    return TotalsSince(
        totals.allocations - before.allocations,
        totals.frees - before.frees,
        int(is_new.sum()),
        int(out.size[is_new].sum(dtype=np.uint64)),
        totals.outstanding_bytes - before.outstanding_bytes,
    )


def _tags(pool: PoolSnapshot) -> U64:
    return pool.tags.tag.astype(np.uint64) << np.uint64(1) | pool.tags.paged.astype(np.uint64)


def _sites(pool: PoolSnapshot) -> U64:
    """Tag, kind of pool and stack of each site as one number."""
    stack = (pool.sites.stack.astype(np.int64) + 1).astype(np.uint64)
    return _tags(pool)[pool.sites.tag_row] << _STACK_BITS | stack


def _since(now: I64, before: I64, rows: I64) -> I64:
    return np.asarray(now - np.append(before, 0)[rows], np.int64)  # -1, for none, is the last
