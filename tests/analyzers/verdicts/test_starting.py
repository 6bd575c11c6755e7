"""What grew only while a program, or a load, started is said to be that."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from analyzers.findings import Verdict
from analyzers.snapshot import Snapshot
from analyzers.verdicts.accusation import DiagnosisInputs
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed


def _started(path: Path, seed: int) -> Snapshot:
    data, _ = play("program-starts", seed, Spoiling.NONE)
    (path / "trace.etl").write_bytes(data)
    return analysed(path / "trace.etl")


@pytest.mark.parametrize("seed", range(1, 4))
def test_what_a_program_set_up_when_it_started_is_said_to_be_that(seed: int, tmp_path: Path) -> None:
    snapshot = _started(tmp_path, seed)
    assert not snapshot.diagnosis.findings
    [said] = [each for each in snapshot.diagnosis.cleared if "started" in each.why]
    assert said.verdict in {Verdict.CACHE, Verdict.TRANSIENT}
    assert "it grew only while " in said.why
    assert "of its start at +" in said.why


def test_tables_that_a_driver_builds_when_the_load_begins_are_said_to_be_a_start(tmp_path: Path) -> None:
    simulate("warm-up", 31, Settings()).write(tmp_path / "trace.etl")
    cleared = analysed(tmp_path / "trace.etl").diagnosis.cleared
    assert any("it grew only when the trace began" in each.why for each in cleared)


@pytest.mark.parametrize("scenario", ["burst", "process-churn"])
def test_what_comes_and_goes_is_no_start(scenario: str, tmp_path: Path) -> None:
    simulate(scenario, 31, Settings()).write(tmp_path / "trace.etl")
    assert not [each for each in analysed(tmp_path / "trace.etl").diagnosis.cleared if "it grew only" in each.why]


@pytest.mark.parametrize(("seconds", "starting"), [(59, True), (61, False)])
def test_a_program_is_up_a_minute_after_its_start(seconds: int, starting: bool) -> None:
    nothing = cast(Any, None)
    scene = DiagnosisInputs(
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        started=lambda _process, _at_ns: 0,
        at_ns=seconds * 1_000_000_000,
    )
    assert scene.is_starting(8, 1) is starting
