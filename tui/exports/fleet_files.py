"""The answer of a fleet as files: tables for programs, a page for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from analyzers.fleet.answer import FleetAnswer
from analyzers.fleet.rows import FindingRow, TraceRow
from analyzers.formatting import size
from tui.exports.html_report import html_page
from tui.exports.report_blocks import Block, Facts, Grid, Heading, Notice
from tui.exports.tables import ExportTable, TableColumn, flags, integers, reals, texts
from tui.report.fleet import error_words, facts_of, headline_words, notices, signature_words

PAGE: Final = "report.html"
TABLES: Final = ("traces", "findings", "drivers")
"""Each is written as ``NAME.parquet``."""
_OF_TRACE: Final = ("path", "machine", "os_build", "started")
"""What a finding's row has of its trace's, so that most questions need no join."""


def fleet_tables(traces: Sequence[TraceRow], findings: Sequence[FindingRow]) -> list[ExportTable]:
    """Those of :data:`TABLES`, their rows in the order of content, so that the same traces make the same files."""
    ordered = sorted(traces, key=lambda each: (each.hash, each.path))
    of_hash = {each.hash: each for each in ordered}
    told = sorted(findings, key=lambda each: (each.hash, each.rank))
    drivers = [(each.hash, each.machine, driver) for each in ordered for driver in each.drivers]
    return [
        ExportTable("traces", _columns(TraceRow, ordered)),
        ExportTable(
            "findings",
            (*_columns(FindingRow, told), *_columns(TraceRow, [of_hash[each.hash] for each in told], _OF_TRACE)),
        ),
        ExportTable(
            "drivers",
            (
                texts("hash", [content for content, _, _ in drivers]),
                texts("machine", [machine for _, machine, _ in drivers]),
                texts("driver", [driver.name for _, _, driver in drivers]),
                texts("version", [driver.version for _, _, driver in drivers]),
            ),
        ),
    ]


_MAKERS: Final[Mapping[str, Any]] = {"str": texts, "int": integers, "bool": flags, "float": reals}


def _columns(
    row: type[TraceRow | FindingRow], rows: Sequence[TraceRow | FindingRow], names: Sequence[str] = ()
) -> tuple[TableColumn, ...]:
    return tuple(
        _MAKERS[str(each.type)](each.name, [getattr(one, each.name) for one in rows])
        for each in fields(row)
        if each.type in _MAKERS and (not names or each.name in names)
    )


def fleet_page(found: FleetAnswer) -> Iterator[bytes]:
    """One HTML file that asks no network for anything."""
    return html_page(f"Poolscope: {headline_words(found)}", _blocks(found))


def _blocks(found: FleetAnswer) -> Iterator[Block]:
    yield Heading(1, headline_words(found))
    yield from map(Notice, notices(found))
    yield Facts(
        (
            ("Traces", f"{found.traces:,}, of which {found.read:,} read"),
            ("Machines", f"{found.machines:,}"),
            ("Builds", ", ".join(map(str, found.builds))),
        )
    )
    for number, each in enumerate(found.occurrences, 1):
        yield Heading(2, f"{number}. {signature_words(each)}")
        yield Facts(tuple((label, words) for label, words in facts_of(each) if words))
    if found.worst:
        yield Heading(2, "The worst traces")
        rows = [(each.path, each.machine, f"{each.findings:,}", size(each.leaked_bytes)) for each in found.worst]
        yield Grid(("Trace", "Machine", "Leaks", "Outstanding"), tuple(rows), texts=2)
    if found.failed:
        yield Heading(2, "Not read")
        yield Grid(("Trace", "Why"), tuple((each.path, error_words(each)) for each in found.failed), texts=2)
