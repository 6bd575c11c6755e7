"""What grew only while a program, or a load, started is said to be that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from analyzers.findings import Verdict
from analyzers.snapshot import Snapshot
from analyzers.verdicts.accusation import DiagnosisInputs
from analyzers.verdicts.starting import with_starts
from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tests.analyzers.numbered import Numbered
from tests.analyzers.verdicts.judged import judged, outstanding_at
from tests.analyzers.verdicts.lives import NEVER, Lives


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


def _said(births: Sequence[float], *, started: bool = True) -> str:
    """Why a group is cleared that is born at these shares of a trace; process 4 starts with it, or was there before."""
    length = 1e9
    lives = Lives(np.array(births) * length, np.full(len(births), NEVER), length)
    found = judged(lives)
    assert found.verdict is Verdict.CACHE
    sites = SimpleNamespace(stack=np.full(1, -1, np.int32))
    scene = cast(
        DiagnosisInputs,
        SimpleNamespace(
            pool=SimpleNamespace(outstanding=outstanding_at(lives.births()), sites=sites),
            names=Numbered(),
            started=lambda _process, _at_ns: 0 if started else None,
            at_ns=int(length),
            until_ns=int(length),
        ),
    )
    [cleared] = with_starts([found], scene)
    return cleared.why if "it grew only" in cleared.why else ""


def _early(count: int, until: float) -> list[float]:
    return [*np.linspace(0.001, until, count)]


@pytest.mark.parametrize(("early", "is_start"), [(96, True), (94, False)])
def test_nineteen_of_twenty_are_there_early_of_what_is_a_start(early: int, is_start: bool) -> None:
    assert bool(_said([*_early(early, 0.3), *np.linspace(0.6, 0.9, 100 - early)])) is is_start


@pytest.mark.parametrize(("until", "is_start"), [(0.32, True), (0.37, False)])
def test_what_a_program_sets_up_is_there_in_the_first_third_of_its_time(until: float, is_start: bool) -> None:
    assert bool(_said(_early(100, until))) is is_start


@pytest.mark.parametrize(("first", "is_start"), [(0.032, True), (0.035, False)])
def test_a_load_that_began_with_the_trace_shows_in_its_first_thirtieth(first: float, is_start: bool) -> None:
    assert bool(_said(np.linspace(first, 0.3, 100).tolist(), started=False)) is is_start
