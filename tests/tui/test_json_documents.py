from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from analyzers.selection.query import Query
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from analyzers.verdicts.coverage import Coverage
from tests.tui.document_shapes import (
    ANALYSIS,
    EVIDENCE,
    INFO,
    KINDS,
)
from tests.tui.reports import contents
from tests.tui.stories import HOSTILE
from tracer.errors import InputError
from tracer.live.profile import xperf_command
from tui.json_documents.analysis import analysis_document
from tui.json_documents.error import error_document
from tui.json_documents.info import info_document
from tui.json_documents.writing import Object, document_text


def read_back(document: Object) -> Any:
    written = document_text(document)
    assert written.isascii()
    return json.loads(written)


SNAPSHOTS = [
    "snapshot",
    "leaking_snapshot",
    "holding_snapshot",
    "empty_snapshot",
    "broken_snapshot",
    "hostile_snapshot",
]


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_info_document_keeps_the_contract(name: str, request: pytest.FixtureRequest) -> None:
    assert INFO(read_back(info_document(contents(request.getfixturevalue(name)))))


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_analysis_document_keeps_the_contract(name: str, request: pytest.FixtureRequest) -> None:
    assert ANALYSIS(read_back(analysis_document(request.getfixturevalue(name))))


def test_a_finding_has_exactly_the_contracts_values(leaking_snapshot: Snapshot) -> None:
    told = read_back(analysis_document(leaking_snapshot))["findings"]
    assert [finding["rank"] for finding in told] == [1, 2, 3]
    first, second, third = told
    keys = ("verdict", "confidence", "tag", "paged", "count", "bytes", "thread_id", "driver")
    assert [first[key] for key in keys] == ["pending-apc", 0.934, "Irp ", False, 12, 5_568, 88, "afd.sys"]
    assert (first["retained_bytes"], first["bytes_per_hour"], first["bytes_per_hour_interval"]) == (
        18_432, 737_280.0, [700_000.0, 780_000.0],
    )  # fmt: skip
    assert first["process"] == {"id": 4330, "name": "client.exe"}
    assert [frame["module"] for frame in first["stack"]] == ["ntoskrnl.exe", "ntoskrnl.exe", "afd.sys", "ntoskrnl.exe"]
    assert [node["kind"] for node in first["path"]] == ["process", "thread", "pending-apc", "allocations"]
    assert first["evidence"][0]["events"][1] == {"time_ns": 3_000_000_000, "kind": "irp", "cpu": 2, "offset": 8_192}
    assert [reason["inferred"] for reason in first["evidence"]] == [True, False]
    assert second["stack"] == []
    assert second["process"] == third["process"] == {"id": None, "name": ""}


def test_each_kind_of_culprit_brings_what_is_known_of_it(holding_snapshot: Snapshot) -> None:
    waiting, port, kept = read_back(analysis_document(holding_snapshot))["findings"]
    keys = ("accused", "apc", "kept", "driver")
    assert [[one[key] for key in keys] for one in (waiting, port, kept)] == [
        ["process", "user", None, "afd.sys"],
        ["port", None, None, "afd.sys"],
        ["driver", None, "never-completed", "keeper.sys"],
    ]
    assert port["port"] == {
        "number": 2, "process_id": 77, "process": "server.exe",
        "enqueued_by": [88, 99], "dequeued_by": [], "waiting": 12,
    }  # fmt: skip
    assert waiting["port"] is kept["port"] is None
    assert [group["tag"] for group in port["groups"]] == ["Irp ", "File", "AfdE"]
    assert [frame["module"] for frame in waiting["user_stack"]] == ["ntdll.dll", "client.exe"]
    assert [(one["why"], one["fits"]) for one in waiting["explanations"]] == [
        ("user-apc", "yes"),
        ("special-apc", "no"),
    ]


def test_a_finding_that_goes_alone_is_its_own_group_and_names_no_driver_that_is_not_known(
    leaking_snapshot: Snapshot,
) -> None:
    last = read_back(analysis_document(leaking_snapshot))["findings"][2]
    assert last["driver"] is None
    assert last["groups"] == [
        {"tag": "CM25", "tag_hex": "434d3235", "paged": True, "count": 3, "bytes": 12_288, "driver": None}
    ]


def test_the_evidence_that_is_there_is_told_and_one_command_records_the_rest(snapshot: Snapshot) -> None:
    poor = Coverage(
        stacks=True, context_switches=False, requests=False, sockets=True, wrapped=False, lost=0.0,
        free_stacks=False, queues=False,
    )  # fmt: skip
    told = read_back(analysis_document(replace(snapshot, coverage=poor)))["evidence"]
    assert EVIDENCE(told)
    assert told["stacks"] == "allocations"
    assert [kind for kind in KINDS if not told[kind]] == ["context_switches", "irp", "kernel_queues"]
    assert told["record"] == xperf_command()
    rich = replace(poor, context_switches=True, requests=True, free_stacks=True, queues=True)
    assert read_back(analysis_document(replace(snapshot, coverage=rich)))["evidence"]["record"] == ""


