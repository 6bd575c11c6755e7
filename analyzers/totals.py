"""Outstanding allocations added up by process and by driver."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analyzers.factorize import sums
from analyzers.pool_tables import GroupRow, Outstanding, SiteTable
from analyzers.processes import KnowsLives, lives_at
from tracer.columns import UNKNOWN_ID


def by_process(outstanding: Outstanding, names: KnowsLives) -> tuple[GroupRow, ...]:
    """Outstanding allocations by process, largest first. One row for each life of an id; one for unknown processes."""
    lives, rows = lives_at(names, outstanding.process, outstanding.time_ns)
    counts, totals = np.bincount(rows, minlength=len(lives)), sums(rows, outstanding.size, len(lives))
    return _ranked(
        GroupRow(life.name if life.id != UNKNOWN_ID else "", life.id, int(count), int(total))
        for life, count, total in zip(lives, counts, totals, strict=True)
        if count
    )


def by_driver(sites: SiteTable) -> tuple[GroupRow, ...]:
    """Outstanding allocations by driver, largest first; those without a known driver are a row without a name."""
    totals: dict[str, list[int]] = {}
    rows = zip(sites.driver, sites.outstanding_count.tolist(), sites.outstanding_bytes.tolist(), strict=True)
    for driver, count, size in rows:
        if count:
            total = totals.setdefault(driver, [0, 0])
            total[0] += count
            total[1] += size
    return _ranked(GroupRow(driver, 0, count, size) for driver, (count, size) in totals.items())


def _ranked(rows: Iterable[GroupRow]) -> tuple[GroupRow, ...]:
    """Largest first; ties by name and id, so that the same trace always gives the same report."""
    return tuple(sorted(rows, key=lambda row: (-row.bytes, -row.count, row.name, row.id)))
