from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq

from analyzers.fleet.answer import FleetAnswer, answer
from analyzers.fleet.rows import FindingRow, TraceRow
from tests.analyzers.fleet.made import finding, trace
from tests.tui.hostile import NAMES, is_harmless
from tui.exports.arrow_files import parquet
from tui.exports.fleet_files import fleet_page, fleet_tables
from tui.json_documents.fleet import fleet_document
from tui.report.fleet import fleet_lines

_HOSTILE = f"<b>\x1b[31m\u202egpj{''.join(NAMES)}"


def _rows() -> tuple[list[TraceRow], list[FindingRow]]:
    traces = [
        trace(at, f"PC-{at}", [("leaky.sys", f"1.{at % 2}")], findings=at % 2, leaked_bytes=at, simulated=False)
        for at in range(40)
    ]
    return traces, [finding(each) for each in traces[1::2]]


def _text(found: FleetAnswer) -> str:
    return "\n".join(line.plain for line in fleet_lines(found, top=10, width=100))


def test_the_report_says_how_many_leak_since_when_and_which_version_separates() -> None:
    said = _text(answer(*_rows()))
    assert said.startswith("1 leak on 20 of 40 machines")
    assert "never freed: Leak, leaky.sys, leaky!Keep" in said
    assert "20 machines (20 traces)" in said
    assert "leaky.sys 1.1: 20 of 20 machines with it leak, 0 of 20 without; 100% more" in " ".join(said.split())
    assert "simulated" not in said


def test_a_fleet_without_leaks_says_so_and_one_that_cannot_be_judged_says_that() -> None:
    assert _text(answer([trace(1, "PC-1")], [])).startswith("No leak found")
    blind = _text(answer([trace(1, "PC-1", judged=False)], []))
    assert blind.startswith("Nothing can be said of leaks")
    assert "1 trace lacks what it takes to find leaks" in blind


def test_names_out_of_traces_are_text_in_the_report_and_on_the_page() -> None:
    traces, findings = _rows()
    bad = trace(99, _HOSTILE, path=f"/traces/{_HOSTILE}.etl", findings=1, leaked_bytes=10**9)
    failed = TraceRow("", f"/{_HOSTILE}", 0, error_code="unreadable", error_what=_HOSTILE)
    found = answer([*traces, bad, failed], [*findings, finding(bad, site=_HOSTILE, driver=_HOSTILE)])
    said, page = _text(found), b"".join(fleet_page(found)).decode()
    for text in (said, page):
        assert is_harmless(text)
        assert "\\x1b" in text
    assert "<b>" not in page
    assert page.count("<script") == 1
    assert "default-src 'none'" in page
    json.loads(json.dumps(fleet_document(found, partial=False), allow_nan=False))


def test_the_tables_hold_every_row_and_column() -> None:
    traces, findings = _rows()
    read = {
        table.name: pq.read_table(pa.BufferReader(b"".join(parquet(table)))).to_pylist()
        for table in fleet_tables(traces, findings)
    }
    assert [len(read[name]) for name in ("traces", "findings", "drivers")] == [40, 20, 40]
    assert read["traces"][3] == {
        name: value if value != "" else None
        for name, value in traces[3].document().items() if name != "drivers"
    }  # fmt: skip
    assert {"path", "machine", "os_build", "started"} < set(read["findings"][0])
    assert read["drivers"][3] == {"hash": traces[3].hash, "machine": "PC-3", "driver": "leaky.sys", "version": "1.1"}
