"""Part of a snapshot: some of its sites and outstanding allocations, and what is concluded of them.

Only what is outstanding is narrowed. Allocations, frees and peaks stay those of the whole trace:
a free is known by its tag alone, so no process or driver can be given its share of them.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from analyzers.findings import moved
from analyzers.grounds import Grounds
from analyzers.pool_tables import GroupRow, Outstanding, PoolSnapshot, SiteTable, TagTable
from analyzers.retention.attribution import Attribution
from analyzers.snapshot import Snapshot
from tui.filters import Filters
from tui.findings.narrowing import narrowed_diagnosis
from tui.histories import part_of
from tui.tables.coding import coded, sums

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Table = TypeVar("Table", Outstanding, SiteTable, TagTable)


def select(snapshot: Snapshot, filters: Filters) -> Snapshot:
    """The snapshot with its pool and its diagnosis narrowed to what the filters let through.

    The pool's totals stay the trace's.
    """
    if not filters:
        return snapshot
    pool = snapshot.pool
    sites = sites_let_through(pool, filters)
    allocations = sites[pool.outstanding.site]
    if filters.processes:
        allocations &= _of_processes(snapshot, filters)
    if filters.between is not None:
        begin, end = filters.between
        allocations &= (pool.outstanding.time_ns >= begin) & (pool.outstanding.time_ns < end)
    if filters.by_allocation:
        sites &= holding(pool, allocations)
    chosen = cut(snapshot, sites, allocations)
    return replace(chosen, diagnosis=narrowed_diagnosis(chosen.diagnosis, filters, pool.tags, chosen.pool.tags))


def cut(snapshot: Snapshot, sites: Mask, allocations: Mask) -> Snapshot:
    """The snapshot with some of its sites and outstanding allocations; all of these lie at those sites.

    Totals, requests, the retention graph and the diagnosis stay the trace's; a finding's rows are those that are left.
    """
    site_rows, rows = np.flatnonzero(sites), _stretch(np.flatnonzero(allocations))
    grounds = snapshot.grounds
    return replace(
        snapshot,
        pool=_narrowed(snapshot, site_rows, rows),
        diagnosis=moved(snapshot.diagnosis, _new_rows(allocations)),
        grounds=None if grounds is None else _narrowed_grounds(grounds, site_rows, rows),
    )


def holding(pool: PoolSnapshot, allocations: Mask) -> Mask:
    """By site: whether any of the given allocations lies there."""
    result: Mask = np.bincount(pool.outstanding.site[allocations], minlength=len(pool.sites.tag_row)) > 0
    return result


def sites_let_through(pool: PoolSnapshot, filters: Filters) -> Mask:
    """By site: whether the filters for tags and drivers let it through."""
    rows = pool.sites.tag_row
    of_tag = np.array(filters.fit_drivers(pool.tags.driver), np.bool_)
    of_site = np.array(filters.fit_drivers(pool.sites.driver), np.bool_)
    tags = np.array(filters.fit_tags(int(tag) for tag in pool.tags.tag), np.bool_)
    return tags[rows] & (of_site | of_tag[rows])


def _of_processes(snapshot: Snapshot, filters: Filters) -> Mask:
    processes = snapshot.pool.outstanding.process
    pids = [int(pid) for pid in np.unique(processes)]
    wanted = [pid for pid in pids if filters.fits_process(pid, snapshot.names.process(pid))]
    return np.isin(processes, np.array(wanted, processes.dtype))


def _stretch(rows: Rows) -> Rows | slice:
    """Rows that lie side by side, as those of an interval do, as a slice: taking that copies nothing."""
    if len(rows) and int(rows[-1]) - int(rows[0]) + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _narrowed(snapshot: Snapshot, sites: Rows, allocations: Rows | slice) -> PoolSnapshot:
    pool = snapshot.pool
    outstanding = _taken(pool.outstanding, allocations)
    outstanding = replace(outstanding, site=_places(sites, len(pool.sites.tag_row))[outstanding.site])
    tags = np.unique(pool.sites.tag_row[sites]).astype(np.int64)
    site_table = _site_table(pool.sites, sites, tags, outstanding)
    return replace(
        pool,
        tags=_tag_table(pool.tags, tags, site_table),
        sites=site_table,
        history=part_of(pool.history, sites),
        outstanding=outstanding,
        by_process=_by_process(snapshot, outstanding),
        by_driver=_by_driver(site_table),
    )


def _narrowed_grounds(grounds: Grounds, sites: Rows, allocations: Rows | slice) -> Grounds:
    found, retention = grounds.attribution, grounds.retention
    place = {site: row for row, site in enumerate(sites.tolist())}
    attribution = Attribution(
        found.request[allocations],
        found.socket[allocations],
        found.rule[allocations],
        tuple(replace(kind, site=place[kind.site]) for kind in found.kinds if kind.site in place),
    )
    retention = replace(retention, group_of=retention.group_of[allocations])
    return replace(grounds, attribution=attribution, retention=retention)


def _places(rows: Rows, length: int) -> npt.NDArray[np.int32]:
    """By row of the table before: its row among those that were taken, -1 for none."""
    place = np.full(length, -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    return place


def _taken(table: Table, rows: Rows | slice) -> Table:
    """Some rows of a table in columns."""
    columns: dict[str, Any] = {field.name: _rows_of(getattr(table, field.name), rows) for field in fields(table)}
    return replace(table, **columns)


def _rows_of(column: object, rows: Rows | slice) -> object:
    if isinstance(column, tuple):
        return column[rows] if isinstance(rows, slice) else tuple(map(column.__getitem__, rows.tolist()))
    return column[rows] if isinstance(column, np.ndarray) else column


def _new_rows(allocations: Mask) -> Rows:
    """By outstanding allocation: its row among those that are let through, -1 for none."""
    return np.where(allocations, np.cumsum(allocations) - 1, -1)


def _site_table(sites: SiteTable, rows: Rows, tags: Rows, outstanding: Outstanding) -> SiteTable:
    return replace(
        _taken(sites, rows),
        tag_row=np.searchsorted(tags, sites.tag_row[rows]).astype(np.int32),
        outstanding_count=np.bincount(outstanding.site, minlength=len(rows)).astype(np.int64),
        outstanding_bytes=sums(outstanding.site, outstanding.size, len(rows)),
    )


def _tag_table(tags: TagTable, rows: Rows, sites: SiteTable) -> TagTable:
    count = sums(sites.tag_row, sites.outstanding_count, len(rows))
    size = sums(sites.tag_row, sites.outstanding_bytes, len(rows))
    return replace(_taken(tags, rows), outstanding_count=count, outstanding_bytes=size)


def _by_process(snapshot: Snapshot, outstanding: Outstanding) -> tuple[GroupRow, ...]:
    pids, codes = coded(outstanding.process)
    size = sums(codes, outstanding.size, len(pids))
    count = np.bincount(codes, minlength=len(pids))
    rows = [
        GroupRow(snapshot.names.process(int(pid)), int(pid), int(count[i]), int(size[i])) for i, pid in enumerate(pids)
    ]
    return tuple(sorted(rows, key=lambda row: row.bytes, reverse=True))


def _by_driver(sites: SiteTable) -> tuple[GroupRow, ...]:
    names = sorted(set(sites.driver))
    place = {name: row for row, name in enumerate(names)}
    codes = np.fromiter(map(place.__getitem__, sites.driver), np.int64, len(sites.driver))
    count, size = sums(codes, sites.outstanding_count, len(names)), sums(codes, sites.outstanding_bytes, len(names))
    rows = [GroupRow(name, 0, int(count[i]), int(size[i])) for i, name in enumerate(names) if count[i]]
    return tuple(sorted(rows, key=lambda row: row.bytes, reverse=True))
