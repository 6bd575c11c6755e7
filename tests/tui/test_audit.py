"""``analyze --audit``: the books on a screen of 80 columns and in the document."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzers.snapshot import Snapshot
from fixtures.etl.rolling import appended, rolled
from tests.sweeps.every_kind import clean, leaking
from tests.tracer.etl.joining.recordings import files, simulated
from tests.tui.document_shapes import ANALYSIS, AUDIT
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.reading import trace as reading


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "t.etl"
    path.write_bytes(clean())
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = ExitCode.DONE) -> str:
    assert main(["analyze", *map(str, words), "--audit", "--quiet"]) == code
    return capsys.readouterr().out


def test_each_equation_is_told_with_its_numbers_in_80_columns(
    trace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = run(capsys, trace)
    assert max(len(line) for line in told.splitlines() if str(trace) not in line) <= 80
    words = " ".join(told.split())
    size = len(clean())
    assert f"bytes {size:,} bytes of the file = " in words
    assert "allocations 39 allocations = 32 matched + 0 replaced without free + 7 outstanding: holds" in words
    assert "frees 33 frees = 32 matched + 1 without allocation: holds" in words
    assert "All 12 hold." in words
    assert "11111111-2222-3333-4444-555555555555 6" in words


def test_the_document_has_the_books_only_where_they_are_asked_for(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(run(capsys, trace, "--json"))
    assert ANALYSIS(told)
    assert AUDIT(told["audit"])
    assert told["audit"]["holds"] is True
    assert main(["analyze", str(trace), "--json", "--quiet"]) == ExitCode.DONE
    assert "audit" not in json.loads(capsys.readouterr().out)


def test_filters_leave_the_books_whole(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, part = (json.loads(run(capsys, trace, "--json", *words)) for words in ((), ("--tag", "Init")))
    assert part["pool"]["by_tag"] != whole["pool"]["by_tag"]
    assert part["audit"] == whole["audit"]


def test_several_traces_sessions_and_joined_files_have_books(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = tmp_path / "two.etl"
    two.write_bytes(appended([clean(), leaking()]))
    both = json.loads(run(capsys, two, "--json"))
    assert [each["audit"]["holds"] for each in (both, *both["sessions"])] == [True, True, True]
    parts = files(tmp_path, rolled(simulated("missing-free").data, (0.3, 0.6)))
    told = json.loads(run(capsys, trace, *parts, "--json"))["traces"]
    assert [each["audit"]["holds"] for each in told] == [True, True]
    assert run(capsys, trace, *parts, two).count("All 12 hold.") == 4


def test_books_that_do_not_balance_are_a_fault_of_poolscope(
    trace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reading._read_snapshot

    def read(*args: Any, **named: Any) -> Any:
        snapshot, conclude = real(*args, **named)
        return _wrong(snapshot), conclude

    monkeypatch.setattr(reading, "_read_snapshot", read)
    words = " ".join(run(capsys, trace, code=ExitCode.INTERNAL).split())
    assert "DOES NOT HOLD" in words
    assert "1 of 12 equations does not hold: this is a fault of Poolscope" in words
    told = json.loads(run(capsys, trace, "--json", code=ExitCode.INTERNAL))["audit"]
    assert [each["name"] for each in told["equations"] if not each["holds"]] == ["bytes"]
    assert told["holds"] is False


def _wrong(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, bytes=replace(snapshot.bytes, padding=snapshot.bytes.padding + 1))


@pytest.mark.parametrize("other", [["--short"], ["--full"], ["--explain", "1"]])
def test_the_books_do_not_go_with_another_report(
    other: list[str], trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(trace), "--audit", *other]) == ExitCode.USAGE
    assert "does not go with --audit" in capsys.readouterr().err
