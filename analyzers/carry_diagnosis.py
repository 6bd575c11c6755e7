"""An earlier snapshot's conclusions, carried over to the pool of a later one.

Concluding takes longer than counting, so that not every snapshot of a followed trace has conclusions of its own. What
they say by outstanding allocation and by site is put in the rows of the later pool; what was allocated since then
belongs to nothing yet.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analyzers.diagnosis_context import DiagnosisContext
from analyzers.factorize import dated_keys, rows_of
from analyzers.findings import moved
from analyzers.pool_tables import Outstanding, PoolSnapshot
from analyzers.retention.attribution import Attribution, Rule
from analyzers.retention.graph import Retention
from analyzers.snapshot import Snapshot
from tracer.arrays import I64

_NOBODY = -1


def carry(concluded: Snapshot, later: Snapshot) -> Snapshot:
    """``later`` with the conclusions of the snapshot before it."""
    context, before, now = concluded.context, concluded.pool.outstanding, later.pool.outstanding
    diagnosis = concluded.diagnosis
    if diagnosis.findings or diagnosis.cleared:
        diagnosis = moved(diagnosis, _rows_in(before, now))
    if context is not None:
        rows = _rows_in(now, before)
        context = replace(
            context,
            attribution=_attribution(context, rows, concluded.pool, later.pool),
            retention=_retention(context.retention, rows),
        )
    return replace(later, diagnosis=diagnosis, context=context)


def _attribution(context: DiagnosisContext, rows: I64, before: PoolSnapshot, now: PoolSnapshot) -> Attribution:
    old = context.attribution
    site_now = {key: row for row, key in enumerate(_sites(now))}
    keys = _sites(before)
    kinds = [replace(kind, site=site_now[keys[kind.site]]) for kind in old.kinds if keys[kind.site] in site_now]
    return Attribution(
        request=np.where(rows < 0, _NOBODY, _taken(old.request, rows)).astype(np.int32),
        socket=np.where(rows < 0, _NOBODY, _taken(old.socket, rows)).astype(np.int32),
        rule=np.where(rows < 0, Rule.NONE, _taken(old.rule, rows)).astype(np.uint8),
        kinds=tuple(kinds),
    )


def _retention(old: Retention, rows: I64) -> Retention:
    return replace(old, group_of=np.where(rows < 0, _NOBODY, _taken(old.group_of, rows)).astype(np.int32))


def _taken(column: npt.NDArray[np.integer], rows: I64) -> npt.NDArray[np.integer]:
    """The column's values at the rows; -1 takes the last one, which the caller replaces."""
    return column[rows] if len(column) else np.full(len(rows), _NOBODY, np.int64)


def _sites(pool: PoolSnapshot) -> list[tuple[int, int]]:
    """What a site is known by from snapshot to snapshot: the tag's row, to which others are only added, and stack."""
    return list(zip(pool.sites.tag_row.tolist(), pool.sites.stack.tolist(), strict=True))


def _rows_in(these: Outstanding, among: Outstanding) -> I64:
    """int64 (these): the row of each allocation in the other table, -1 where it is not there."""
    if len(these) == len(among) and np.array_equal(these.address, among.address):
        return np.arange(len(these), dtype=np.int64)
    return rows_of(dated_keys(among.address, among.time_ns), dated_keys(these.address, these.time_ns))
