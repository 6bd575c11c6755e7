"""Commands of this tree and of a commit: how one is timed, and what the table says of many."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.against import big, commands, starting
from benchmarks.against.commands import Run, run
from benchmarks.against.installed import Environment, Sides, this_tree
from benchmarks.plan import QUICK
from benchmarks.table import Row
from benchmarks.traces import Traces
from benchmarks.turns import in_turn
from fixtures.demo import DEMO_TRACE

PLAN = QUICK.sized(1 << 20)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="wait4(2) and terminals are POSIX")


@pytest.fixture
def here(tmp_path: Path) -> Environment:
    return this_tree(tmp_path)


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", program]


def test_the_peak_is_of_the_command_and_not_of_who_measures(here: Environment) -> None:
    mine = b"x" * (128 << 20)
    small = run(here, python("pass"))
    large = run(here, python("kept = b'x' * (64 << 20)"))
    assert len(mine) > large.peak > 64 << 20 > small.peak > 1 << 20


def test_the_clock_runs_to_the_last_byte(here: Environment) -> None:
    done = run(here, python("import time; began = time.process_time()\nwhile time.process_time() < began + 0.1: pass"))
    assert done.wall >= 0.1
    assert done.user + done.system >= 0.1


def test_a_command_that_fails_is_named_with_what_it_said(here: Environment) -> None:
    with pytest.raises(ValueError, match=r"this tree: .*no trace.*exit code 3"):
        run(here, python("import sys; print('no trace', file=sys.stderr); sys.exit(3)"))


def test_a_terminal_is_read_until_words_are_painted_however_they_are_set(here: Environment) -> None:
    said = r"'\x1b[1mLE\x1b[0mAK', columns, '│ other\r\n\x1b]0;title\x07│', lines"
    shows = f"import os, signal; columns, lines = os.get_terminal_size(); print({said}, flush=True); signal.pause()"
    assert run(here, python(shows), until=["LEAK", "120", "40"]).wall > 0


def test_words_that_are_never_painted_are_said(here: Environment) -> None:
    with pytest.raises(ValueError, match=r"'LEAK 1' never came; last: .*no leak"):
        run(here, python("print('1 no leak')"), until=["LEAK", "1"])


@pytest.mark.skipif(sys.platform != "linux", reason="no process is pinned elsewhere")
def test_a_command_is_held_to_so_many_cores(here: Environment) -> None:
    run(here, python("import os, sys; sys.exit(len(os.sched_getaffinity(0)) != 1)"), cores=1)


def test_a_header_is_read_by_a_program_of_its_own(here: Environment) -> None:
    run(here, [here.python, "-c", starting._OPEN, DEMO_TRACE])
    with pytest.raises(ValueError, match="exit code 1"):
        run(here, [here.python, "-c", starting._OPEN, here.folder / "none.etl"])


def test_the_order_of_turns_changes_from_round_to_round() -> None:
    order: list[str] = []
    found = in_turn([lambda: order.append("one") or 1, lambda: order.append("other") or 2], 3)  # type: ignore[func-returns-value]
    assert order == ["other", "one", "one", "other", "other", "one"]
    assert found == [[1, 1, 1], [2, 2, 2]]


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    made = (Environment(name, Path(name), tmp_path, {}, (name,)) for name in ("commit", "wheel", "tree"))
    return Sides(*made)


class Stopwatch:
    """Stands in for ``run``: what each environment takes, by its name; all calls."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = seconds
        self.calls: list[tuple[str, tuple[str, ...], object]] = []

    def __call__(
        self,
        environment: Environment,
        command: Sequence[str | Path],
        *,
        cores: int | None = None,
        until: Sequence[str] | None = None,
        extra: dict[str, str] | None = None,
    ) -> Run:
        assert (extra is None) or Path(extra["HOME"]).is_dir()
        self.calls.append((environment.name, tuple(map(str, command)), extra or cores or until))
        seconds = self.seconds[environment.name] * (0.5 if "small.etl" in str(command[-1]) else 1.0)
        return Run(seconds, seconds / 2, 0.0, int(seconds * 1_000_000))


