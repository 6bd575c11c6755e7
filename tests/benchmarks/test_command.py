from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.against.sections import SECTIONS as BESIDE_A_COMMIT
from benchmarks.plan import Plan
from benchmarks.sections import SECTIONS, Section
from benchmarks.table import Row
from benchmarks.traces import Traces


def _misses(_plan: Plan, _traces: Traces) -> Iterator[Row]:
    yield Row("start", "too slow", 3.0, ratio=3.0, to="1 s", limit=2.0)


def _breaks(_plan: Plan, _traces: Traces) -> Iterator[Row]:
    yield Row("memory", "measured before it broke", 1.0)
    raise OSError("no space")


@pytest.fixture(autouse=True)
def _sections(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(SECTIONS) == ["speed", "start", "peers", "memory", "live", "names", "diff", "long"]
    monkeypatch.setattr(command, "SECTIONS", {"start": _misses, "memory": _breaks, "long": _breaks})


def test_a_missed_limit_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "start"]) == 1
    out = capsys.readouterr().out
    assert "CPU: " in out
    assert "too slow" in out


def test_a_missed_limit_is_forgiven_in_a_quick_run() -> None:
    assert command.main(["--quick", "--only", "start"]) == 0


def test_a_section_that_breaks_says_so_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--quick", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in document["rows"]] == ["too slow", "measured before it broke", "memory"]
    assert document["rows"][2]["problem"] == "OSError: no space"
    assert set(document["machine"]) >= {"CPU", "cores", "Python", "numba"}


def test_kept_traces_are_used_again(tmp_path: Path) -> None:
    first = Traces(tmp_path).get(1 << 19, 100)
    written = first.path.stat().st_mtime_ns
    again = Traces(tmp_path).get(1 << 19, 100)
    assert again == first
    assert again.path.stat().st_mtime_ns == written


def test_a_long_trace_is_measured_on_request_and_as_long_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def long(plan: Plan, _traces: Traces) -> Iterator[Row]:
        seen.append(plan.long)
        yield Row("long", "rate")

    monkeypatch.setattr(command, "SECTIONS", {"start": _misses, "long": long})
    assert command.main(["--quick"]) == 0
    assert seen == []
    assert command.main(["--quick", "--only", "long", "--long", "3MiB"]) == 0
    assert seen == [3 << 20]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "peaks"], "not a section without a commit: peaks"),
        (["--against", "abc1234", "--only", "memory", "first"], "not a section beside a commit: memory"),
    ],
)
def test_a_section_that_is_not_of_this_table_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(words)
    assert said in capsys.readouterr().err


def test_beside_a_commit_its_sections_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def against(commit: str, _folder: Path) -> dict[str, Section]:
        assert commit == "abc1234"
        return dict.fromkeys(BESIDE_A_COMMIT, _misses)

    monkeypatch.setattr(command, "against", against)
    assert command.main(["--against", "abc1234"]) == 1


def test_a_commit_that_cannot_be_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def against(commit: str, _folder: Path) -> dict[str, Section]:
        raise ValueError(f"{commit} cannot be installed: no room")

    monkeypatch.setattr(command, "against", against)
    with pytest.raises(SystemExit):
        command.main(["--against", "abc1234"])
    assert "abc1234 cannot be installed: no room" in capsys.readouterr().err
