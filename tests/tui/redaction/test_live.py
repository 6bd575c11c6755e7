"""No planted name is in what is told of a trace that is followed, of a recording, or by a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzers.selection.query import Query
from analyzers.tags import TagNames
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import analysed
from tests.tracer.live.counted import Kernel
from tests.tracer.traces import UNJITTED
from tests.tui.capturing import Recorder, api_of, machine_with
from tests.tui.counting import MACHINE, Clock, leaking
from tests.tui.made_windows import MadeWindows
from tests.tui.redaction.looking import LARGE, taken
from tests.tui.redaction.planted import DRIVERS, FILES, PATHS, RENAMED, found_in, names_planted
from tests.tui.served import Served, words
from tests.tui.session import running
from tracer.errors import MachineError
from tracer.etl.file import EtlFile
from tracer.images.loaded import Identities, Missing, Why
from tracer.live.this_machine import ThisMachine
from tui.alerts.grammar import alert_of
from tui.alerts.watching import Alarms
from tui.capture.capturing import Captured
from tui.capture.recording import Recorded
from tui.cli import main
from tui.counters.app import CountersApp
from tui.counters.beside import Beside
from tui.counters.follower import CountersFollower
from tui.counters.log import CountersLog
from tui.counters.sampling import Counting, Sampling
from tui.exit_codes import ExitCode
from tui.json_documents.capture import capture_document, recording_document
from tui.json_documents.writing import document_text
from tui.live.pace import Pace
from tui.live.replay import Replay
from tui.live.replay_screen import ReplayApp
from tui.live.update import LiveUpdate
from tui.redaction.captures import redacted_capture, redacted_recording
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import is_redacted
from tui.redaction.stand_ins import Kind
from tui.streams import guarded_streams, say, talk_through
from tui.views.registry import VIEWS

LIMIT = f'driver "{RENAMED["contosoflt.sys"]}" > 0'


ReplayOf = Callable[[Redaction], Replay]


@pytest.fixture
def replay_of(traces: tuple[str, str]) -> Iterator[ReplayOf]:
    with ExitStack() as opened:

        def reopen() -> EtlFile:
            return opened.enter_context(EtlFile.open(Path(traces[1]), window_bytes=1 << 16, threads=1))

        def made(redaction: Redaction) -> Replay:
            return Replay(reopen, TagNames.load(), Pace(None), Alarms([alert_of(LIMIT)]), redaction=redaction)

        yield made


def redaction_with(limit: str) -> Redaction:
    made = Redaction()
    made.know_image(alert_of(limit).name, Kind.DRIVER)
    return made


def test_a_replay_tells_none_in_any_view(replay_of: ReplayOf) -> None:
    async def look() -> None:
        replay = replay_of(redaction_with(LIMIT))
        async with running(ReplayApp(replay), LARGE) as it:
            await it.until("SESSION ENDED")
            assert "REDACTED" in it.lines[0]
            said = ["\n".join((it.app.title, *it.told))]
            for spec in VIEWS:
                it.screen.action_go(spec.key)
                await it.pilot.pause()
                said += [it.text, it.panel, taken(it)]
            assert "alert: driver" in it.text  # the line that keeps it
            assert found_in("\n".join(said)) == []

    with names_planted():
        asyncio.run(look())


def test_every_snapshot_that_a_worker_tells_is_redacted_and_its_alarms_still_go_off(replay_of: ReplayOf) -> None:
    told: list[LiveUpdate] = []
    with names_planted():
        replay = replay_of(redaction_with(LIMIT))
        first = replay.first()

        def tell(moment: LiveUpdate) -> None:
            told.append(moment)
            replay.taken()
            if moment.ended:
                replay.stop()

        replay.start(tell)
        replay.join()
    snapshots = [first, *(moment.snapshot for moment in told if moment.snapshot is not None)]
    assert len(snapshots) > 1
    assert all(map(is_redacted, snapshots))
    alarms = [alarm for moment in told for alarm in moment.alarms]
    assert len(alarms) == 1
    assert found_in(alarms[0]) == []


def test_what_stops_a_worker_is_told_without_names(replay_of: ReplayOf) -> None:
    replay = replay_of(Redaction())
    told: list[LiveUpdate] = []
    replay._tell = told.append
    replay._say(LiveUpdate(0, replay._rates, fault=f"poolscope: cannot read\n  where  {PATHS[0]}"))
    assert "where  path-1" in told[0].fault
    assert found_in(told[0].fault) == []


def secret_tags(folder: Path) -> TagNames:
    path = folder / "pooltag.txt"
    path.write_text(f"AfdE - {DRIVERS[0]} - contexts of the secret filter\n", encoding="utf-8")
    return TagNames.load(path)


def secret_sampling(folder: Path) -> Sampling:
    return Sampling(Counting(leaking().query, secret_tags(folder), MACHINE, 0, Clock()))


def test_counters_and_their_log_tell_none_while_their_alarms_know_the_names(tmp_path: Path) -> None:
    limit = f'driver "{DRIVERS[0]}" > 0'
    redaction = redaction_with(limit)
    log = CountersLog(tmp_path / "log.csv", Query(), lambda: datetime(2026, 3, 1, tzinfo=UTC))

    async def look() -> None:
        beside = Beside(Alarms([alert_of(limit)]), log, redaction)
        follower = CountersFollower(secret_sampling(tmp_path), every=0.02, beside=beside, redaction=redaction)
        async with running(CountersApp(follower), LARGE) as it:
            await it.until("alert: driver")
            await it.press("M")
            assert "AfdE" in it.text
            assert "REDACTED" in it.lines[0]
            assert found_in("\n".join((it.text, it.panel, taken(it), *it.told))) == []

    with log:
        asyncio.run(look())
    written = (tmp_path / "log.csv").read_text(encoding="utf-8")
    assert "driver-1" in written
    assert found_in(written) == []


@pytest.fixture(scope="module")
def leak() -> Simulation:
    return simulate("missing-free", 3, Settings(iterations=150))


@pytest.fixture
def api(leak: Simulation, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder(leak)
    machine = ThisMachine(made, MadeWindows(), Kernel().query)
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine)
    return made


@pytest.mark.parametrize("more", [("--json",), ("--json", "--analyze"), ("--analyze",), ("--analyze", "--top", "9")])
def test_a_recording_tells_none_and_says_that_its_file_does(
    api: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    out = tmp_path / "erika.müller.etl"
    with names_planted():
        main(["record", str(out), "--for", "100ms", "--redact", *more])
    assert api.ours == []
    assert out.stat().st_size
    said = capsys.readouterr()
    assert "trace-1.etl" in said.out
    assert "holds every name" in said.err
    assert found_in(said.out + said.err) == []


@pytest.mark.skipif(UNJITTED, reason="the callback is native: there is no plain Python form of it")
@pytest.mark.parametrize("more", [("--json",), ("--report",), ("--report", "--process", "payroll")])
def test_a_capture_tells_none(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    machine_with(monkeypatch, api_of(leak))
    alert = ("--alert", LIMIT, "--alert", f'driver "{DRIVERS[3]}" > 0')
    with names_planted():
        main(["live", "--for", "300ms", *more, *alert, "--redact"])
    said = capsys.readouterr()
    assert len(said.out) > 100
    assert found_in(said.out + said.err) == []


def test_how_a_capture_and_a_recording_went_is_told_without_names(leak: Simulation, tmp_path: Path) -> None:
    leak.write(tmp_path / "x.etl")
    with names_planted():
        snapshot = analysed(tmp_path / "x.etl")
        fault = MachineError("x", f"{PATHS[0]} failed", where=FILES[0], why=PATHS[1], next=f"see {PATHS[2]}")
        done = redacted_capture(Captured(snapshot, (f"{FILES[0]} is not there",), (), fault), Redaction())
        said = json.dumps(json.loads(document_text(capture_document(done, done.snapshot, Query()))), ensure_ascii=False)
    images = Identities(2, (), (Missing(PATHS[0], Why.GONE), Missing("no ending", Why.GONE)))
    made = Recorded(Path(FILES[0]), 1, 1.0, "time", 0, snapshot.loss, (PATHS[3],), (), images)  # type: ignore[arg-type]
    said += json.dumps(recording_document(redacted_recording(made, Redaction())), ensure_ascii=False)
    assert found_in(said) == []


def test_a_filter_with_a_name_is_refused_where_it_would_stand_on_the_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tui.commands.live.is_terminal", lambda _: True)
    assert main(["live", "--redact", "--process", "payroll_server.exe"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "does not go with --redact" in said
    assert found_in(said) == []
    assert main(["serve", "--live", "--redact", "--process", "payroll_server.exe"]) == ExitCode.USAGE
    assert "does not go with --redact" in capsys.readouterr().err


def test_each_browser_gets_the_redacted_interface() -> None:
    given = words(DEMO_TRACE, "--redact", "--redact-key", "-a secret", "--redact-addresses")
    assert given[4:6] == ["tui", "--quiet"]
    assert {"--redact", "--redact-addresses", "--redact-key=-a secret"} <= set(given)
    live = words("--replay", DEMO_TRACE, "--redact")
    assert live[4] == "live"
    assert "--redact" in live
    assert not [word for word in words(DEMO_TRACE) if "redact" in word]


def test_the_first_page_names_no_file(traces: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    monkeypatch.setattr("tui.web.server.GuardedServer.run", lambda self, _: titles.append(self._title))
    for more in (("--redact",), ()):
        assert main(["serve", traces[1], "--port", "0", *more]) == ExitCode.DONE
    assert titles == ["poolscope: REDACTED trace-1.etl", "poolscope: geheim 1.etl"]

    async def page() -> str:
        async with Served("127.0.0.1", "") as served:
            served.server._title = titles[0]
            async with served.visitor.get("/") as answer:
                return await answer.text()

    text = asyncio.run(page())
    assert "REDACTED trace-1.etl" in text
    assert found_in(text) == []


def test_the_address_that_is_served_on_is_told_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_streams():
        talk_through(Redaction().text)
        say("serving on http://10.1.2.3:8000/", as_it_is=True)
        say("a visitor from 10.1.2.3")
    assert capsys.readouterr().err.splitlines() == [
        "poolscope: serving on http://10.1.2.3:8000/", "poolscope: a visitor from 192.0.2.1",
    ]  # fmt: skip
