"""Several files on a command line: what is one trace is told as one, what is not is told apart."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fixtures.etl.rolling import appended, rolled
from tests.tracer.etl.joining.recordings import files, pool_records, simulated, written
from tests.tracer.live.delivery import split
from tui.cli import main
from tui.exit_codes import ExitCode


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Three parts of a rolled session that leaks."""
    return files(tmp_path, rolled(simulated("missing-free").data, (0.3, 0.6)))


@pytest.fixture
def two_sessions(tmp_path: Path) -> Path:
    """One of a machine without pool events, then one that leaks."""
    quiet = written(tmp_path / "quiet", [], session="quiet")
    path = tmp_path / "both.etl"
    path.write_bytes(appended([quiet.read_bytes(), simulated("missing-free").data]))
    return path


def document(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    """What a command writes with ``--json``."""
    assert main([*map(str, words), "--json", "--quiet"]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


def text(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    assert main([*map(str, words), "--quiet"]) == ExitCode.DONE
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", ["analyze", "info"])
def test_joined_files_are_one_document_with_a_list_of_paths(
    command: str, parts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    told = document(capsys, command, *parts[::-1])
    trace = told["trace"]
    assert trace["path"] == [str(part) for part in parts]
    assert [file["why"] for file in trace["joined"]] == [
        None, *(f"goes on with {part.name}: the same session Poolscope simulated: missing-free" for part in parts[:2])
    ]  # fmt: skip
    assert trace["sessions"] == 1
    assert sum(told["bytes"].values()) == trace["bytes"] == sum(part.stat().st_size for part in parts)


def test_events_of_joined_files_say_which_file_they_are_in(
    parts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (finding,) = document(capsys, "analyze", *parts)["findings"]
    events = [event for reason in finding["evidence"] for event in reason["events"]]
    assert {event["file"] for event in events} <= {str(part) for part in parts}
    assert all(event["offset"] < Path(event["file"]).stat().st_size for event in events)
    assert len({event["file"] for event in events}) > 1


@pytest.mark.parametrize("command", ["analyze", "info"])
def test_separate_keeps_them_apart(command: str, parts: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, command, "--separate", *parts)["traces"]
    assert [trace["trace"]["path"] for trace in told] == [str(part) for part in parts]


def test_a_joined_trace_and_another_are_two_documents(
    parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.etl"
    other.write_bytes(simulated("churn").data)
    told = document(capsys, "analyze", parts[2], other, *parts[:2])["traces"]
    assert [trace["trace"]["path"] for trace in told] == [[str(part) for part in parts], str(other)]


def test_why_files_are_not_joined_is_said_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = [pool_records(range(0, 100_000, 100), first=first) for first in (0, 5_000)]
    paths = [written(tmp_path / f"{number}.etl", given) for number, given in enumerate(blocks)]
    assert main(["info", *map(str, paths)]) == ExitCode.DONE
    assert "1.etl is not joined to 0.etl: they tell different pool events" in capsys.readouterr().err


def test_the_report_says_what_was_joined_and_why(parts: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    for command, *words in (("analyze", "--full"), ("info",)):
        told = text(capsys, command, *parts, *words)
        assert f"joined {parts[1].name}: goes on with {parts[0].name}: the same session" in told
        assert "--separate keeps files apart" in told


def test_an_explanation_says_which_file_each_event_is_in(parts: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    told = text(capsys, "analyze", *parts, "--explain", "1")
    assert f"(in {parts[0].name})" in told
    assert f"(in {parts[2].name})" in told


def test_one_part_alone_says_that_it_is_one(parts: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    told = text(capsys, "analyze", parts[0])
    assert "incomplete trace: one part of a rolled recording" in told
    assert f"({parts[1].name}, {parts[2].name})" in told
    rest = document(capsys, "analyze", parts[0])["trace"]["rolled"]
    assert (rest["beside"], rest["goes_on"]) == ([parts[1].name, parts[2].name], True)


def test_a_finding_of_one_part_asks_for_the_other_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = files(tmp_path, rolled(simulated("growth").data, (0.6,)))
    alone = [each["advice"] for each in document(capsys, "analyze", parts[0])["findings"]]
    assert any(advice.startswith("Give the other parts of this recording") for advice in alone)
    assert not any("Record for longer" in advice for advice in alone)
    whole = [each["advice"] for each in document(capsys, "analyze", *parts)["findings"]]
    assert any("Record for longer" in advice for advice in whole)


def zipped(trace: Path, to: Path) -> Path:
    """The trace alone in a .zip."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(trace, "trace.etl")
    return to


@pytest.mark.parametrize("command", ["analyze", "info"])
def test_packed_files_are_joined_as_plain_ones_are(
    command: str, parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = [zipped(part, tmp_path / f"part{number}.zip") for number, part in enumerate(parts, 1)]
    plain, told = document(capsys, command, *parts), document(capsys, command, *packed[::-1])
    assert told["trace"]["path"] == [f"{path}: trace.etl" for path in packed]
    assert [each["path"] for each in told["trace"]["joined"]] == told["trace"]["path"]
    assert "goes on with part1.zip" in told["trace"]["joined"][1]["why"]
    for each in (plain, told):
        del each["trace"]["path"], each["trace"]["joined"]
    assert told["bytes"] == plain["bytes"]
    assert told.get("pool") == plain.get("pool")
    mixed = document(capsys, command, packed[0], parts[1], packed[2])
    assert mixed["trace"]["path"] == [f"{packed[0]}: trace.etl", str(parts[1]), f"{packed[2]}: trace.etl"]


def test_a_packed_kernel_recording_and_packed_sockets_are_one_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulation = simulated("winsock-loop", iterations=45)
    kernel, sockets = split(simulation.records)
    apart = []
    for name, records in (("kernel", kernel), ("sockets", sockets)):
        written(tmp_path / f"{name}.etl", records, session=name, processors=simulation.settings.cpus)
        apart.append(zipped(tmp_path / f"{name}.etl", tmp_path / f"{name}.zip"))
    told = document(capsys, "analyze", *apart)
    assert len(told["trace"]["path"]) == 2
    assert told["evidence"]["afd"]
    assert told["evidence"]["pool"]


def test_a_packed_file_that_cannot_be_unpacked_keeps_no_other_from_being_told(
    parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04" + b"x" * 90)
    assert main(["info", *map(str, parts), str(broken), "--json", "--quiet"]) == ExitCode.INPUT
    joined, error = json.loads(capsys.readouterr().out)["traces"]
    assert len(joined["trace"]["path"]) == 3
    assert error["error"]["code"] == "packed-damaged"


@pytest.mark.parametrize("command", ["analyze", "info"])
def test_two_sessions_in_one_file_are_told_each_for_itself(
    command: str, two_sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = document(capsys, command, two_sessions)
    assert told["trace"]["sessions"] == 2
    assert told["trace"]["bytes"] == two_sessions.stat().st_size == sum(told["bytes"].values())
    assert [(each["trace"]["session"], each["trace"]["session_number"]) for each in told["sessions"]] == [
        ("quiet", 1), ("Poolscope simulated: missing-free", 2)
    ]  # fmt: skip
    assert all(each["trace"]["sessions"] == 1 for each in told["sessions"])
    assert all(sum(each["bytes"].values()) == each["trace"]["bytes"] for each in told["sessions"])
    report = text(capsys, command, two_sessions)
    for number in (1, 2):
        assert f"both.etl, session {number} of 2" in report


def test_the_document_of_two_sessions_is_that_of_the_first_with_pool_events(
    two_sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = document(capsys, "analyze", two_sessions)
    assert told["trace"]["session_number"] == 2
    assert told["findings"] == told["sessions"][1]["findings"] != []


def test_one_session_can_be_asked_for(two_sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "analyze", two_sessions, "--session", "2")
    assert (told["trace"]["session"], told["trace"]["sessions"]) == ("Poolscope simulated: missing-free", 2)
    assert "sessions" not in told
    assert "Events, in time order" in text(capsys, "analyze", two_sessions, "--session", "2", "--explain", "1")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--session", "3"], ExitCode.INPUT),
        (["--explain", "1"], ExitCode.USAGE),
    ],
)
def test_what_cannot_be_told_of_two_sessions_is_refused(
    words: list[str], code: ExitCode, two_sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(two_sessions), "--quiet", *words]) == code
    assert "session" in capsys.readouterr().err


def test_the_interface_opens_several_files_that_are_one_trace(
    parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "picture.svg"
    assert main(["tui", *map(str, parts), "--screenshot", str(picture), "--quiet"]) == ExitCode.DONE
    assert f"{parts[0].name}&#160;and&#160;2&#160;more" in picture.read_text(encoding="utf-8")


def test_the_interface_opens_the_session_that_has_pool_events(two_sessions: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    assert main(["tui", str(two_sessions), "--screenshot", str(picture), "--quiet"]) == ExitCode.DONE
    assert "session&#160;2&#160;of&#160;2" in picture.read_text(encoding="utf-8")


def test_the_interface_refuses_files_that_are_two_traces(
    parts: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.etl"
    other.write_bytes(simulated("churn").data)
    words = ["tui", str(parts[0]), str(other), "--screenshot", str(tmp_path / "picture.svg")]
    assert main(words) == ExitCode.USAGE
    assert "these 2 files are 2 traces" in capsys.readouterr().err
