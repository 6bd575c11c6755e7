"""Part of a snapshot: some of its sites and outstanding allocations, and what was concluded of them.

Only what is outstanding is narrowed. Allocations, frees and peaks stay those of the whole trace:
a free is known by its tag alone, so no process or driver can be given its share of them.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.factorize import sums
from analyzers.findings import moved
from analyzers.pool_tables import Outstanding, PoolSnapshot, SiteTable, TagTable
from analyzers.retention.attribution import Attribution
from analyzers.selection.histories import part_of
from analyzers.snapshot import Snapshot
from analyzers.totals import by_driver, by_process
from tracer.arrays import I32, I64, Mask, unique

Table = TypeVar("Table", Outstanding, SiteTable, TagTable)


def cut(snapshot: Snapshot, sites: Mask, allocations: Mask) -> Snapshot:
    """The snapshot with some of its sites and outstanding allocations; all of these lie at those sites.

    Totals and their intervals, requests, the retention graph and the diagnosis stay the trace's; a finding's rows are
    those that are left.
    """
    site_rows, rows = np.flatnonzero(sites), _stretch(np.flatnonzero(allocations))
    context = snapshot.context
    return replace(
        snapshot,
        pool=_narrowed(snapshot, site_rows, rows),
        diagnosis=moved(snapshot.diagnosis, _new_rows(allocations)),
        context=None if context is None else _narrowed_context(context, site_rows, rows),
        bounds=lambda: None if (whole := snapshot.bounds()) is None else whole.overall,
    )


def holding(pool: PoolSnapshot, allocations: Mask) -> Mask:
    """By site: whether any of the given allocations lies there."""
    result: Mask = np.bincount(pool.outstanding.site[allocations], minlength=len(pool.sites.tag_row)) > 0
    return result


def _stretch(rows: I64) -> I64 | slice:
    """Rows that lie side by side, as those of an interval do, as a slice: taking that copies nothing."""
    if len(rows) and int(rows[-1]) - int(rows[0]) + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _narrowed(snapshot: Snapshot, sites: I64, allocations: I64 | slice) -> PoolSnapshot:
    pool = snapshot.pool
    outstanding = _taken(pool.outstanding, allocations)
    outstanding = replace(outstanding, site=_places(sites, len(pool.sites.tag_row))[outstanding.site])
    tags = unique(pool.sites.tag_row[sites]).astype(np.int64)
    site_table = _site_table(pool.sites, sites, tags, outstanding)
    return replace(
        pool,
        tags=_tag_table(pool.tags, tags, site_table),
        sites=site_table,
        history=part_of(pool.history, sites),
        outstanding=outstanding,
        by_process=by_process(outstanding, snapshot.names),
        by_driver=by_driver(site_table),
    )


def _narrowed_context(context: DiagnosisContext, sites: I64, allocations: I64 | slice) -> DiagnosisContext:
    found, retention = context.attribution, context.retention
    place = {site: row for row, site in enumerate(sites.tolist())}
    attribution = Attribution(
        found.request[allocations],
        found.socket[allocations],
        found.rule[allocations],
        tuple(replace(kind, site=place[kind.site]) for kind in found.kinds if kind.site in place),
    )
    retention = replace(retention, group_of=retention.group_of[allocations])
    return replace(context, attribution=attribution, retention=retention)


def _places(rows: I64, length: int) -> I32:
    """By row of the table before: its row among those that were taken, -1 for none."""
    place = np.full(length, -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    return place


def _taken(table: Table, rows: I64 | slice) -> Table:
    """Some rows of a table in columns."""
    columns: dict[str, Any] = {field.name: _rows_of(getattr(table, field.name), rows) for field in fields(table)}
    return replace(table, **columns)


def _rows_of(column: object, rows: I64 | slice) -> object:
    if isinstance(column, tuple):
        return column[rows] if isinstance(rows, slice) else tuple(map(column.__getitem__, rows.tolist()))
    return column[rows] if isinstance(column, np.ndarray) else column


def _new_rows(allocations: Mask) -> I64:
    """By outstanding allocation: its row among those that are let through, -1 for none."""
    return np.where(allocations, np.cumsum(allocations) - 1, -1)


def _site_table(sites: SiteTable, rows: I64, tags: I64, outstanding: Outstanding) -> SiteTable:
    return replace(
        _taken(sites, rows),
        tag_row=np.searchsorted(tags, sites.tag_row[rows]).astype(np.int32),
        outstanding_count=np.bincount(outstanding.site, minlength=len(rows)).astype(np.int64),
        outstanding_bytes=sums(outstanding.site, outstanding.size, len(rows)),
    )


def _tag_table(tags: TagTable, rows: I64, sites: SiteTable) -> TagTable:
    count = sums(sites.tag_row, sites.outstanding_count, len(rows))
    size = sums(sites.tag_row, sites.outstanding_bytes, len(rows))
    return replace(_taken(tags, rows), outstanding_count=count, outstanding_bytes=size)
