"""The text of what the pool's counters did."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from analyzers.counter_snapshot import before
from analyzers.formatting import counted, duration, exact_size, size
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tui.report.styles import heading, labelled, note, warning
from tui.report.table import table_lines
from tui.report.wrapping import wrapped
from tui.tables.model import SortedTable
from tui.tables.tags import tag_table

_TAGS_ALONE = "Counters know tags alone: 'poolscope live' shows who allocates, and why it stays."


def counters_report(snapshot: Snapshot, filters: Query, *, top: int, width: int) -> list[Text]:
    """Tags that fit by growth, and what counters cannot say."""
    totals, was = snapshot.pool.totals, before(snapshot)
    grown = totals.outstanding_bytes - (0 if was is None else int(was.bytes.sum()))
    held = f"{counted(totals.outstanding_count, 'allocation')}, {exact_size(totals.outstanding_bytes)}"
    lines = [
        heading(f"Pool counters over {duration(snapshot.at_ns)}"),
        *([warning("counting was interrupted before its time")] if snapshot.partial else []),
        labelled("allocated", held),
        labelled("grown by", f"{'+' if grown > 0 else ''}{size(grown)}"),
    ]
    view = SortedTable(tag_table(snapshot), "growth", descending=True)
    fit = np.array(filters.fit_tags(snapshot.pool.tags.tag.tolist()), np.bool_)
    view.order = view.order[fit[view.order]]
    table = [Text(), heading("By growth"), *table_lines(view, width, top)]
    return [*wrapped(lines, width), *table, Text(), *wrapped([note(_TAGS_ALONE)], width)]
