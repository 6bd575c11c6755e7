"""The tables of processes and of drivers that hold outstanding allocations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzers.pool_tables import GroupRow
from analyzers.quantities import number, size
from analyzers.snapshot import Snapshot
from tui.tables.columns import Heading, NumberColumn, labels_of
from tui.tables.model import TableModel
from tui.tables.words import named_process


def process_table(snapshot: Snapshot) -> TableModel:
    """One row per process."""
    rows = snapshot.pool.by_process
    return _group_table("Process", rows, [named_process(row.name, row.id) for row in rows])


def driver_table(snapshot: Snapshot) -> TableModel:
    """One row per driver."""
    rows = snapshot.pool.by_driver
    return _group_table("Driver", rows, [row.name or "(driver not known)" for row in rows])


def _group_table(title: str, rows: Sequence[GroupRow], names: Sequence[str]) -> TableModel:
    count = np.array([row.count for row in rows], np.int64)
    held = np.array([row.bytes for row in rows], np.int64)
    columns = (
        NumberColumn(Heading("outstanding", "Outst", "d", right=True, most_first=True), count, number),
        NumberColumn(Heading("bytes", "Bytes", "b", right=True, most_first=True), held, size),
        labels_of(Heading("name", title, "t", 12), names),
    )
    return TableModel(columns, len(rows))
