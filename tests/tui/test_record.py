"""poolscope record on a machine that plays Windows: what ends it, what is left, and what is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.tracer.images.program_files import ProgramFile
from tests.tracer.live.counted import Kernel
from tests.tracer.live.fake_api import STARTED
from tests.tui.capturing import Interrupted, Recorder
from tests.tui.made_windows import MadeWindows
from tracer.images.loaded import images_in
from tracer.live.api import ClockReading
from tracer.live.image_paths import ImagePaths
from tracer.live.structures import NamedProperties
from tracer.live.this_machine import ThisMachine
from tui.cli import main
from tui.exit_codes import ExitCode

SLEEPS_LONG = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture(scope="module")
def leak() -> Simulation:
    return simulate("winsock-loop", 7, Settings(iterations=45))


@pytest.fixture
def api(leak: Simulation, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder(leak)
    machine = ThisMachine(made, MadeWindows(), Kernel().query)
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine)
    return made


def told(capsys: pytest.CaptureFixture[str], *words: str, code: ExitCode = ExitCode.DONE) -> dict[str, Any]:
    assert main(["record", "--quiet", "--json", *words]) == code
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_it_ends_with_its_time_and_leaves_a_file_and_no_session(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pool.etl"
    told_of = told(capsys, str(out), "--for", "200ms")["recording"]
    assert told_of["ended_by"] == "time"
    assert told_of["bytes"] == out.stat().st_size > 0
    assert told_of["command_exit_code"] is None
    assert told_of["seconds"] >= 0.2
    assert api.ours == []


def test_it_ends_with_the_command_that_it_started(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "pool.etl"), "--", sys.executable, "-c", "import sys; sys.exit(7)", "--json", "--for"]
    told_of = told(capsys, *words)["recording"]
    assert told_of["ended_by"] == "command"
    assert told_of["command_exit_code"] == 7
    assert api.ours == []


def test_what_the_command_writes_stays_out_of_the_document(
    api: Recorder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "pool.etl"), "--", sys.executable, "-c", "print('not JSON')"]
    assert told(capfd, *words)["recording"]["command_exit_code"] == 0


def test_the_command_runs_only_while_the_session_does(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told_of = told(capsys, str(tmp_path / "pool.etl"), "--for", "200ms", "--", *SLEEPS_LONG)["recording"]
    assert told_of["ended_by"] == "time"
    assert told_of["command_exit_code"] is None


def test_a_command_that_cannot_be_started_leaves_no_session(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "pool.etl"), "--", str(tmp_path / "no-such-program")]
    assert told(capsys, *words, code=ExitCode.USAGE)["error"]["code"] == "command-not-started"
    assert api.ours == []


def test_the_trace_can_be_analysed_at_once(api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = told(capsys, str(tmp_path / "pool.etl"), "--for", "100ms", "--analyze")
    assert document["findings"][0]["verdict"] == "pending-apc"
    assert document["recording"]["ended_by"] == "time"
    assert document["simulated"] is True


def test_a_leak_in_the_trace_can_fail_the_command(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["record", str(tmp_path / "pool.etl"), "--for", "100ms", "--analyze", "--fail-on-finding"]
    assert main(words) == ExitCode.FOUND
    out, err = capsys.readouterr()
    assert "LEAK 1: " in out
    assert f"poolscope analyze {tmp_path / 'pool.etl'} --explain 1" in out
    assert "wrote pool.etl: " in err


@pytest.mark.parametrize(("words", "code"), [(["--for", "1h"], ExitCode.INTERRUPTED), ([], ExitCode.DONE)])
def test_ctrl_c_ends_it_with_a_whole_file(
    words: list[str], code: ExitCode, api: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("tui.capture.recording.Interrupts", Interrupted)
    out = tmp_path / "pool.etl"
    assert told(capsys, str(out), *words, code=code)["recording"]["ended_by"] == "ctrl-c"
    assert out.stat().st_size > 0
    assert api.ours == []


def test_a_session_that_somebody_else_stops_is_told(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.taken_away = True
    assert main(["record", str(tmp_path / "pool.etl"), "--for", "1h"]) == ExitCode.DONE
    assert "somebody else stopped the session" in capsys.readouterr().err


def test_a_session_that_a_full_disk_ends_is_told_as_that_and_ends_with_7(
    api: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api.taken_away = True
    monkeypatch.setattr(
        api, "free_bytes", lambda _: 1 << 40 if not any("stopped" in call for call in api.log) else 5 << 20
    )
    out = tmp_path / "pool.etl"
    told_of = told(capsys, str(out), "--for", "1h", code=ExitCode.OUTPUT)["recording"]
    assert told_of["ended_by"] == "disk-full"
    assert told_of["bytes"] == out.stat().st_size > 0
    api.log.clear()
    assert main(["record", str(out), "--overwrite"]) == ExitCode.OUTPUT
    err = capsys.readouterr().err
    assert "the disk took no more of the recording" in err
    assert "somebody else" not in err


def test_a_full_file_ends_it_and_is_told(api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pool.etl"
    out.write_bytes(bytes(2 << 20))
    assert main(["record", str(out), "--overwrite", "--max-size", "1"]) == ExitCode.DONE
    assert "the file is full" in capsys.readouterr().err


def test_a_file_that_windows_ended_a_buffer_short_of_its_bound_is_full_and_not_taken_away(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Simulation, "write", lambda _, path: path.write_bytes(bytes(63 << 20)))
    api.taken_away = True
    assert main(["record", str(tmp_path / "pool.etl"), "--max-size", "64", "--for", "1h"]) == ExitCode.DONE
    assert "the file is full" in capsys.readouterr().err


def test_a_file_that_is_there_is_not_written_over(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pool.etl"
    out.write_bytes(b"precious")
    assert told(capsys, str(out), "--for", "1s", code=ExitCode.USAGE)["error"]["code"] == "file-exists"
    assert out.read_bytes() == b"precious"
    assert api.log == []


def test_what_windows_refuses_is_told_and_the_command_never_starts(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.refuse["StartTraceW"] = 5
    mark = tmp_path / "started"
    command = [sys.executable, "-c", f"open({str(mark)!r}, 'w')"]
    error = told(capsys, str(tmp_path / "pool.etl"), "--", *command, code=ExitCode.MACHINE)["error"]
    assert error["code"] == "access-denied"
    assert not mark.exists()


def test_losses_and_what_windows_did_not_offer_are_warned_of(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.refuse |= {"TraceSetInformation stack_tracing": 87, "NtSetSystemInformation": 0xC000000D}
    monkey = api.start_trace

    def lossy(name: str, properties: NamedProperties) -> tuple[int, int]:
        started = monkey(name, properties)
        api.sessions_by_name[name].lost = 12
        return started

    api.start_trace = lossy  # type: ignore[method-assign]
    assert main(["record", str(tmp_path / "pool.etl"), "--for", "50ms"]) == ExitCode.DONE
    err = capsys.readouterr().err
    assert "Windows lost 12 events" in err
    assert "does not record call stacks" in err


@pytest.mark.parametrize("tags", [["Afd?"], ["a", "b", "c"]])
def test_what_windows_cannot_filter_by_is_recorded_whole_and_told_alone(
    tags: list[str], api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for tag in tags for word in ("--tag", tag)]
    assert main(["record", str(tmp_path / "pool.etl"), "--for", "50ms", "--analyze", "--json", *words]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert "note: every tag is recorded" in err
    assert json.loads(out)["filter"]["tag"] == tags
    assert "filter" not in api.log


def test_one_tag_is_recorded_alone(api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", str(tmp_path / "pool.etl"), "--for", "50ms", "--tag", "=Irp"]) == ExitCode.DONE
    assert "every tag" not in capsys.readouterr().err
    assert "filter" in api.log


@pytest.mark.parametrize(
    "words",
    [["--tag", "AfdEE"], ["--tag", ""], ["--max-size", "0"], ["--for", "-1s"], ["--for", "9999d"], ["--drain", "0s"]],
)
def test_what_cannot_be_recorded_is_wrong_use(
    words: list[str], api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", str(tmp_path / "pool.etl"), *words]) == ExitCode.USAGE
    assert api.log == []


@pytest.mark.skipif(sys.platform == "win32", reason="there it records")
def test_elsewhere_it_says_what_can_be_done_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = told(capsys, str(tmp_path / "pool.etl"), "--for", "1s", code=ExitCode.MACHINE)["error"]
    assert error["code"] == "no-capture"
    assert "--replay" in error["next"]


@pytest.fixture
def drive(leak: Simulation, api: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's drive: a file for the image that the loop allocates by, none for the others."""
    root = tmp_path / "drive"
    leak.write(tmp_path / "first.etl")
    image = next(each for each in images_in(tmp_path / "first.etl") if each.path.endswith("afd.sys"))
    paths = ImagePaths({"\\device\\harddiskvolume3": str(root)}, str(root / "Windows"))
    here = paths.local(image.path)
    assert here is not None
    here.parent.mkdir(parents=True)
    here.write_bytes(ProgramFile(image.time_date_stamp, image.size, pdb="afd.pdb", age=3).data())
    machine = ThisMachine(api, MadeWindows(), Kernel().query, paths)
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine)
    return root


