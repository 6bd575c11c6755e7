"""What shows that a file is one part of a recording."""

from __future__ import annotations

from pathlib import Path

from fixtures.etl.rolling import rolled
from tests.tracer.etl.joining.recordings import BEGAN, SECOND, START, alone, files, simulated, written
from tracer.etl.file import EtlFile
from tracer.etl.headers import LogFileMode
from tracer.trace import Rolled

PLAIN = LogFileMode(0)


def told(path: Path) -> Rolled | None:
    with EtlFile.open(path) as file:
        return file.info.rolled


def test_a_file_by_itself_shows_nothing(tmp_path: Path) -> None:
    (path,) = files(tmp_path, [simulated("churn").data], "pool_{:06}.etl")
    assert told(path) is None


def test_the_mode_newfile_is_a_sign(tmp_path: Path) -> None:
    first = files(tmp_path, rolled(simulated("churn").data, (0.5,))[:1], "a.etl")[0]
    found = told(first)
    assert found is not None
    assert (found.signs, found.goes_on) == (
        ("its session went on in another file whenever one was full (mode newfile)",), True
    )  # fmt: skip


def test_a_number_behind_the_name_is_a_sign(tmp_path: Path) -> None:
    first = files(tmp_path, rolled(simulated("churn").data, (0.5,), mode=PLAIN)[:1], "a.etl.{:03}")[0]
    found = told(first)
    assert found is not None
    assert found.signs == ("its name ends in a number, as parts of a recording do",)


def test_other_parts_beside_it_are_named_and_the_last_one_does_not_go_on(tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("churn").data, (0.3, 0.6), mode=PLAIN), "pool_{:06}.etl")
    (tmp_path / "pool_000009.etl").write_bytes(simulated("churn", seed=9).data)  # of another machine
    (tmp_path / "pool_000008.etl").write_bytes(b"no trace")
    found = [told(part) for part in parts]
    names = [part.name for part in parts]
    assert [one.beside for one in found if one] == [
        (names[1], names[2]), (names[0], names[2]), (names[0], names[1])
    ]  # fmt: skip
    assert [one.goes_on for one in found if one] == [True, True, False]


def test_runs_of_sessions_of_one_name_are_no_parts(tmp_path: Path) -> None:
    day = 86_400 * SECOND
    for number in (1, 2):
        begins = {"start_ticks": START + number * day, "start_time": BEGAN + number * day}
        written(tmp_path / f"run{number}.etl", [], session="NT Kernel Logger", **begins)
    assert told(tmp_path / "run1.etl") is None


def test_files_of_an_autologger_one_a_boot_are_no_parts(tmp_path: Path) -> None:
    for number in (1, 2):
        written(tmp_path / f"boot.etl.00{number}", [], session="boot", boot_time=BEGAN - number * 86_400 * SECOND)
    assert told(tmp_path / "boot.etl.001") is None


def test_a_finding_of_one_part_says_that_it_may_be_freed_in_another(tmp_path: Path) -> None:
    parts = files(tmp_path, rolled(simulated("growth").data, (0.6,)))
    (finding,) = alone(parts[0]).diagnosis.findings
    assert "they may be freed in other files of the recording, which were not given" in finding.doubts
