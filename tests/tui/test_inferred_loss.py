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
from tui.incompleteness import rounded

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


@pytest.mark.parametrize(("lost", "code"), [(0.0, ExitCode.DONE), (0.1, ExitCode.INCOMPLETE)])
def test_strict_refuses_a_trace_from_which_events_are_missing_silently(
    lost: float, code: ExitCode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.etl"
    simulate("churn", 3, Settings(lost_events=lost, tells_loss=False)).write(path)
    assert main(["analyze", str(path), "--json", "--strict", "-q"]) == code
    inferred = json.loads(capsys.readouterr().out)["loss"]["inferred"]
    assert (inferred is not None) is (code is ExitCode.INCOMPLETE)
