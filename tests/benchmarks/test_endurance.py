from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from benchmarks.endurance import Course, replayed, started_and_stopped, write_trace

ROOT = Path(__file__).parents[2]


def test_drift_is_from_the_second_quarter_to_the_last() -> None:
    assert Course([1, 2, 100, 100, 150, 170, 101, 101], 0, 0, 0).drift == pytest.approx(0.01)
    assert Course([9, 9, 9, 9], 0, 0, 0).drift == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what a process has open is looked up in /proc")
def test_captures_that_are_started_and_stopped_leave_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.endurance", "--only", "starts", "--starts", "30"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("starts: 30 captures, 0 failed, at most 0 more of anything\n")


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has open is looked up in /proc")
def test_a_file_that_each_capture_leaves_open_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[IO[bytes]] = []

    class Leaking:
        def __enter__(self) -> Leaking:
            left.append(Path(os.devnull).open("rb"))
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def batches(self, _: object) -> Iterator[None]:
            yield None

    monkeypatch.setattr("benchmarks.endurance._played", lambda: (Leaking, lambda: 0))
    had, failed = started_and_stopped(20)
    assert (had[2]["handles"] - had[1]["handles"], failed) == (18, [])
    for each in left:
        each.close()


@pytest.mark.slow
@pytest.mark.repeats
@pytest.mark.skipif(sys.platform != "linux", reason="what is resident is told by Linux only")
def test_a_replay_is_shown_to_its_end_and_its_memory_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "long.etl"
    write_trace(path, 0.02)
    course = replayed(path)
    assert course.trace_ns > 0.02 * 3_600 * 10**9
    assert course.events > 300
    assert course.shown > 20
    assert len(course.resident) >= 1
