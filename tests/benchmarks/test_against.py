"""This tree beside another commit: what is asked of both, and what the table says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.accuracy.scripted.playing import play
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.against import passages
from benchmarks.against.installed import Environment, Sides, installed, this_tree
from benchmarks.against.passage import passage
from benchmarks.against.runner import Process, alternate, middle
from benchmarks.plan import QUICK
from benchmarks.traces import Traces


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "held.etl"
    path.write_bytes(play("routine-local-server", 3, Spoiling.NONE, events=400)[0])
    return path


def test_a_bare_passage_has_no_diagnosis_and_a_whole_one_has(trace: Path) -> None:
    whole, bare = (passage(trace, bare=each) for each in (False, True))
    assert bare["findings"] == 0
    assert whole["findings"] >= 1
    assert 0 < whole["analysed"] < whole["whole"]


@pytest.mark.slow
def test_two_environments_are_asked_in_turn(trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    both = [this_tree(tmp_path / name) for name in ("one", "other")]
    found = alternate(both, trace, 2)
    assert [len(each["requests"]) for each in found] == [2, 2]
    assert all(middle(each, "peak") > 1 << 20 for each in found)


def test_an_environment_that_cannot_analyse_says_so(trace: Path, tmp_path: Path) -> None:
    broken = this_tree(tmp_path)
    process = Process(Environment("broken", broken.python, broken.folder, {"PYTHONHOME": str(tmp_path)}, ()), trace)
    with pytest.raises(ValueError, match="broken cannot analyse"):
        process.ask(bare=True)
    process.end()


def test_processes_take_no_modules_from_where_who_measures_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("SHELL_OF_THE_TEST", "kept")
    found = Environment("one", Path(), Path(), {"NUMBA_CACHE_DIR": "own"}, ()).variables()
    assert "PYTHONPATH" not in found
    assert (found["SHELL_OF_THE_TEST"], found["NUMBA_CACHE_DIR"]) == ("kept", "own")


def test_a_commit_that_there_is_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no commit nothing-such"):
        installed("nothing-such", tmp_path / "commit")


def test_the_table_has_ratios_to_the_commit_and_a_limit_for_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("whole", "analysed", "bare", "requests", "peak")
    before, after = ({name: list(times) for name in names} for times in ((2.0,), (2.5, 2.1, 2.2)))
    monkeypatch.setattr(passages, "alternate", lambda *_: [before, after])
    monkeypatch.setattr(passages, "_QUICK_EVENTS", 300)
    commit, tree = (Environment(name, tmp_path, tmp_path, {}, ()) for name in ("abc1234", "this tree"))
    found = list(passages.requests(Sides(commit, tree, tree), QUICK, Traces(tmp_path)))
    first = found[0]
    assert (first.name, first.limit) == ("requests, holders and verdicts", 1.1)
    assert first.ratio == pytest.approx(1.1)
    assert first.passed
    assert {row.to for row in found} == {"abc1234"}
    assert "requests held" in first.section