def test_a_recording_carries_the_identities_of_its_images(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pool.etl"
    images = told(capsys, str(out), "--for", "50ms")["recording"]["images"]
    assert images["identified"] == 1
    assert images["loaded"] > len(images["missing"]) > 1
    assert not any(each["path"].endswith("afd.sys") for each in images["missing"])
    assert {each["why"] for each in images["missing"]} == {"gone from disk"}
    assert main(["info", "--json", "--quiet", "--images", str(out)]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert document["damage"] == []
    assert document["images"]["with_pdb"] == 1
    (file,) = document["images"]["files"]
    assert (file["name"], file["pdb"], file["guid"], file["age"]) == ("afd.sys", "afd.pdb", str(ProgramFile().guid), 3)
    assert main(["info", "--quiet", "--images", str(out)]) == ExitCode.DONE
    text = capsys.readouterr().out
    assert "1 image of 1 file with the GUID and age of their PDB" in text
    assert f"afd.sys  {ProgramFile().guid}    3  afd.pdb" in text


def test_images_without_a_file_are_told_by_name_and_reason(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", str(tmp_path / "pool.etl"), "--for", "50ms"]) == ExitCode.DONE
    err = capsys.readouterr().err
    assert "images carry their identity" in err
    assert "gone from disk" in err


def test_where_identities_cannot_be_added_the_recording_stands_and_it_is_told(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("tracer.etl.appending._write_at", full)
    out = tmp_path / "pool.etl"
    told_of = told(capsys, str(out), "--for", "50ms")["recording"]
    assert told_of["images"] is None
    assert any("no identities of images are in the file: no space left" in note for note in told_of["notes"])
    assert out.read_bytes() == (tmp_path / "first.etl").read_bytes()


@pytest.fixture(scope="module")
def growing() -> Simulation:
    return simulate("growth", 3, Settings(iterations=200))


@pytest.fixture
def drained(growing: Simulation, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A machine on which the performance counter says that half of the trace is over."""
    made = Recorder(growing)
    first, last = growing.records[0].time, growing.records[-1].time
    monkeypatch.setattr(made, "now", lambda: ClockReading((first + last) // 2, STARTED))
    machine = ThisMachine(made, MadeWindows(), Kernel().query)
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine)
    return made


def test_a_drain_begins_when_the_time_is_over_and_the_file_says_when(
    drained: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pool.etl"
    document = told(capsys, str(out), "--for", "100ms", "--drain", "300ms", "--analyze")
    assert document["recording"]["ended_by"] == "time"
    assert document["recording"]["drain_seconds"] >= 0.3
    assert document["recording"]["seconds"] >= 0.4
    drain, ends = document["evidence"]["drain"], document["at_ns"]
    assert drain["by"] == "recorded"
    assert drain["from_ns"] == pytest.approx(ends / 2, rel=0.01)
    assert drain["to_ns"] == pytest.approx(ends, rel=0.01)
    (leak,) = document["findings"]
    assert "after the drain began" in next(each["says"] for each in leak["evidence"] if "drain" in each["rule"])
    later = [each for each in document["cleared"] if each["tag"] == leak["tag"]]
    assert [each["why"] for each in later] == ["allocated after the drain began, when allocations do not count"]
    assert leak["count"] + later[0]["count"] == next(
        each["outstanding_count"] for each in document["pool"]["by_tag"] if each["tag"] == leak["tag"]
    )
    assert document["damage"] == []
    assert drained.ours == []


def test_a_command_that_outlives_the_load_is_ended_when_the_drain_begins(
    drained: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--for", "100ms", "--drain", "100ms", "--", *SLEEPS_LONG]
    assert main(["record", str(tmp_path / "pool.etl"), *words]) == ExitCode.DONE
    assert "the load is over: going on for 0.1 s" in capsys.readouterr().err


def test_a_drain_follows_the_end_of_the_command(
    drained: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "pool.etl"), "--drain", "50ms", "--", sys.executable, "-c", "import sys; sys.exit(7)"]
    told_of = told(capsys, *words)["recording"]
    assert (told_of["ended_by"], told_of["command_exit_code"]) == ("command", 7)
    assert told_of["drain_seconds"] >= 0.05


@pytest.mark.parametrize(
    ("words", "code", "drains"), [([], ExitCode.DONE, True), (["--for", "1h"], ExitCode.INTERRUPTED, False)]
)
def test_ctrl_c_begins_a_drain_only_where_it_is_the_planned_end_and_ends_it(
    words: list[str], code: ExitCode, drains: bool, drained: Recorder, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("tui.capture.recording.Interrupts", Interrupted)
    told_of = told(capsys, str(tmp_path / "pool.etl"), "--drain", "1h", *words, code=code)["recording"]
    assert told_of["ended_by"] == "ctrl-c"
    assert (told_of["drain_seconds"] is not None) == drains
    assert drained.ours == []


def test_a_session_that_is_taken_away_has_no_drain(
    drained: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drained.taken_away = True
    told_of = told(capsys, str(tmp_path / "pool.etl"), "--for", "1h", "--drain", "1h")["recording"]
    assert (told_of["ended_by"], told_of["drain_seconds"]) == ("session-stopped", None)


def test_where_the_mark_cannot_be_added_the_recording_stands_and_it_is_told(
    drained: Recorder, growing: Simulation, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr("tracer.etl.appending._write_at", full)
    out = tmp_path / "pool.etl"
    told_of = told(capsys, str(out), "--for", "50ms", "--drain", "50ms")["recording"]
    assert any("does not say when its drain began" in note and "no space" in note for note in told_of["notes"])
    assert out.read_bytes() == growing.data
