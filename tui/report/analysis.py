"""The text report of ``poolscope analyze --full``: the verdict first, then what it rests on, then the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from rich.text import Text

from analyzers.findings import Diagnosis
from analyzers.formatting import counted, number, size
from analyzers.pool_tables import GroupRow
from analyzers.selection.conclusions import as_diagnosed
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tracer.arrays import I64
from tui.incompleteness import interrupted_words
from tui.report.cleared import cleared_lines, no_finding_lines
from tui.report.findings import finding_lines
from tui.report.held import held_lines
from tui.report.names import names_lines
from tui.report.pool import baseline_lines, has_pool_events, ledger_lines, selection_lines, who_lines
from tui.report.recording import ALL_EVIDENCE, HOW_TO_RECORD, NO_POOL_EVENTS
from tui.report.stacks import stack_lines
from tui.report.styles import heading, note, warning
from tui.report.table import table_lines
from tui.report.trace import drain_lines, incomplete_lines, machine_lines, missing_lines, path_lines, simulated_lines
from tui.report.wrapping import wrapped
from tui.safe_text import safe
from tui.tables.columns import Heading, NumberColumn, TableModel, labels_of
from tui.tables.model import SortedTable
from tui.tables.tags import tag_table
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


SCREENFUL: Final = 23
"""Lines of the smallest usual terminal, without one for the prompt: the verdict is to be read without scrolling."""


def analysis_report(
    snapshot: Snapshot,
    filters: Query,
    *,
    top: int,
    width: int,
    whole: Diagnosis | None = None,
    all_frames: bool = False,
) -> list[Text]:
    """The whole report: each table with its ``top`` first rows, fitted to ``width`` cells.

    ``snapshot`` is already narrowed to the filters; they are told again here, and how much of the ``whole`` trace's
    diagnosis they leave out. ``all_frames``: no frames of stacks are folded.
    """
    lines = simulated_lines(snapshot.info) + path_lines(snapshot.info)
    if not has_pool_events(snapshot.pool.totals):
        return [*wrapped(lines, width), *unjudged_lines(snapshot, width)]
    lines += [*incomplete_lines(snapshot), Text()]
    head = wrapped(lines, width)
    return [
        *head,
        *_verdict(snapshot, filters, whole or snapshot.diagnosis, width, SCREENFUL - len(head)),
        *wrapped(_background(snapshot, filters, width), width),
        *_recipe(snapshot),
        *_tables(snapshot, top, width),
        *_stacks(snapshot, top, all_frames=all_frames),
        *wrapped(names_lines(snapshot.named), width),
    ]


def unjudged_lines(snapshot: Snapshot, width: int) -> list[Text]:
    """What there is to say of a trace without pool events: where it is from, and how to record one that has them."""
    about = wrapped(machine_lines(snapshot.info) + _missing(snapshot), width)
    return [*about, Text(), warning(NO_POOL_EVENTS), *map(Text, HOW_TO_RECORD)]


def outside_lines(snapshot: Snapshot, filters: Query, whole: Diagnosis) -> list[Text]:
    """What the selection is, and how many findings it leaves out; nothing where nothing is selected."""
    said = []
    if filters and snapshot.diagnosis.findings:
        said.append(f"  Selected: {safe(str(filters))}. A leak is told as it is in the whole trace.")
    if outside := len(whole.findings) - len(snapshot.diagnosis.findings):
        findings = counted(outside, "finding of this trace is", "findings of this trace are")
        said.append(f"  {findings} outside of the selection.")
    return list(map(note, said))


def _verdict(snapshot: Snapshot, filters: Query, whole: Diagnosis, width: int, room: int) -> list[Text]:
    lines = (
        finding_lines(as_diagnosed(snapshot, whole), width, room)
        if snapshot.diagnosis.findings
        else wrapped(no_finding_lines(snapshot, filters), width)
    )
    return [*lines, *wrapped(outside_lines(snapshot, filters, whole), width)]


def _background(snapshot: Snapshot, filters: Query, width: int) -> list[Text]:
    """What the verdict rests on: held requests, cleared groups, the trace, the ledger."""
    lines: list[Text] = []
    for part in (held_lines(snapshot), cleared_lines(snapshot.diagnosis.cleared, width)):
        lines += [Text(), *part] if part else []
    lines += [Text(), heading("Trace"), *machine_lines(snapshot.info)]
    lines += [*drain_lines(snapshot), *_missing(snapshot)]
    lines += [Text(), *ledger_lines(snapshot), *baseline_lines(snapshot.baseline)]
    return [*lines, *selection_lines(filters, snapshot.pool)]


def _recipe(snapshot: Snapshot) -> list[Text]:
    """How to record what the trace lacks, as commands that stay on one line each; nothing where it lacks nothing."""
    if snapshot.coverage is None or not snapshot.coverage.missing:
        return []
    return [Text(), heading(ALL_EVIDENCE), *map(Text, HOW_TO_RECORD[1:])]


def _missing(snapshot: Snapshot) -> list[Text]:
    return missing_lines(snapshot.info, snapshot.loss, snapshot.damage, interrupted=interrupted_words(snapshot))


def _tables(snapshot: Snapshot, top: int, width: int) -> list[Text]:
    held = np.flatnonzero(snapshot.pool.tags.outstanding_count)
    lines = [Text(), heading("Outstanding by tag"), *_table(tag_table(snapshot), top, width, len(held))]
    lines += [Text(), heading("By process"), *_table(process_table(snapshot), top, width)]
    lines += wrapped(who_lines(snapshot.pool.outstanding), width)
    return [*lines, Text(), heading("By driver"), *_table(driver_table(snapshot), top, width)]


def _table(model: TableModel, top: int, width: int, rows: int | None = None) -> list[Text]:
    """Most bytes first; ``rows`` leaves out what comes after as many (rows that hold nothing)."""
    view = SortedTable(model, "bytes", descending=True)
    view.order = view.order[:rows]
    return table_lines(view, width, top) if len(view) else [Text("  (nothing is outstanding)")]


def _stacks(snapshot: Snapshot, top: int, *, all_frames: bool) -> list[Text]:
    sites = snapshot.pool.sites
    order = np.argsort(-sites.outstanding_bytes, kind="stable")
    held: I64 = order[sites.outstanding_count[order] > 0].astype(np.int64)
    if not len(held):
        return []
    return [Text(), heading("Allocated at"), *stack_lines(snapshot, held[:top], all_frames=all_frames)]
