"""A fleet's journal: rows of its own folder, which anybody may have written to."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

from analyzers.fleet.rows import FindingRow, Place, TraceRow, rows_of
from tests.fuzzing.mutations import text
from tests.fuzzing.scratch import folder, written
from tests.fuzzing.small_traces import leak
from tests.fuzzing.target import Target, insist
from tests.fuzzing.whole import analysed
from tracer.errors import UsageError
from tui.fleet.journal import NAME, Line, opened
from tui.fleet.sources import Source

_HEADER = {"version": "1", "options": {"pooltag": None}}


@cache
def _rows() -> tuple[TraceRow, list[FindingRow]]:
    return rows_of(analysed(written(leak(), "journal.etl")), Place("ab12", 9, "a/b.etl", "a"))


def _seeds() -> list[bytes]:
    trace, findings = _rows()
    first = Line("a/b.etl", "s1", "ab12", trace, tuple(findings))
    second = Line("c/d.etl", "s2", "ab12", None)
    third = Line("e.etl", "", "", replace(trace, error_code="not-found", findings=0), ())
    lines = [json.dumps(each).encode() for each in (_HEADER, *(line.document() for line in (first, second, third)))]
    return [b"\n".join(lines) + b"\n", lines[0] + b"\n", b"", lines[1] + b"\n", b"\n".join(lines[:2]) + b'\n{"place": ']


def check(data: bytes) -> None:
    here = folder() / "fleet"
    here.mkdir(exist_ok=True)
    (here / NAME).write_bytes(data)
    try:
        with opened(here, _HEADER, anew=False) as journal:
            lines, torn = dict(journal.lines), journal.torn
            insist(torn >= 0 and len(lines) + torn <= data.count(b"\n") + 1, f"{len(lines)} rows and {torn} torn")
            traces, findings = journal.rows(lines)
            json.dumps([[row.document() for row in traces], [row.document() for row in findings]])
            insist(len(traces) <= len(lines), "more traces than sources")
            insist(isinstance(journal.left([Source("a/b.etl", "s1")], again=True), list), "what is left")
            added = Line("new.etl", "s9", "", None)
            journal.add(added)
        with opened(here, _HEADER, anew=False) as again:
            insist(again.lines == lines | {added.place: added}, "the rows are others when they are read again")
    except UsageError as error:
        insist(error.code == "other-fleet" and error.next, f"{error!r}")


TARGET = Target(
    check,
    _seeds,
    text('"place": ', '"hash": "ab12"', "null", "NaN", "Infinity", "1e999", "[", "{", "}\n", "]", "\n", "true", '""'),
    2_000,
)
