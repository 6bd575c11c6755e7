"""Whatever is written to a disk that is full ends with 7, says what to do, and leaves what was there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.snapshot import Snapshot
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.exports.registry import FORMS, REPORT_FORMS

DEMO = "fixtures/demo.etl"
WORDS = [
    *(["export", "leak.etl", "--to", f"{{}}/x{form.suffix}"] for form in FORMS),
    *(["report", "leak.etl", "--to", f"{{}}/x{form.suffix}"] for form in REPORT_FORMS),
    ["sql", DEMO, "from tags", "--to", "{}/x.csv"],
    ["sql", DEMO, "from tags", "--to", "{}/x.parquet"],
    ["tui", "leak.etl", "--screenshot", "{}/x.svg"],
    ["check", "leak.etl", "--budget", "{}/../budget.toml", "--junit", "{}/x.xml"],
    ["check", "leak.etl", "--budget", "{}/../budget.toml", "--sarif", "{}/x.sarif"],
    ["check", "leak.etl", "--budget", "{}/x.toml", "--update"],
    ["simulate", "cache", "{}/x.etl", "--iterations", "3"],
]


@pytest.fixture
def full_disk(small_disk: Path) -> Path:
    """Has no byte left, and a file of one."""
    (small_disk / "mine").write_bytes(b"x")
    with (small_disk / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(1 << 16)) == 1 << 16:  # the last one is cut short
            pass
    return small_disk


@pytest.fixture(autouse=True)
def _trace(traces: Callable[..., None], leaking_snapshot: Snapshot, tmp_path: Path) -> None:
    traces(leak=leaking_snapshot)
    (tmp_path / "budget.toml").write_text("[tag]\nCtFl = 100\n", "ascii")


def told(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    before = sorted(folder.iterdir())
    assert main([*(word.format(folder) for word in words), "--quiet"]) == ExitCode.OUTPUT
    assert sorted(folder.iterdir()) == before
    what, where, why, next_ = capsys.readouterr().err.splitlines()
    assert "cannot write the" in what
    assert str(folder) in where
    assert ".part" not in where
    assert next_.startswith("  next ")
    return [what, where, why, next_]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: f"{words[0]}-{words[-1].rpartition('/')[2]}")
def test_a_full_disk_is_told_and_nothing_half_written_is_left(
    words: list[str], full_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No space left" in told(words, full_disk, capsys)[2]


def test_a_quota_that_is_told_as_the_file_is_finished_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # as a share does
    def over(_: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr("tracer.whole_files.os.fsync", over)
    assert os.strerror(errno.EDQUOT) in told(["export", "leak.etl", "--to", "{}/x.csv"], tmp_path, capsys)[2]
