"""Handed traces of rolled and of appended sessions; they are not part of this repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tui.cli import main
from tui.exit_codes import ExitCode

CASES = Path(__file__).parents[2] / "../shared/cases"
ROLLED = ("rolled.etl.001", "rolled.etl.002")

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the handed traces are not on this machine")


def told(capsys: pytest.CaptureFixture[str], *names: str) -> Any:
    assert main(["analyze", *(str(CASES / name) for name in names), "--json", "--quiet"]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("names", [ROLLED, ROLLED[::-1]])
def test_a_rolled_session_is_clean_as_one_trace(names: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    whole = told(capsys, *names)
    assert [Path(path).name for path in whole["trace"]["path"]] == list(ROLLED)
    pool = whole["pool"]
    assert (pool["allocations"], pool["matched"], pool["outstanding_count"]) == (800, 800, 0)
    assert whole["findings"] == []


def test_its_first_part_alone_grows_and_is_said_to_be_a_part(capsys: pytest.CaptureFixture[str]) -> None:
    first = told(capsys, ROLLED[0])
    assert [(each["verdict"], each["tag"], each["count"]) for each in first["findings"]] == [("growth", "Roll", 400)]
    assert first["trace"]["rolled"]["beside"] == [ROLLED[1]]


def test_two_appended_sessions_are_told_each_for_itself(capsys: pytest.CaptureFixture[str]) -> None:
    whole = told(capsys, "two-sessions-appended.etl")
    assert whole["trace"]["sessions"] == 2
    assert [
        (each["pool"]["allocations"], each["pool"]["outstanding_count"], [found["tag"] for found in each["findings"]])
        for each in whole["sessions"]
    ] == [(400, 200, ["App1"]), (400, 0, [])]
    assert all(each["trace"]["duration_ns"] < 1_000_000_000 for each in whole["sessions"])
