"""poolscope live on a machine that plays Windows: reports, documents, the interface, and every way it can end."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analyzers.analysis import Analysis
from analyzers.findings import Verdict
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import NO_NAMES, analysed
from tests.tracer.live.counted import refusing
from tests.tracer.live.delivery import BEGIN, Delivery, split
from tests.tracer.live.fake_api import FakeApi
from tests.tracer.traces import UNJITTED
from tests.tui.capturing import Interrupted, api_of, machine_with
from tests.tui.session import running
from tracer.live.capture import Capture
from tracer.live.plan import CapturePlan
from tui.capture.plan_args import filter_words
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.live.app import LiveApp
from tui.live.follower import Follower

pytestmark = pytest.mark.skipif(UNJITTED, reason="the callback is native: there is no plain Python form of it")

QUEUES, MASKS = (0x053E, 0x053F), (0x0005, 0x0020)
SHORT = ("--for", "300ms", "--quiet")


@pytest.fixture(scope="module")
def leak() -> Simulation:
    return simulate("winsock-loop", 7, Settings(iterations=45))


def told(capsys: pytest.CaptureFixture[str], *words: str, code: ExitCode = ExitCode.DONE) -> dict[str, Any]:
    assert main(["live", "--json", *words]) == code
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_the_document_has_the_findings_of_the_trace_and_nothing_is_left_running(
    leak: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = machine_with(monkeypatch, api_of(leak))
    document = told(capsys, *SHORT)
    leak.write(tmp_path / "trace.etl")
    expected = analysed(tmp_path / "trace.etl")
    assert [one["says"] for one in document["findings"]] != []
    assert len(document["findings"]) == len(expected.diagnosis.findings)
    assert document["pool"]["outstanding_bytes"] == expected.pool.totals.outstanding_bytes
    assert document["partial"] is False
    assert document["capture"] == {"notes": [], "left_behind": []}
    assert api.ours == []


def test_what_was_there_before_stands_beside_each_tag(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine_with(monkeypatch, api_of(leak))
    rows = {row["tag"]: row for row in told(capsys, *SHORT)["pool"]["by_tag"] if not row["paged"]}
    assert (rows["AfdE"]["before_count"], rows["AfdE"]["before_bytes"]) == (100, 12_800)
    others = [row for tag, row in rows.items() if tag not in ("AfdE", "Irp ")]
    assert others
    assert {row["before_bytes"] for row in others} == {0}


def test_without_counters_it_goes_on_and_says_so(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine_with(monkeypatch, api_of(leak), refusing(0xC0000003))
    assert main(["live", "--json", "--for", "300ms"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert "what was allocated before is not known" in err
    assert "before_count" not in out


def test_a_leak_that_is_found_can_fail_the_command(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine_with(monkeypatch, api_of(leak))
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["live", "--report", "--fail-on-finding", *SHORT]) == ExitCode.FOUND
    out = capsys.readouterr().out
    assert "Outstanding by tag" in out
    assert "Before" in out
    assert "104 allocations, 14.5 KiB (14,800 bytes), by the pool's counters when the events began" in out
    assert "Held requests, by what holds them" in out


def test_a_process_that_was_asked_for_is_told_alone(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine_with(monkeypatch, api_of(leak))
    document = told(capsys, "--process", "client", *SHORT)
    assert document["filter"]["process"] == ["client"]
    assert [one["name"] for one in document["pool"]["by_process"]] == ["client.exe"]


def test_windows_is_asked_for_the_tags_themselves_and_for_no_stacks(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = machine_with(monkeypatch, api_of(leak))
    tags = {row["tag"] for row in told(capsys, "--tag", "AfdE", "--no-stacks", *SHORT)["pool"]["by_tag"]}
    assert tags == {"AfdE"}
    assert "filter" in api.log
    assert "TraceSetInformation stack_tracing" not in api.log


def test_a_wildcard_is_no_tag_that_windows_could_filter_by(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = machine_with(monkeypatch, api_of(leak))
    tags = {row["tag"] for row in told(capsys, "--tag", "Afd?", *SHORT)["pool"]["by_tag"]}
    assert tags
    assert all(tag.startswith("Afd") for tag in tags)
    assert "filter" not in api.log


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("StartTraceW", 5, "access-denied"),
        ("StartTraceW", 183, "session-exists"),
        ("OpenTraceW", 5, "open-failed"),
        ("StartTraceW", 87, "capture-failed"),
    ],
)
def test_what_windows_refuses_is_an_error_of_its_own_and_leaves_nothing(
    call: str, status: int, code: str, leak: Simulation, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    api = api_of(leak)
    api.refuse[call] = status
    machine_with(monkeypatch, api)
    error = told(capsys, *SHORT, code=ExitCode.MACHINE)["error"]
    assert error["code"] == code
    assert error["next"]
    assert api.ours == []


def test_a_session_that_is_taken_away_leaves_what_was_captured(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def take_away() -> bool:
        api.end(next(name for name in api.sessions_by_name if name.startswith("Poolscope kernel")))
        return False

    api = api_of(leak)
    api.kernel._pauses[len(api.kernel) - 1] = take_away
    machine_with(monkeypatch, api)
    assert main(["live", "--json", "--for", "1h", "--quiet"]) == ExitCode.MACHINE
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["error"]["code"] == "session-taken"
    assert document["partial"] is True
    assert document["pool"]["allocations"] > 0
    assert "was stopped by somebody else" in err
    assert api.ours == []


@pytest.mark.parametrize(("words", "code"), [(["--for", "1h"], ExitCode.INTERRUPTED), ([], ExitCode.DONE)])
def test_ctrl_c_gives_what_was_captured_and_stops_the_sessions(
    words: list[str], code: ExitCode, leak: Simulation, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("tui.capture.capturing.Interrupts", Interrupted)
    api = machine_with(monkeypatch, api_of(leak))
    document = told(capsys, "--quiet", *words, code=code)
    assert document["partial"] is bool(words)
    assert document["pool"]["allocations"] > 0
    assert api.ours == []


def test_sessions_that_a_crash_left_behind_are_told(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = api_of(leak)
    api.foreign("Poolscope kernel 9-1dd000000000000")
    api.foreign("Somebody else's")
    machine_with(monkeypatch, api)
    assert main(["live", "--json", "--for", "300ms"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert json.loads(out)["capture"]["left_behind"] == ["Poolscope kernel 9-1dd000000000000"]
    assert "a Poolscope which crashed had left behind" in err
    assert list(api.sessions_by_name) == ["Somebody else's"]


@pytest.mark.parametrize("build", [26100, 19045])
def test_user_apcs_are_told_before_anything_was_put_into_a_port(build: int, leak: Simulation) -> None:
    """No group mask comes to a real-time consumer; the capture itself knows that kernel queues are logged."""
    kernel, sockets = split([record for record in leak.records if record.hook not in (*QUEUES, *MASKS)])
    for plan, seen in ((CapturePlan(), True), (CapturePlan(requests=False), False)):
        api = FakeApi(Delivery([BEGIN, *kernel]), Delivery(sockets), build=build)
        with Capture.open(plan, api) as capture:
            analysis = Analysis(capture, NO_NAMES)
            for batch in capture.batches(Analysis.KINDS):
                analysis.feed(batch)
                if not capture.wait(0.1):
                    capture.stop()
        snapshot = analysis.snapshot()
        assert snapshot.coverage is not None
        assert snapshot.coverage.queues is seen
        found = [each.verdict for each in snapshot.diagnosis.findings]
        assert (found[:1] == [Verdict.PENDING_APC]) is seen


async def test_the_interface_follows_the_capture_until_it_ends(leak: Simulation) -> None:
    api = api_of(leak)
    with Capture.open(CapturePlan(), api) as capture:
        follower = Follower(capture, NO_NAMES)
        async with running(LiveApp(follower, notes=lambda: ["Windows does not filter"]), (120, 30)) as it:
            assert "LIVE" in it.lines[0]
            assert ["does not filter" in note.message for note in it.app._notifications] == [True]
            await asyncio.to_thread(capture.stop)
            await asyncio.to_thread(follower.join)
            await it.pilot.pause()
            await it.pilot.pause()
            assert "SESSION ENDED" in it.lines[0]
            assert it.screen.whole.diagnosis.findings
    assert api.ours == []


def test_the_filter_line_holds_one_word_of_a_kind() -> None:
    assert filter_words(["Afd?"], ["client"]) == 'tag:"Afd?" process:"client"'
    assert filter_words(["AfdE", "Irp"], []) == ""
    assert filter_words([], ['a"b']) == ""


async def test_what_is_seen_later_not_to_be_had_is_told_then(leak: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.live.app._LOOK_SECONDS", 0.01)
    notes = ["one"]
    with Capture.open(CapturePlan(), api_of(leak)) as capture:
        async with running(LiveApp(Follower(capture, NO_NAMES), notes=lambda: notes), (120, 30)) as it:
            notes.append("two")
            while len(it.app._notifications) < 2:
                await it.pilot.pause(0.01)
            await it.pilot.pause(0.05)
            assert [note.message for note in it.app._notifications] == ["one", "two"]


async def test_leaving_the_interface_ends_the_capture(leak: Simulation) -> None:
    api = api_of(leak)
    with Capture.open(CapturePlan(), api) as capture:
        follower = Follower(capture, NO_NAMES)
        async with running(LiveApp(follower, words='process:"client"'), (120, 30)) as it:
            await it.pilot.pause()
            assert 'process:"client"' in it.text
            await it.press("q")
        follower.stop()
        await asyncio.to_thread(follower.join)
    assert api.ours == []


@pytest.mark.parametrize(
    "words",
    [["--tag", "AfdEE"], ["--tag", ""], ["--for", "0s"], ["--for", "soon"], ["--replay", "t.etl", "--json"],
     ["--replay", "t.etl", "--for", "3s"], ["--replay", "t.etl", "--no-stacks"], ["--counters", "--process", "x"],
     ["--counters", "--fail-on-finding"]],
)  # fmt: skip
def test_what_cannot_be_captured_is_wrong_use(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", *words]) == ExitCode.USAGE
    assert "next" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there it captures")
def test_elsewhere_it_says_what_can_be_done_instead(capsys: pytest.CaptureFixture[str]) -> None:
    error = told(capsys, "--for", "1s", code=ExitCode.MACHINE)["error"]
    assert error["code"] == "no-capture"
    assert "poolscope live --replay TRACE" in error["next"]


def test_capturing_for_a_document_needs_no_textual() -> None:
    script = (
        "import sys, tui.commands.live, tui.commands.record, tui.capture.command, tui.capture.capturing\n"
        "import tui.capture.recording, tui.json_documents.capture\n"
        "assert 'textual' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
