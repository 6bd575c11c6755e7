"""Outstanding allocations added up by process and by driver."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from analyzers.pool_tables import GroupRow, Outstanding, SiteTable
from analyzers.processes import Processes
from tracer.columns import UNKNOWN_ID
from tracer.jit import kernel


@kernel
def _add_up(
    rows: npt.NDArray[np.int32],
    sizes: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.int64],
    totals: npt.NDArray[np.int64],
) -> None:
    for i in range(rows.shape[0]):
        counts[rows[i]] += 1
        totals[rows[i]] += np.int64(sizes[i])


def by_process(outstanding: Outstanding, processes: Processes) -> tuple[GroupRow, ...]:
    """Largest first. Two processes that had one id in turn are two rows; what nobody is known for is one."""
    rows, lives = processes.lives_of(outstanding.process, outstanding.time_ns)
    counts, totals = np.zeros(len(lives), np.int64), np.zeros(len(lives), np.int64)
    _add_up(rows, outstanding.size, counts, totals)
    return _ranked(
        GroupRow(life.name if life.id != UNKNOWN_ID else "", life.id, int(count), int(total))
        for life, count, total in zip(lives, counts, totals, strict=True)
        if count
    )


def by_driver(sites: SiteTable) -> tuple[GroupRow, ...]:
    """Largest first; allocations without a known driver are a row without a name."""
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
