from __future__ import annotations

import random

from analyzers.fleet.answer import WORST, answer
from analyzers.fleet.rows import FROM_FOLDER, FindingRow, TraceRow
from tests.analyzers.fleet.made import finding, trace


def _two() -> tuple[list[TraceRow], list[FindingRow]]:
    traces = [
        trace(1, "PC-1", [("leaky.sys", "1")], findings=1, leaked_bytes=500),
        trace(2, "PC-1", [("leaky.sys", "2")], findings=1, leaked_bytes=900, os_build=22631),
        trace(3, "PC-2", [("leaky.sys", "1")]),
    ]
    return traces, [finding(traces[0]), finding(traces[1])]


def test_a_signature_is_counted_by_machine_trace_build_and_version_and_told_since_when() -> None:
    [found] = answer(*_two()).occurrences
    assert (found.machines, found.traces, found.builds, found.bytes) == (1, 2, (19045, 22631), 2000)
    assert found.versions == (("1", 1), ("2", 1))
    assert (found.first_seen, found.last_seen) == ("2026-01-02T00:00:00.0000000Z", "2026-01-03T00:00:00.0000000Z")


def test_another_place_in_the_code_is_another_signature() -> None:
    traces, findings = _two()
    found = answer(traces, [findings[0], finding(traces[1], site="leaky!Other")])
    assert [each.signature.site for each in found.occurrences] == ["leaky!Keep", "leaky!Other"]


def test_the_answer_does_not_depend_on_the_order_of_the_rows() -> None:
    rng = random.Random(5)
    traces = [
        trace(at, f"PC-{at % 9}", [("leaky.sys", str(at % 3))], findings=at % 2, leaked_bytes=at % 7)
        for at in range(40)
    ]
    findings = [finding(each, site=f"leaky!F{at % 4}") for at, each in enumerate(traces) if at % 2]
    first = answer(traces, findings)
    rng.shuffle(traces)
    rng.shuffle(findings)
    assert answer(traces, findings) == first


def test_the_worst_traces_are_those_with_most_leaked_bytes() -> None:
    traces = [trace(at, f"PC-{at}", findings=1, leaked_bytes=at) for at in range(30)]
    assert [each.leaked_bytes for each in answer(traces, []).worst] == list(range(29, 29 - WORST, -1))


def test_a_trace_that_failed_is_listed_and_counts_for_no_machine() -> None:
    traces, findings = _two()
    bad = TraceRow(hash="", path="/traces/bad.etl", bytes=0, machine="/traces", error_code="unreadable")
    found = answer([*traces, bad], findings)
    assert (found.traces, found.read, found.machines) == (4, 3, 2)
    assert found.failed == (bad,)


def test_traces_without_a_machines_name_are_said_to_be_so() -> None:
    assert answer([trace(1, "/traces", machine_from=FROM_FOLDER), trace(2, "PC-2")], []).unnamed == 1


def test_rows_come_back_from_their_documents() -> None:
    traces, findings = _two()
    assert [TraceRow.read(each.document()) for each in traces] == traces
    assert [FindingRow.read(each.document()) for each in findings] == findings
