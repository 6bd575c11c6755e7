"""Counting without an interface: for a time, or until Ctrl-C; what is told of it, as a document and as text."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from rich.text import Text

from analyzers.counter_snapshot import before
from analyzers.formatting import counted, duration, exact_size, size
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tracer.trace import filetime_text
from tui.counters.beside import Beside
from tui.counters.sampling import EVERY, Sampling
from tui.interrupts import Interrupts
from tui.json_documents.analysis import before_parts, tag_part
from tui.json_documents.writing import SCHEMA, Object
from tui.report.styles import heading, labelled, note, warning
from tui.report.table import table_lines
from tui.report.wrapping import wrapped
from tui.streams import say
from tui.tables.model import SortedTable
from tui.tables.tags import tag_table


def counted_for(
    sampling: Sampling,
    seconds: float | None,
    sleep: Callable[[float], None] = time.sleep,
    beside: Beside | None = None,
) -> Snapshot:
    """What is counted after so many seconds; partial where Ctrl-C came before. Without a time Ctrl-C is the end.

    ``beside`` sees each sample; its alarms are told on stderr. Raises OutputError where its log cannot be written.
    """
    beside = beside or Beside()
    with Interrupts(noted=1) as interruption:
        _tell(beside.look(sampling.snapshot()))
        is_over = False
        while not (interruption.asked or is_over):
            left = EVERY if seconds is None else seconds - sampling.at_ns / 1e9
            sleep(min(max(left, 0.0), EVERY))
            _tell(beside.look(sampling.sample()))
            is_over = seconds is not None and sampling.at_ns >= seconds * 1e9
        return sampling.snapshot(partial=interruption.asked and seconds is not None)


def _tell(alarms: tuple[str, ...]) -> None:
    for alarm in alarms:
        say(alarm)


def counters_document(snapshot: Snapshot, filters: Query) -> Object:
    """Tags that fit, most growth first; ``totals`` are those of all tags."""
    tags, totals = snapshot.pool.tags, snapshot.pool.totals
    was, parts = before(snapshot), before_parts(snapshot)
    counts, sizes = tags.outstanding_count, tags.outstanding_bytes
    grown = (counts, sizes) if was is None else (counts - was.count, sizes - was.bytes)
    fit = filters.fit_tags(tags.tag.tolist())
    rows = [row for row in np.argsort(-grown[1], kind="stable").tolist() if fit[row]]
    return {
        "schema": SCHEMA,
        "partial": snapshot.partial,
        "start": filetime_text(snapshot.info.start),
        "duration_ns": snapshot.at_ns,
        "os_build": snapshot.info.os_build,
        "totals": {
            "outstanding_count": totals.outstanding_count,
            "outstanding_bytes": totals.outstanding_bytes,
            "growth_bytes": int(grown[1].sum()),
        },
        "by_tag": [
            tag_part(snapshot.pool, row)
            | parts[row]
            | {"growth_count": int(grown[0][row]), "growth_bytes": int(grown[1][row])}
            for row in rows
        ],
    }


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
