"""The first run: what is said, what a second process does, and what later runs know of it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tui.reading import compilation as compiling
from tui.reading.compilation import Helper, Part, compilation

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
    """An empty cache, on a machine with two processors, where a kernel is compiled as soon as it may be told."""
    kernels = tmp_path / "kernels"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kernels))
    monkeypatch.setattr(compiling, "before_compiling", at_once)
    monkeypatch.setattr(compiling, "processors", lambda: 2)
    return kernels


@contextmanager
def at_once(tell: Callable[[], None]) -> Iterator[None]:
    """In place of what waits for the first kernel."""
    tell()
    yield


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """No second process is started; what it would have been started with is in here."""
    calls: list[dict[str, Any]] = []

    def start(words: list[str], **options: Any) -> FakeProcess:
        calls.append({"words": words, **options})
        return FakeProcess()

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(compiling, "gather", lambda _: None)
    return calls


def test_what_compiles_says_so_unless_it_is_to_be_quiet(
    cache: Path, started: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with compilation(Part.ANALYSIS, quiet=False):
        assert "compiling kernels" in capsys.readouterr().err
    with compilation(Part.ANALYSIS, quiet=True):
        assert capsys.readouterr().err == ""


def test_where_nothing_is_compiled_nothing_is_said_or_started(
    started: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with compilation(Part.ANALYSIS, quiet=False) as helper:
        helper.wait()
        assert gc.isenabled()
    assert not started
    assert capsys.readouterr().err == ""


def test_what_was_compiled_is_gathered_where_all_went_well(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered: list[list[str]] = []
    monkeypatch.setattr(compiling, "gather", lambda rooms: gathered.append([room.name for room in rooms]))
    with pytest.raises(RuntimeError), compilation(Part.READING, quiet=True):
        raise RuntimeError
    assert not gathered
    with compilation(Part.READING, quiet=True):
        pass
    assert gathered == [["tracer", "analyzers"]]


def test_it_says_why_the_next_run_compiles_again(
    started: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "unkept", lambda: OSError(30, "Read-only file system", "/srv/somebody/.cache"))
    with compilation(Part.READING, quiet=True):
        pass
    assert capsys.readouterr().err == ""
    with compilation(Part.READING, quiet=False):
        pass
    said = capsys.readouterr().err
    assert "the next run compiles again ([Errno 30] Read-only file system: '/srv/somebody/.cache')" in said
    assert "NUMBA_CACHE_DIR" in said


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
    assert call["env"]["NUMBA_CACHE_DIR"] == str(Path.cwd() / "somewhere")
    assert call["env"]["PYTHONOPTIMIZE"] == str(sys.flags.optimize or "")
    assert (call["stdin"], call["stdout"], call["stderr"]) == (subprocess.PIPE, subprocess.DEVNULL, subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("part", "where", "name", "value"),
    [
        (Part.READING, sys, "path", sys.path),
        (Part.ANALYSIS, compiling, "processors", lambda: 1),
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


def test_it_is_waited_for_once_and_ended_when_it_takes_too_long() -> None:
    def never() -> None:
        raise subprocess.TimeoutExpired("rehearsal", 1)

    process: Any = FakeProcess(never)
    helper = Helper()
    helper._process = process
    helper.wait()
    helper.wait()
    assert (process.waited, process.ended) == (1, 1)


def test_it_is_ended_when_the_user_does_not_want_to_wait() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    process: Any = FakeProcess(interrupt)
    helper = Helper()
    helper._process = process
    with pytest.raises(KeyboardInterrupt):
        helper.wait()
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
