"""live --counters --log: one line a tag and minute, for a spreadsheet."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from analyzers.selection.query import Query
from tests.tracer.live.counted import Kernel, Tag
from tests.tui.counting import Clock, leaking, sampling
from tests.tui.made_windows import MadeWindows, installed
from tracer.errors import OutputError, UsageError
from tui.cli import main
from tui.counters.beside import Beside
from tui.counters.log import COLUMNS, CountersLog
from tui.counters.waiting import counted_for
from tui.exit_codes import ExitCode

BEGAN = datetime(2026, 3, 1, 23, 58, 30, tzinfo=UTC)
EVERYTHING = Query()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counted(path: Path, seconds: float, filters: Query = EVERYTHING, kernel: Kernel | None = None) -> None:
    """Count by a clock that goes on by what is slept."""
    clock = Clock()
    began = clock.now
    with CountersLog(path, filters, lambda: BEGAN + timedelta(seconds=clock.now - began)) as log:
        counted_for(sampling(clock, kernel), seconds, clock.sleep, Beside(log=log))


def test_every_tag_has_one_line_a_minute_with_its_time_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    counted(path, 150.0)
    told = rows(path)
    assert list(told[0]) == list(COLUMNS)
    times = ["2026-03-01T23:58:30Z", "2026-03-01T23:59:00Z", "2026-03-02T00:00:00Z", "2026-03-02T00:01:00Z"]
    assert [(one["time_utc"], one["tag"], one["pool"]) for one in told] == [
        (time, tag, pool) for time in times for tag, pool in (("MmSt", "Nonp"), ("MmSt", "Paged"), ("AfdE", "Nonp"))
    ]
    afde = [one for one in told if one["tag"] == "AfdE"]
    assert [one["change_bytes"] for one in afde] == ["", str(30 * 1600), str(60 * 1600), str(60 * 1600)]
    assert afde[1]["bytes"] == str(9_600 + 30 * 1600)
    assert (afde[0]["allocations"], afde[0]["frees"], afde[0]["outstanding"]) == ("100", "40", "60")
    assert afde[0]["driver"] == "afd.sys"


def test_only_tags_that_were_asked_for_have_lines(tmp_path: Path) -> None:
    counted(tmp_path / "pool.csv", 90.0, Query(tags=("Afd*",)))
    assert {one["tag"] for one in rows(tmp_path / "pool.csv")} == {"AfdE"}


def test_a_clock_of_another_zone_writes_utc(tmp_path: Path) -> None:
    here = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    with CountersLog(tmp_path / "pool.csv", EVERYTHING, lambda: here) as log:
        log.take(sampling(Clock()).snapshot())
    assert rows(tmp_path / "pool.csv")[0]["time_utc"] == "2026-02-28T23:00:00Z"


def test_what_a_spreadsheet_would_compute_is_a_text(tmp_path: Path) -> None:
    kernel = Kernel([Tag(b"=1+1", nonpaged=(1, 0, 8)), Tag(b'a,"b', nonpaged=(1, 0, 8))])
    counted(tmp_path / "pool.csv", 1.0, kernel=kernel)
    assert [one["tag"] for one in rows(tmp_path / "pool.csv")] == ["'=1+1", 'a,"b']


def test_a_log_is_added_to_and_has_one_header(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    counted(path, 1.0)
    once = path.read_bytes()
    counted(path, 1.0)
    assert path.read_bytes().startswith(once)
    assert path.read_text().count("time_utc") == 1
    assert len(rows(path)) == 6


def test_a_line_that_a_crash_cut_off_is_ended_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    counted(path, 1.0)
    path.write_bytes(path.read_bytes()[:-9])
    counted(path, 1.0)
    assert [one["tag"] for one in rows(path)][-3:] == ["MmSt", "MmSt", "AfdE"]


@pytest.mark.parametrize("held", [b"a letter\r\n", b"time_utc,tag\r\n", b"x"])
def test_a_file_that_is_something_else_stays_as_it_is(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(held)
    with pytest.raises(UsageError) as refused:
        CountersLog(path, EVERYTHING)
    assert "no log of pool counters" in refused.value.what
    assert path.read_bytes() == held


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    installed(monkeypatch, MadeWindows(kernel=leaking()))
    assert main(["live", "--counters", "--report", "--for", "10ms", "--log", "/dev/full"]) == ExitCode.OUTPUT
    err = capsys.readouterr().err
    assert "cannot write the log" in err
    assert "No space left" in err


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX's")
def test_a_disk_that_fills_up_leaves_no_half_line(tmp_path: Path) -> None:
    import resource
    import signal

    path = tmp_path / "pool.csv"
    with CountersLog(path, EVERYTHING) as log:
        whole = path.read_bytes()
        before, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, limits[1]))
        try:
            with pytest.raises(OutputError):
                log.take(sampling(Clock()).snapshot())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == whole


def test_the_command_writes_it_beside_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, MadeWindows(kernel=leaking()))
    path = tmp_path / "pool.csv"
    assert main(["live", "--counters", "--report", "--for", "10ms", "--log", str(path), "--tag", "AfdE"]) == 0
    assert "AfdE" in capsys.readouterr().out
    assert {one["tag"] for one in rows(path)} == {"AfdE"}


def test_without_counters_there_is_nothing_to_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--log", str(tmp_path / "pool.csv")]) == ExitCode.USAGE
    assert "--counters --log" in capsys.readouterr().err
    assert not (tmp_path / "pool.csv").exists()
