"""A report as lines of text, and what a trace holds as the commands are told it."""

from __future__ import annotations

from analyzers.selection.query import Query
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from tracer.events import afd
from tui.contents import Contents
from tui.report.analysis import analysis_report


def report(snapshot: Snapshot, filters: Query | None = None, *, top: int = 10, width: int = 80) -> list[str]:
    chosen = filters or Query()
    return [line.plain for line in analysis_report(select(snapshot, chosen), chosen, top=top, width=width)]


def contents(snapshot: Snapshot) -> Contents:
    return Contents(
        snapshot.info,
        snapshot.census,
        snapshot.loss,
        snapshot.damage,
        snapshot.bytes,
        partial=snapshot.partial,
        provider_names={afd.PROVIDER: "a name\x1b[2J"},
    )