def test_held_requests_say_what_holds_them_and_pending_apcs_are_those_of_apcs(holding_snapshot: Snapshot) -> None:
    document = read_back(analysis_document(holding_snapshot))
    held, pending = document["held_requests"], document["pending_apcs"]
    assert [one["why"] for one in held] == [
        *["user-apc"] * 4, *["port"] * 3, *["driver-kept"] * 2, "completion-stopped", "special-apc", "unknown",
    ]  # fmt: skip
    assert [(one["irp"], one["apc"]) for one in pending] == [
        *((one["irp"], "user") for one in held[:4]), ("0x5000", "special-kernel"),
    ]  # fmt: skip
    assert [held[at]["port"] for at in (0, 4)] == [None, 2]
    never = held[7]
    assert (never["driver"], never["completed_ns"], never["completed"], never["inferred"]) == (
        "keeper.sys", None, None, False,
    )  # fmt: skip


def test_what_is_not_known_is_null_in_findings_too(leaking_snapshot: Snapshot) -> None:
    document = read_back(analysis_document(leaking_snapshot))
    first, second = document["findings"][:2]
    unknown = first["evidence"][1]["events"][0]
    assert (unknown["cpu"], unknown["offset"]) == (None, None)
    assert (second["bytes_per_hour"], second["bytes_per_hour_interval"]) == (None, [None, None])
    apcs = document["pending_apcs"]
    assert (apcs[0]["irp"], apcs[0]["endpoint"]) == ("0xffff9a8000001010", None)
    assert apcs[1]["endpoint"] == "0xffff9a8000af0000"
    assert document["cleared"][1]["verdict"] == "transient"


def test_a_filter_narrows_the_conclusions_of_the_document(leaking_snapshot: Snapshot) -> None:
    filters = Query(tags=("AfdB",))
    document = read_back(analysis_document(select(leaking_snapshot, filters), filters))
    assert ANALYSIS(document)
    assert [finding["rank"] for finding in document["findings"]] == [2]
    assert [document[key] for key in ("cleared", "pending_apcs", "held_requests")] == [[], [], []]


def test_the_ledgers_equations_hold_in_the_document(snapshot: Snapshot) -> None:
    pool = read_back(analysis_document(snapshot))["pool"]
    assert pool["allocations"] == pool["matched"] + pool["replaced_without_free"] + pool["outstanding_count"]
    assert pool["frees"] == pool["matched"] + pool["frees_without_allocation"]
    for part in ("by_tag", "by_stack", "by_process", "by_driver"):
        assert sum(row["outstanding_count"] for row in pool[part]) == pool["outstanding_count"] == 18
        assert sum(row["outstanding_bytes"] for row in pool[part]) == pool["outstanding_bytes"] == 19_336


def test_lists_come_most_bytes_first_with_exact_values(snapshot: Snapshot) -> None:
    pool = read_back(analysis_document(snapshot))["pool"]
    assert pool["by_tag"][1] == {
        "tag": "Irp ",
        "tag_hex": "49727020",
        "paged": False,
        "driver": "ntoskrnl.exe",
        "description": "I/O request packets",
        "allocations": 119,
        "frees": 105,
        "outstanding_count": 14,
        "outstanding_bytes": 6848,
        "peak_bytes": 10_944,
        "outstanding_uncertain_count": 0,
        "outstanding_uncertain_bytes": 0,
        "allocations_interval": None,
        "frees_interval": None,
        "outstanding_count_interval": None,
        "outstanding_bytes_interval": None,
    }
    assert pool["by_stack"][2]["stack"] == [
        {"address": "0xfffff80000100999", "module": "ntoskrnl.exe", "offset": 0x100999, "symbol": None},
        {"address": "0xfffff80300000010", "module": None, "offset": None, "symbol": None},
    ]
    assert [row["id"] for row in pool["by_process"]] == [4330, 4, None]


def test_what_is_missing_is_in_the_document(broken_snapshot: Snapshot) -> None:
    document = read_back(analysis_document(broken_snapshot))
    assert document["partial"] is True
    assert document["finalised"] is False
    assert document["trace"]["end"] is None
    assert [gap["cpu"] for gap in document["loss"]["gaps"]] == [2, None]
    assert document["damage"] == [
        {"offset": 0x1048, "code": "record-size", "what": "a record of size 0", "bytes_skipped": 512}
    ]


def test_a_filter_narrows_the_lists_and_says_so(snapshot: Snapshot) -> None:
    filters = Query(tags=("AfdB",))
    document = read_back(analysis_document(select(snapshot, filters), filters))
    assert ANALYSIS(document)
    assert document["filter"] == {
        "tag": ["AfdB"], "process": [], "driver": [], "function": [], "from_ns": None, "to_ns": None,
        "outstanding_count": 3, "outstanding_bytes": 12_288,
    }  # fmt: skip
    assert [row["tag"] for row in document["pool"]["by_tag"]] == ["AfdB"]
    assert document["pool"]["outstanding_count"] == 18
    assert "filter" not in analysis_document(snapshot, Query())


def test_a_lone_surrogate_becomes_a_replacement_character(hostile_snapshot: Snapshot) -> None:
    document = read_back(analysis_document(hostile_snapshot))
    assert document["trace"]["session"] == HOSTILE.replace("\ud800", "\ufffd")
    json.dumps(document, ensure_ascii=False).encode("utf-8")


def test_an_error_is_a_document_of_five_strings() -> None:
    error = InputError("not-etl", "no trace", where="x\ud800", why="because", next="give another")
    assert read_back(error_document(error)) == {
        "schema": 2,
        "error": {"code": "not-etl", "what": "no trace", "where": "x\ufffd", "why": "because", "next": "give another"},
    }
