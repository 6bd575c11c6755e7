"""Kinds of the corpus whose session was rolled over to several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.accuracy import running
from benchmarks.accuracy.corpus import Case, Writer
from benchmarks.accuracy.judging import Outcome
from benchmarks.accuracy.spoilings import Spoiling
from fixtures.etl.rolling import rolled
from tests.tracer.etl.joining.recordings import alone


def case(kind: str, spoiling: Spoiling = Spoiling.NONE) -> Case:
    return Case(Writer.SCRIPTED, kind, 1_001, spoiling)


@pytest.mark.parametrize(("kind", "outcome"), [("rolled-clean", Outcome.CLEAN), ("rolled-leak", Outcome.RIGHT)])
def test_files_of_one_session_are_judged_as_one_trace(kind: str, outcome: Outcome) -> None:
    assert case(kind).files > 1
    assert running.judge_case(case(kind)).judgement.outcome is outcome


def test_the_first_file_of_the_clean_kind_looks_like_a_leak(tmp_path: Path) -> None:
    data, truth = case("rolled-clean").play()
    path = tmp_path / "first.etl"
    path.write_bytes(rolled(data, (0.5,))[0])
    assert truth.clean
    assert alone(path).diagnosis.findings


def test_a_circular_file_goes_on_in_itself() -> None:
    assert case("rolled-clean", Spoiling.WRAPPED).files == 1
