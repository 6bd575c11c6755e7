"""A process id that is used again: what two programs hold is told apart everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from analyzers.pooltag import tag_text
from analyzers.selection.query import Query
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from fixtures.etl.options import TraceOptions
from fixtures.etl.records import Record
from fixtures.etl.writer import EtlWriter
from tests.analyzers.against_truth import analysed
from tests.tui.session import opened
from tests.tui.views.listings import column, scene
from tracer.arrays import I64
from tracer.etl.headers import HeaderType
from tracer.events import pool, process
from tracer.events.encode import Value, encode
from tracer.events.layout import KernelId
from tracer.events.registry import layout_for
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.views import allocations, export, processes, retention, tags
from tui.views.listing import Listing
from tui.views.shown_rows import rows_in_full

PID: Final = 100
FIRST, VICTIM, LATER = f"first.exe ({PID})", f"victim.exe ({PID})", f"later.exe ({PID})"
_STEP: Final = 10_000


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """first.exe allocates 5 bytes and exits, victim.exe gets its id, allocates 1,000 and exits; then later.exe gets it.

    That allocates 10 bytes of the tag of victim.exe, and 11 of its own.
    """
    records: list[Record] = []

    def log(hook: int, version: int, thread: int, **values: Value) -> None:
        layout = layout_for(KernelId(hook), version)
        assert layout is not None
        at = TraceOptions().start_ticks + _STEP * (len(records) + 1)
        header = (HeaderType.SYSTEM64, at, encode(layout, 8, values), 0, thread, PID)
        records.append(Record(*header, hook=hook, version=version))

    def allocate(tag: bytes, size: int, thread: int) -> None:
        number = int.from_bytes(tag, "little")
        log(pool.ALLOC, 2, thread, type=512, tag=number, bytes=size, entry=0xFFFF_9A80_0000_0000 + 0x1000 * size)

    log(process.START, 4, 100, process=PID, image_name="first.exe")
    allocate(b"Frst", 5, 100)
    log(process.END, 4, 100, process=PID, image_name="first.exe")
    log(process.START, 4, 104, process=PID, image_name="victim.exe")
    allocate(b"Both", 1_000, 104)
    log(process.END, 4, 104, process=PID, image_name="victim.exe")
    log(process.START, 4, 108, process=PID, image_name="later.exe")
    allocate(b"Both", 10, 108)
    allocate(b"Late", 11, 108)
    path = tmp_path_factory.mktemp("lives") / "lives.etl"
    path.write_bytes(EtlWriter(TraceOptions()).write(records))
    return path


@pytest.fixture(scope="module")
def snapshot(trace: Path) -> Snapshot:
    return analysed(trace)


def held(part: Snapshot) -> dict[str, int]:
    """Outstanding bytes by process, as rows of the table of processes and as single allocations have them."""
    rows = {row.name: row.bytes for row in part.pool.by_process}
    assert sum(rows.values()) == int(part.pool.outstanding.size.sum())
    return rows


def rows_of(listing: Listing) -> list[dict[str, object]]:
    """What an export has of each row."""
    order: I64 = np.arange(listing.model.length)
    names, rows = rows_in_full(listing.model, order)
    told = json.loads("".join(export.lines(".json", (names, rows))))
    return [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(tags=("Both",)), {"victim.exe": 1_000, "later.exe": 10}),
        (Query(tags=("Both", "Late")), {"victim.exe": 1_000, "later.exe": 21}),
        (Query(processes=("victim",)), {"victim.exe": 1_000}),
        (Query(processes=("later.exe",)), {"later.exe": 21}),
        (Query(processes=(f"{PID}",)), {"victim.exe": 1_000, "later.exe": 21, "first.exe": 5}),
        (Query(processes=("later",), tags=("Both",)), {"later.exe": 10}),
    ],
)
def test_words_select_by_the_program_that_had_the_id(
    query: Query, expected: dict[str, int], snapshot: Snapshot
) -> None:
    assert held(select(snapshot, query)) == expected


@pytest.mark.parametrize(("word", "name", "size"), [("victim", "victim.exe", 1_000), ("later", "later.exe", 21)])
def test_the_document_and_the_report_of_one_program_leave_the_other_out(
    word: str, name: str, size: int, trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(trace), "--process", word, "--json", "--quiet"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["outstanding_bytes"]) for row in document["pool"]["by_process"]] == [(name, size)]
    assert document["filter"]["outstanding_bytes"] == size
    assert main(["analyze", str(trace), "--process", word, "--full", "--quiet"]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert f"{name} ({PID})" in told
    assert ("later.exe" in told, "victim.exe" in told) == (word == "later", word == "victim")


def test_the_report_of_a_tag_of_both_has_a_row_for_each(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(trace), "--tag", "Both", "--full", "--quiet"]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert VICTIM in told
    assert LATER in told


def test_the_processes_view_has_a_row_for_each_and_enter_leads_to_its_own_memory(snapshot: Snapshot) -> None:
    listing = processes.grow(scene(snapshot))({}).listing
    for name, there in ((VICTIM, {"Both": 1_000}), (LATER, {"Both": 10, "Late": 11})):
        row = [cell.removeprefix("+ ") for cell in column(listing, "who")].index(name)
        assert f"process {2 + (name == LATER)} of 3 that had this id in turn\n" in listing.describe(row).plain
        step = listing.step(row)
        assert step is not None
        assert step.label == name
        part = scene(snapshot, step.scope)
        table = part.snapshot.pool.tags
        assert dict(zip(map(tag_text, table.tag.tolist()), table.outstanding_bytes.tolist(), strict=True)) == there
        assert column(tags.listing(part), "tag") == list(there)


def test_the_tags_of_both_name_the_programs_that_hold_each(snapshot: Snapshot) -> None:
    model = tags.listing(scene(snapshot)).model
    assert model.also_matches is not None
    found = {name: model.also_matches(name).tolist() for name in ("victim", "later")}
    assert found == {"victim": [False, True, False], "later": [False, True, True]}


def test_exports_name_the_program_that_had_the_id(snapshot: Snapshot) -> None:
    single = rows_of(allocations.listing(scene(snapshot)))
    found = [(row["bytes"], row["process"]) for row in single]
    assert found == [(5, FIRST), (1_000, VICTIM), (10, LATER), (11, LATER)]
    table = rows_of(processes.grow(scene(snapshot))({}).listing)
    assert {row["who"]: row["bytes"] for row in table} == {VICTIM: 1_000, LATER: 21, FIRST: 5}


def test_a_step_from_one_allocation_leads_to_its_own_program(snapshot: Snapshot) -> None:
    listing = allocations.listing(scene(snapshot))
    for row, there in enumerate(({"first.exe": 5}, {"victim.exe": 1_000}, {"later.exe": 21})):
        step = listing.step(row)
        assert step is not None
        assert held(scene(snapshot, step.scope).snapshot) == there


def test_what_one_program_made_all_of_stands_below_it_in_the_retention_tree(snapshot: Snapshot) -> None:
    listing = retention.tree_of(scene(snapshot))({}).listing
    names = [cell.removeprefix("+ ") for cell in column(listing, "node")]
    assert {name for name in names if "exe" in name} == {"first.exe", "later.exe"}  # a place of both is nobody's
    for name, size in (("first.exe", 5), ("later.exe", 21)):
        step = listing.step(names.index(name))
        assert step is not None
        assert held(scene(snapshot, step.scope).snapshot) == {name: size}


async def test_the_limit_is_named_after_the_program_that_had_the_id(snapshot: Snapshot) -> None:
    victim = Query(process=snapshot.names.lives(PID)[1].life)
    async with opened(snapshot, (120, 24)) as it:
        it.screen.go("tags", victim)
        await it.press()
        assert f"Limited to process {VICTIM}" in it.text
