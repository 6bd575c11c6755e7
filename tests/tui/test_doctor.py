"""What a capture needs, told of machines that were made by hand."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from analyzers.tags import TagNames
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.tracer.live.counted import refusing
from tests.tracer.live.delivery import Delivery, split
from tests.tracer.live.fake_api import FakeApi
from tests.tracer.live.test_replay import BEGIN
from tests.tracer.traces import UNJITTED
from tests.tui.made_windows import MadeApi, MadeWindows, consumer, installed, loggers
from tests.tui.stories import FORBIDDEN, HOSTILE
from tracer.live.this_machine import ThisMachine
from tui.cli import main
from tui.commands.doctor import doctor_report
from tui.doctor.checks import Check, State
from tui.doctor.examining import Examination, examine
from tui.exit_codes import ExitCode

NAMES = TagNames(())
BITS = 64 if sys.maxsize > 2**32 else 32


def examined(made: MadeWindows, monkeypatch: pytest.MonkeyPatch) -> Examination:
    consumer(monkeypatch, "0.2.0")
    return examine(made.machine(), NAMES)


def check(made: MadeWindows, monkeypatch: pytest.MonkeyPatch, name: str) -> Check:
    return next(one for one in examined(made, monkeypatch).checks if one.name == name)


def document(capsys: pytest.CaptureFixture[str], *words: str, code: ExitCode = ExitCode.DONE) -> dict[str, Any]:
    assert main(["doctor", *words]) == code
    told = json.loads(capsys.readouterr().out)
    assert isinstance(told, dict)
    return told


def test_a_machine_on_which_all_is_well_can_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    found = examined(MadeWindows(), monkeypatch)
    assert found.can_capture
    assert {one.state for one in found.checks} <= {State.OK, State.NOTE}


@pytest.mark.parametrize(
    ("build", "way"),
    [(26100, "system providers"), (20348, "system providers"), (19045, "private system logger"),
     (9600, "private system logger")],
)  # fmt: skip
def test_the_way_goes_by_the_build(build: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert way in check(MadeWindows(MadeApi(build)), monkeypatch, "system").says


@pytest.mark.parametrize(
    ("made", "name", "says", "fix"),
    [
        (MadeWindows(MadeApi(9200)), "system", "too old", "Windows 8.1"),
        (MadeWindows(is_elevated=False), "elevation", "not elevated", "Run as administrator"),
        (MadeWindows(bits=2 * BITS), "python", f"{BITS} bit", "install a Python of 64 bit"),
        (MadeWindows(MadeApi(running=loggers(6))), "sessions", "'Logger 5'", "logman stop"),
        (MadeWindows(MadeApi(running=[(f"s{n}", 0) for n in range(63)])), "sessions", "63 of 64", "logman stop"),
    ],
)
def test_what_stands_in_the_way_is_told_with_its_fix(
    made: MadeWindows, name: str, says: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = check(made, monkeypatch, name)
    assert found.state is State.BAD
    assert says in found.says
    assert fix in found.fix
    assert not examined(made, monkeypatch).can_capture


def test_without_pywintrace_nothing_receives_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer(monkeypatch, "")
    found = examine(MadeWindows().machine(), NAMES)
    missing = next(one for one in found.checks if one.name == "consumer")
    assert missing.state is State.BAD
    assert missing.fix == "python -m pip install pywintrace==0.2.0"
    assert not found.can_capture


def test_reserved_system_loggers_take_no_private_place(monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = [("NT Kernel Logger", 0x2000000), ("Circular Kernel Context Logger", 0x2000000)]
    found = check(MadeWindows(MadeApi(running=loggers(5) + reserved)), monkeypatch, "sessions")
    assert found.state is State.OK
    assert found.says.startswith("5 of 6 private system loggers and 7 of 64 sessions run")


def test_a_container_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(MadeWindows(container=True), monkeypatch, "system")
    assert found.state is State.LIMIT
    assert "in a container" in found.says
    assert "host" in found.fix


def test_sessions_of_a_crashed_poolscope_are_told_and_living_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    running = [("Poolscope kernel 4712-1dd1a2b3c4d5e6f", 0), ("Poolscope sockets 99-1dd1a2b3c4d5e6f", 0)]
    found = check(MadeWindows(MadeApi(running=running)), monkeypatch, "left behind")
    assert found.state is State.NOTE
    assert found.says == "1 session of a Poolscope that crashed: 'Poolscope sockets 99-1dd1a2b3c4d5e6f'"


def test_sessions_that_may_not_be_seen_are_no_reason_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(MadeWindows(MadeApi(status=5)), monkeypatch, "sessions")
    assert found.state is State.LIMIT
    assert "error 5" in found.says


def test_counters_that_are_refused_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = MadeWindows().machine()
    found = examine(ThisMachine(machine.api, machine.asking, refusing(0xC0000003)), NAMES)
    counters = next(one for one in found.checks if one.name == "counters")
    assert counters.state is State.LIMIT
    assert "0xC0000003" in counters.says


def test_names_of_sessions_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    made = MadeWindows(MadeApi(running=[(HOSTILE, 0x2000000)]))
    shown = "\n".join(line.plain for line in doctor_report(examined(made, monkeypatch), width=80))
    assert "Logger" not in shown
    assert not (FORBIDDEN - {"\n"}) & set(shown)


@pytest.mark.parametrize("width", [80, 160])
def test_the_report_keeps_within_its_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examined(MadeWindows(MadeApi(7601), is_elevated=False), monkeypatch)
    lines = [line.plain for line in doctor_report(found, width=width)]
    assert [line for line in lines if len(line) > width] == []
    assert any(line.lstrip().startswith("fix: ") for line in lines)
    assert "has to be mended" in " ".join(" ".join(lines).split())


def test_the_document_says_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    installed(monkeypatch, MadeWindows())
    told = document(capsys, "--json")
    assert told["schema"] == 2
    assert told["can_capture"] is True
    assert told["machine"]["way"] == "system-providers"
    assert told["machine"]["sessions"][1] == {
        "name": "NT Kernel Logger", "system_logger": True, "left_behind": False,
    }  # fmt: skip
    assert [one["state"] for one in told["checks"] if one["check"] == "elevation"] == ["ok"]


def test_what_cannot_capture_ends_with_the_machine_s_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, MadeWindows(is_elevated=False))
    assert document(capsys, "--json", code=ExitCode.MACHINE)["can_capture"] is False
    assert main(["doctor"]) == ExitCode.MACHINE
    assert "Run as administrator" in capsys.readouterr().out


def test_the_report_to_send_back_names_no_file_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    listing = tmp_path / "secret-folder.txt"
    listing.write_text("AfdE - afd.sys - endpoints\n")
    installed(monkeypatch, MadeWindows(is_elevated=False))
    told = document(capsys, "--report", "--pooltag", str(listing), code=ExitCode.MACHINE)
    assert "secret-folder" not in json.dumps(told)
    assert told["capture"] is None
    assert told["counters"]["rows"] == 1
    assert told["counters"]["most"] == [
        {"tag": "AfdE", "tag_hex": "41666445", "paged": False, "count": 6, "bytes": 960}
    ]


@pytest.mark.skipif(UNJITTED, reason="the callback is native: there is no plain Python form of it")
def test_the_report_to_send_back_has_a_capture_in_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulation = simulate("winsock-loop", 7, Settings(iterations=25))
    kernel, sockets = split(simulation.records)
    api = FakeApi(Delivery([BEGIN, *kernel]), Delivery(sockets))
    made = MadeWindows()
    machine = ThisMachine(api, made, made.kernel.query)
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine)
    monkeypatch.setattr("tui.doctor.reporting.SECONDS", 0.5)
    consumer(monkeypatch, "0.2.0")
    told = document(capsys, "--report")["capture"]
    assert told["error"] is None
    assert told["rounds_of_the_loop"] > 0
    assert told["events"]["pool"] == told["events_with_stack"]["pool"] > 0
    assert told["events_with_stack"]["process"] == 0 < told["events"]["process"]
    assert {"0E20", "0E22"} <= set(told["kernel_events"])
    assert told["loss"]["events_lost"] == 0
    assert api.ours == []


@pytest.mark.skipif(UNJITTED, reason="the callback is native: there is no plain Python form of it")
def test_a_capture_that_is_refused_is_in_the_report_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api, made = FakeApi(), MadeWindows()
    api.refuse |= {"EnableTraceEx2": 87, "TraceSetInformation system_flags": 87}
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: ThisMachine(api, made, refusing(0xC0000022)))
    consumer(monkeypatch, "0.2.0")
    told = document(capsys, "--report")
    assert told["capture"]["error"]["code"] == "capture-failed"
    assert "error 87" in told["capture"]["error"]["why"]
    assert "0xC0000022" in told["counters"]["error"]["why"]
    assert api.ours == []


@pytest.mark.skipif(sys.platform == "win32", reason="there it is Windows")
def test_elsewhere_it_says_what_can_be_done_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == ExitCode.MACHINE
    shown = " ".join(capsys.readouterr().out.split())
    assert "pool events come from the Windows kernel" in shown
    assert "live --replay" in shown
    told = document(capsys, "--report", code=ExitCode.MACHINE)
    assert told["machine"]["os_build"] is None
    assert "capture" not in told
