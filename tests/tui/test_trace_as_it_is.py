"""What a report says of the machine, of a file that goes on, of clocks, and of allocations that failed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.snapshot import Snapshot
from tests.tui.reports import contents, report
from tracer.trace import ClockShift
from tui.json_documents.analysis import pool_part
from tui.json_documents.findings import StackParts
from tui.json_documents.trace import trace_part
from tui.machine_words import machine_words, processor_count
from tui.report.info import info_report


def words(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Windows build 26100, 64 bit, 4 processors"),
        ({"processors_seen": 4, "machine_pointer_size": 8}, "Windows build 26100, 64 bit, 4 processors"),
        (
            {"pointer_size": 4, "machine_pointer_size": 8},
            "Windows build 26100, 4 processors, 64-bit machine; written by a 32-bit program",
        ),
        ({"processors": 2, "processors_seen": 6}, "Windows build 26100, 64 bit, 6 processors seen, header says 2"),
        ({"processors_seen": 3}, "Windows build 26100, 64 bit, 4 processors, 3 of them seen"),
        (
            {"processors": 1, "processors_seen": 1, "mode": ("sequential", "no-per-processor-buffering")},
            "Windows build 26100, 64 bit, processors not told apart (they shared their buffers)",
        ),
    ],
)
def test_the_machine_is_what_its_records_show(fields: dict[str, object], said: str, snapshot: Snapshot) -> None:
    assert machine_words(replace(snapshot.info, **fields)) == said  # type: ignore[arg-type]


def test_the_bar_counts_the_most_processors_that_anything_tells_of(snapshot: Snapshot) -> None:
    assert processor_count(replace(snapshot.info, processors=2, processors_seen=6)) == 6
    assert processor_count(replace(snapshot.info, processors=4, processors_seen=3)) == 4


def test_a_file_that_continues_another_says_so(snapshot: Snapshot) -> None:
    going_on = replace(snapshot, info=replace(snapshot.info, continues=True))
    said = "continues another file of this session: what came before is there"
    assert said in words(report(going_on))
    assert said in words([line.plain for line in info_report(contents(going_on), width=80)])
    assert said not in words(report(snapshot))
    assert (trace_part(going_on.info)["continues"], trace_part(snapshot.info)["continues"]) == (True, False)


def test_the_document_has_both_the_headers_machine_and_the_records(snapshot: Snapshot) -> None:
    info = replace(snapshot.info, pointer_size=4, machine_pointer_size=8, processors=2, processors_seen=6)
    part = trace_part(info)
    assert (part["pointer_size"], part["machine_pointer_size"]) == (4, 8)
    assert (part["processors"], part["processors_seen"]) == (2, 6)


def test_clocks_that_differ_are_named_with_how_much_and_called_inferred(snapshot: Snapshot) -> None:
    shifts = (ClockShift(1, 2_000_000, 600), ClockShift(3, -500_000, 40))
    found = replace(snapshot, info=replace(snapshot.info, clock_shifts=shifts))
    said = words(report(found))
    assert "the clock of CPU 1 is at least 2.00 ms behind the others: by it, 600 blocks were freed before" in said
    assert "the clock of CPU 3 is at least 500.0 µs ahead of the others" in said
    assert "inferred" in said
    assert trace_part(found.info)["clock_shifts"] == [
        {"cpu": 1, "behind_ns": 2_000_000, "pairs": 600},
        {"cpu": 3, "behind_ns": -500_000, "pairs": 40},
    ]


def failing(snapshot: Snapshot, *counts: int) -> Snapshot:
    pool = snapshot.pool
    failed = np.zeros(len(pool.tags.tag), np.int64)
    failed[: len(counts)] = counts
    totals = replace(pool.totals, failed_allocations=sum(counts))
    return replace(snapshot, pool=replace(pool, totals=totals, tags=replace(pool.tags, failed=failed)))


def test_allocations_that_failed_are_told_by_tag_and_stand_outside_the_equations(snapshot: Snapshot) -> None:
    said = words(report(failing(snapshot, 3, 400)))
    assert "failed 403 allocations got no memory: AfdB (Nonp) 400, Irp (Nonp) 3" in said
    assert "403 allocations got no memory: pool or a quota was exhausted" in said
    assert "allocations 202 = 184 freed + 18 outstanding" in said
    assert "got no memory" not in words(report(snapshot))


def test_the_document_counts_them_in_all_and_by_tag(snapshot: Snapshot) -> None:
    part = pool_part(failing(snapshot, 3, 400), StackParts(snapshot.names))
    assert part["failed_allocations"] == 403
    by_tag = part["by_tag"]
    assert isinstance(by_tag, list)
    told = {row["tag"]: row["failed_allocations"] for row in by_tag if isinstance(row, dict)}
    assert told == {"Irp ": 3, "AfdB": 400, "CM25": 0, "File": 0}
