"""A loss that no counter tells stands at the top, in every form of the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.snapshot import Snapshot
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.tui.reports import report
from tracer.trace import InferredLoss
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.findings.held import Holders, port_owners
from tui.incompleteness import rounded
from tui.tables.allocations import allocation_table
from tui.tables.held_requests import held_table, places

LOSS = InferredLoss(events=1_262, share=0.106, replaced=406, unmatched=555)


def _silent(snapshot: Snapshot, events_lost: int = 0) -> Snapshot:
    return replace(snapshot, loss=replace(snapshot.loss, events_lost=events_lost, gaps=(), inferred=LOSS))


def test_the_report_is_headed_by_about_how_many_events_are_missing(snapshot: Snapshot) -> None:
    head = " ".join(report(_silent(snapshot), width=200)[:8])
    assert "about 1,300 pool events (11 %) missing, though nothing says so" in head


def test_where_the_session_tells_of_some_it_is_not_said_that_nothing_does(snapshot: Snapshot) -> None:
    said = " ".join(report(_silent(snapshot, events_lost=3), width=200))
    assert "about 1,300 pool events (11 %) missing, more than the session says" in said
    assert "nothing says so" not in said


def test_the_report_says_what_shows_it(snapshot: Snapshot) -> None:
    said = " ".join(report(_silent(snapshot), width=400))
    assert "406 blocks took the address of one that was not freed and 555 frees have no allocation" in said


@pytest.mark.parametrize(("count", "shown"), [(7, 7), (64, 64), (1_262, 1_300), (98_900, 99_000)])
def test_an_estimate_is_shown_with_two_digits(count: int, shown: int) -> None:
    assert rounded(count) == shown


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (Settings(), ExitCode.DONE),
        (Settings(lost_events=0.1, tells_loss=False), ExitCode.INCOMPLETE),
        (Settings(lost_events=0.01, tells_loss=True), ExitCode.INCOMPLETE),
        (Settings(buffer_size=0x2000, lost_buffers=1), ExitCode.INCOMPLETE),
        (Settings(buffer_size=0x1000, circular=40), ExitCode.INCOMPLETE),
    ],
)
@pytest.mark.parametrize("command", ["info", "analyze"])
def test_strict_refuses_every_kind_of_loss(
    command: str, settings: Settings, code: ExitCode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.etl"
    simulate("churn", 3, settings).write(path)
    assert main([command, str(path), "--json", "--strict", "-q"]) == code
    loss = json.loads(capsys.readouterr().out)["loss"]
    placed = bool(loss["gaps"] or loss["overwritten"] or (loss["inferred"] and loss["inferred"]["gaps"]))
    assert placed is (code is ExitCode.INCOMPLETE)


@pytest.mark.parametrize(("lost", "code"), [(0.0, ExitCode.DONE), (0.1, ExitCode.INCOMPLETE)])
def test_strict_refuses_a_trace_from_which_events_are_missing_silently(
    lost: float, code: ExitCode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.etl"
    simulate("churn", 3, Settings(lost_events=lost, tells_loss=False)).write(path)
    assert main(["analyze", str(path), "--json", "--strict", "-q"]) == code
    document = json.loads(capsys.readouterr().out)
    pool, inferred = document["pool"], document["loss"]["inferred"]
    assert (inferred is not None) is (code is ExitCode.INCOMPLETE)
    of_tags = [row["outstanding_count_interval"] for row in pool["by_tag"]]
    if lost:
        assert pool["outstanding_count_interval"][0] <= pool["outstanding_count"]
        assert pool["allocations_interval"] == [pool["allocations"], None]
        assert pool["outstanding_uncertain_count"] == pool["outstanding_count"]
        assert all(low <= row["outstanding_count"] for row, (low, _) in zip(pool["by_tag"], of_tags, strict=True))
    else:
        assert {pool["outstanding_count_interval"], *of_tags} == {None}
        assert pool["outstanding_uncertain_bytes"] == 0


def test_the_full_report_and_the_tables_say_what_a_gap_leaves_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.etl"
    simulate("churn", 3, Settings(lost_events=0.1, tells_loss=False)).write(path)
    assert main(["analyze", str(path), "--full", "-q"]) == ExitCode.DONE
    said = " ".join(capsys.readouterr().out.split())
    assert "or more outstanding" in said
    assert "may have been freed" in said
    assert "CPU not known: a free is missing (inferred)" in said


def test_a_table_has_the_mark_only_where_something_is_missing(snapshot: Snapshot) -> None:
    for one, marked in ((snapshot, False), (_silent(snapshot), True)):
        held = one.diagnosis.held_requests
        holders, at = Holders.among(held, port_owners(one)), places(held, one.context)
        for table in (allocation_table(one), held_table(held, holders, one.context, at, one.uncertain_until_ns)):
            assert ("uncertain" in [column.heading.key for column in table.columns]) is marked