def _timed(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> Stopwatch:
    stopwatch = Stopwatch(**seconds)
    for module in (commands, starting, big):
        monkeypatch.setattr(module, "run", stopwatch)
    monkeypatch.setattr(starting, "_title", lambda environment, _asked: ["LEAK", environment.name])
    return stopwatch


def _limits(rows: list[Row]) -> list[tuple[float | None, float | None]]:
    return [(row.limit, row.ratio) for row in rows]


def test_starts_are_of_the_commit_and_the_wheel_on_the_same_files(
    sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopwatch = _timed(monkeypatch, commit=2.0, wheel=1.0)
    rows = list(starting.starts(sides, PLAN, Traces(tmp_path)))
    assert _limits(rows) == [(0.45, 0.5), (0.45, 0.5), (1.1, 0.5), (0.5, 0.5), (None, 0.5), (0.3, 0.5)]
    assert rows[0].note == "2.000 s there; user CPU 0.500 s, 1.000 s there"
    words = {name: [command[1:] for who, command, _ in stopwatch.calls if who == name] for name in ("commit", "wheel")}
    assert words["commit"] == words["wheel"]
    assert words["wheel"][0] == ("analyze", "--json", str(DEMO_TRACE))
    assert len(words["wheel"]) == len(rows) * (PLAN.runs + 1)
    assert ("wheel", ("wheel", "demo"), ["LEAK", "wheel"]) in stopwatch.calls
    assert 150_000 < (tmp_path / "small.etl").stat().st_size < 250_000


def test_where_one_finds_no_leak_nothing_is_waited_for(
    sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopwatch = _timed(monkeypatch, commit=2.0, wheel=1.0)
    monkeypatch.setattr(starting, "_title", lambda environment, _asked: ["LEAK"] * (environment.name == "wheel"))
    rows = [row for row in starting.starts(sides, PLAN, Traces(tmp_path)) if row.problem]
    assert [(row.name[:4], row.ratio) for row in rows] == [("demo", None), ("tui,", None)]
    assert not any(command[1] in {"demo", "tui"} for _, command, _ in stopwatch.calls)


def test_the_words_that_are_waited_for_are_the_first_findings(here: Environment) -> None:
    for document, words in (
        ('{"findings": [{"says": "400 requests wait"}]}', ["400", "requests", "wait"]),
        ('{"findings": []}', []),
    ):
        tells = Environment("one", here.python, here.folder, {}, (sys.executable, "-c", f"print({document!r})"))
        assert starting._title(tells, ["demo", "--json"]) == words


def test_every_first_run_has_a_cache_of_its_own(sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopwatch = _timed(monkeypatch, commit=10.0, wheel=2.0, tree=8.0)
    monkeypatch.setattr("compileall.compile_dir", lambda *_, **__: True)
    rows = list(starting.first(sides, PLAN, Traces(tmp_path)))
    assert _limits(rows) == [(0.35, 0.2), (None, 0.8)]
    caches = [extra["NUMBA_CACHE_DIR"] for _, _, extra in stopwatch.calls if isinstance(extra, dict)]
    assert len(set(caches)) == len(stopwatch.calls) == 3
    assert not any(Path(cache).parent.exists() for cache in caches)


def test_of_a_big_trace_the_start_is_taken_off_for_each_tree(
    sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopwatch = _timed(monkeypatch, commit=4.0, wheel=2.0)
    monkeypatch.setattr(big, "processors", lambda: 2)
    monkeypatch.setattr(sys, "platform", "linux")
    rows = list(big.big(sides, PLAN, Traces(tmp_path)))
    assert _limits(rows) == [(0.55, 0.5), (0.65, 0.5), (0.75, 0.5)]
    assert [row.value for row in rows] == [2.0, 1.0, 1.0]
    both_of_both = [(who, Path(words[-1]).name == "small.etl") for who, words, _ in stopwatch.calls[:4]]
    assert both_of_both == [("commit", False), ("wheel", False), ("commit", True), ("wheel", True)]
    assert [cores for _, _, cores in stopwatch.calls] == [2] * (len(stopwatch.calls) // 2) + [1] * (
        len(stopwatch.calls) // 2
    )


def test_cores_that_there_are_not_are_said(sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _timed(monkeypatch, commit=4.0, wheel=2.0)
    monkeypatch.setattr(big, "processors", lambda: 1)
    first, last = big.big(sides, PLAN, Traces(tmp_path))
    assert (first.name, first.ratio, first.problem[:8]) == ("2 cores", None, "not here")
    assert (last.name, last.ratio) == ("less start-up, 1 core", 0.5)


def test_what_is_less_than_noise_has_no_ratio(sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _timed(monkeypatch, commit=0.0, wheel=2.0)
    rows = list(big.big(sides, PLAN, Traces(tmp_path)))
    assert {(row.ratio, row.problem) for row in rows if "less" in row.name} == {(None, "too small to be measured")}


def test_memory_is_of_three_sizes(sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _timed(monkeypatch, commit=4.0, wheel=3.0)
    rows = list(big.memory(sides, QUICK.sized(4 << 20), Traces(tmp_path)))
    assert _limits(rows) == [(0.7, 0.75)] * 3
    assert [row.passed for row in rows] == [False] * 3
    assert rows[0].value == 3_000_000
