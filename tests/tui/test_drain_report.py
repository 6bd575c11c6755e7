"""What reports and --json tell of a drain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.settings import Drain, Settings
from fixtures.simulate import simulate
from tui.cli import main
from tui.exit_codes import ExitCode

SETTINGS = Settings(iterations=120, think_ns=20_000_000, drain_ns=4_000_000_000)


def trace(tmp_path: Path, recorded: Drain) -> str:
    path = tmp_path / "trace.etl"
    simulate("missing-free", 3, Settings(**{**SETTINGS.as_dict(), "drain": recorded})).write(path)  # type: ignore[arg-type]
    return str(path)


@pytest.mark.parametrize(
    ("recorded", "by", "says", "reason"),
    [
        (Drain.MARKED, "recorded", "allocations that do not count", "after the drain began"),
        (
            Drain.FREES,
            "seen",
            "no allocations, which were not traced then (inferred)",
            "were no longer traced (inferred)",
        ),
    ],
)
def test_a_report_says_how_long_a_drain_was_and_tells_rates_of_the_time_before(
    recorded: Drain, by: str, says: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = trace(tmp_path, recorded)
    assert main(["analyze", path, "--json", "--quiet"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    drain = document["evidence"]["drain"]
    assert drain["by"] == by
    assert drain["to_ns"] - drain["from_ns"] == pytest.approx(4e9, rel=0.01)
    assert 100 < drain["frees"] < document["pool"]["frees"]
    for words in ([], ["--full"], ["--explain", "1"]):
        assert main(["analyze", path, "--quiet", *words]) == ExitCode.DONE
        text = " ".join(capsys.readouterr().out.split())
        assert reason in text or not words
        if words != ["--explain", "1"]:
            assert f"frees, and {says}" in text
            assert f" in {drain['from_ns'] / 1e9:.2f} s; too uneven for a rate" in text


def test_a_trace_without_a_drain_says_nothing_of_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = trace(tmp_path, Drain.NONE)
    assert main(["analyze", path, "--json", "--quiet"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["evidence"]["drain"] is None
    assert main(["analyze", path, "--full", "--quiet"]) == ExitCode.DONE
    assert not any(line.lstrip().startswith("drain ") for line in capsys.readouterr().out.splitlines())
