"""The first run: what is said, what a second process does, and what later runs know of it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui.reading import compilation as compiling
from tui.reading import compiled
from tui.reading.compilation import Helper, announce_compilation, compilation
from tui.reading.compiled import Part, is_compiled, note_compiled

ROOT = Path(__file__).parents[2]


class FakeProcess:
    """Stands for the second process; ``waiting`` is what waiting for it does."""

    def __init__(self, waiting: Callable[[], None] = lambda: None) -> None:
        self.waiting = waiting
        self.waited = 0
        self.ended = 0

    def wait(self, _seconds: float) -> int:
        self.waited += 1
        self.waiting()
        return 0

    def kill(self) -> None:
        self.ended += 1

    def communicate(self) -> None:
        pass


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, on a machine with two processors."""
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    monkeypatch.setattr(compiling, "is_compiled", is_compiled)
    monkeypatch.setattr(compiling, "_processors", lambda: 2)
    monkeypatch.setattr(compiled, "cache_directory", lambda: kernels)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    return kernels


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """No second process is started; what it would have been started with is in here."""
    calls: list[dict[str, Any]] = []

    def start(words: list[str], **options: Any) -> FakeProcess:
        calls.append({"words": words, **options})
        return FakeProcess()

    monkeypatch.setattr(subprocess, "Popen", start)
    return calls


def test_the_first_run_says_that_it_compiles(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert announce_compilation(quiet=False)
    assert "compiling kernels" in capsys.readouterr().err


def test_quiet_and_unjitted_runs_say_nothing(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert announce_compilation(quiet=True)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert not announce_compilation(quiet=False)
    assert capsys.readouterr().err == ""


def test_a_run_that_came_to_its_end_is_the_last_that_says_it(cache: Path, started: list[Any]) -> None:
    with compilation(Part.ANALYSIS, quiet=True):
        assert not is_compiled(Part.ANALYSIS)
    assert is_compiled(Part.ANALYSIS)
    with compilation(Part.ANALYSIS, quiet=True) as helper:
        helper.wait()
    assert len(started) == 1


def test_a_run_that_failed_leaves_the_next_one_to_say_it(cache: Path, started: list[Any]) -> None:
    with pytest.raises(RuntimeError), compilation(Part.ANALYSIS, quiet=True):
        raise RuntimeError
    assert not is_compiled(Part.ANALYSIS)


def test_an_analysis_has_compiled_what_reading_needs_but_not_the_other_way_round(cache: Path) -> None:
    note_compiled(Part.READING)
    assert (is_compiled(Part.READING), is_compiled(Part.ANALYSIS)) == (True, False)
    next(cache.iterdir()).unlink()
    note_compiled(Part.ANALYSIS)
    assert (is_compiled(Part.READING), is_compiled(Part.ANALYSIS)) == (True, True)


def test_another_state_of_the_source_is_not_compiled(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = cache.parent / "room"
    room.mkdir()
    (room / "kernels.py").write_text("one")
    monkeypatch.setattr(compiled, "_rooms", lambda: [room])
    note_compiled(Part.ANALYSIS)
    assert is_compiled(Part.ANALYSIS)
    (room / "kernels.py").write_text("another")
    assert not is_compiled(Part.ANALYSIS)


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"3.9 0.1 00000000"])
def test_a_note_that_says_something_else_is_no_note(cache: Path, text: bytes) -> None:
    note_compiled(Part.ANALYSIS)
    next(cache.iterdir()).write_bytes(text)
    assert not is_compiled(Part.ANALYSIS)


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(compiled, "cache_directory", lambda: tmp_path / "file")
    note_compiled(Part.ANALYSIS)
    assert not is_compiled(Part.ANALYSIS)


def test_the_second_process_has_the_modules_and_the_cache_of_the_first_and_says_nothing(
    cache: Path, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "somewhere")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with compilation(Part.ANALYSIS, quiet=True):
        pass
    (call,) = started
    assert call["words"] == [sys.executable, "-P", "-m", "analyzers.jit_warmup"]
    assert call["env"]["PYTHONPATH"] == os.pathsep.join(path for path in sys.path if path)
    assert call["env"]["NUMBA_CACHE_DIR"] == "somewhere"
    assert (call["stdin"], call["stdout"], call["stderr"]) == (subprocess.PIPE, subprocess.DEVNULL, subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("part", "where", "name", "value"),
    [
        (Part.READING, sys, "path", sys.path),
        (Part.ANALYSIS, compiling, "_processors", lambda: 1),
        (Part.ANALYSIS, sys, "executable", ""),
        (Part.ANALYSIS, sys, "frozen", True),
    ],
)
def test_there_is_no_second_process_where_it_is_of_no_use(
    cache: Path, started: list[Any], monkeypatch: pytest.MonkeyPatch, part: Part, where: object, name: str, value: Any
) -> None:
    monkeypatch.setattr(where, name, value, raising=False)
    with compilation(part, quiet=True) as helper:
        helper.wait()
    assert not started


def test_a_second_process_that_does_not_start_is_done_without(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with compilation(Part.ANALYSIS, quiet=True) as helper:
        helper.wait()
    assert is_compiled(Part.ANALYSIS)


def test_it_is_waited_for_once_and_ended_when_it_takes_too_long() -> None:
    def never() -> None:
        raise subprocess.TimeoutExpired("rehearsal", 1)

    process: Any = FakeProcess(never)
    helper = Helper(process)
    helper.wait()
    helper.wait()
    assert (process.waited, process.ended) == (1, 1)


def test_it_is_ended_when_the_user_does_not_want_to_wait() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    process: Any = FakeProcess(interrupt)
    with pytest.raises(KeyboardInterrupt):
        Helper(process).wait()
    assert process.ended == 1


def test_garbage_is_collected_again_after_compiling(cache: Path, started: list[Any]) -> None:
    with compilation(Part.ANALYSIS, quiet=True):
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_second_process_ends_with_the_first_however_that_ends() -> None:
    program = (
        "import threading, analyzers.jit_warmup as r;"
        "threading.Thread(target=r.leave_with_the_other, daemon=True).start();"
        "print('ready', flush=True); threading.Event().wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().strip() == b"ready"
        assert process.poll() is None
        process.stdin.close()  # as the system does with a process that is gone
        assert process.wait() == 1
