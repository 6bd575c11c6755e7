"""The text report of ``poolscope analyze``."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from analyzers.snapshot import Snapshot
from tui.report.pool import has_pool_events, ledger_lines, selection_lines, who_lines
from tui.report.recording import HOW_TO_RECORD, NO_POOL_EVENTS
from tui.report.stacks import stack_lines
from tui.report.styles import heading, warning
from tui.report.table import table_lines
from tui.report.trace import missing_lines, origin_lines, simulated_lines
from tui.report.wrapping import wrapped
from tui.selection import Filters
from tui.tables.columns import Rows
from tui.tables.groups import driver_table, process_table
from tui.tables.model import TableModel, TableView
from tui.tables.tags import tag_table


def analysis_report(snapshot: Snapshot, filters: Filters, *, top: int, width: int) -> list[Text]:
    """The whole report: each table with its ``top`` first rows, fitted to ``width`` cells.

    ``snapshot`` is already narrowed to the filters; they are told again here.
    """
    lines = simulated_lines(snapshot.info) + origin_lines(snapshot.info)
    lines += missing_lines(snapshot.info, snapshot.loss, snapshot.damage, partial=snapshot.partial)
    totals = snapshot.pool.totals
    if not has_pool_events(totals):
        return [*wrapped(lines, width), Text(), warning(NO_POOL_EVENTS), *map(Text, HOW_TO_RECORD)]
    lines += [Text(), *ledger_lines(totals), *selection_lines(filters, snapshot.pool)]
    return [*wrapped(lines, width), *_tables(snapshot, top, width), *_stacks(snapshot, top)]


def _tables(snapshot: Snapshot, top: int, width: int) -> list[Text]:
    held = np.flatnonzero(snapshot.pool.tags.outstanding_count)
    lines = [Text(), heading("Outstanding by tag"), *_table(tag_table(snapshot), top, width, len(held))]
    lines += [Text(), heading("By process"), *_table(process_table(snapshot), top, width)]
    lines += wrapped(who_lines(snapshot.pool.outstanding), width)
    return [*lines, Text(), heading("By driver"), *_table(driver_table(snapshot), top, width)]


def _table(model: TableModel, top: int, width: int, rows: int | None = None) -> list[Text]:
    """Most bytes first; ``rows`` leaves out what comes after as many (rows that hold nothing)."""
    view = TableView(model, "bytes", descending=True)
    view.order = view.order[:rows]
    return table_lines(view, width, top) if len(view) else [Text("  (nothing is outstanding)")]


def _stacks(snapshot: Snapshot, top: int) -> list[Text]:
    sites = snapshot.pool.sites
    order = np.argsort(-sites.outstanding_bytes, kind="stable")
    held: Rows = order[sites.outstanding_count[order] > 0].astype(np.int64)
    if not len(held):
        return []
    return [Text(), heading("Allocated at"), *stack_lines(snapshot, held[:top])]
