"""--alert: what it takes, when it goes off, and what it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.tracer.live.counted import Kernel, Tag, refusing
from tests.tracer.traces import UNJITTED
from tests.tui.capturing import Recorder, api_of, machine_with
from tests.tui.counting import Clock, leaking, sampling
from tests.tui.made_windows import MadeWindows, installed
from tests.tui.session import running
from tests.tui.stories import Story
from tracer.errors import UsageError
from tracer.etl.file import EtlFile
from tracer.live.this_machine import ThisMachine
from tui.alerts.grammar import Per, Subject, alert_of
from tui.alerts.watching import Alarms, amount_of
from tui.cli import main
from tui.counters.app import CountersApp
from tui.counters.beside import Beside
from tui.counters.follower import CountersFollower
from tui.exit_codes import ExitCode
from tui.live.follower import Follower
from tui.live.pace import Pace
from tui.live.update import LiveUpdate

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "subject", "name", "with_equal", "amount", "in_bytes", "per"),
    [
        ("nonpaged > 10MB/min", Subject.NONPAGED, "", False, 10 * MIB, True, Per.MINUTE),
        ("paged>=2G", Subject.PAGED, "", True, 2 << 30, True, None),
        ("tag AfdE > 5000", Subject.TAG, "AfdE", False, 5000, False, None),
        ("tag AfdE > 5000 allocs / h", Subject.TAG, "AfdE", False, 5000, False, Per.HOUR),
        ("driver contoso.sys > 1.5 KiB / s", Subject.DRIVER, "contoso.sys", False, 1536, True, Per.SECOND),
        ('tag "a > b" >= 512B', Subject.TAG, "a > b", True, 512, True, None),
        ("TAG =Irp > 1k", Subject.TAG, "=Irp", False, 1024, True, None),
        ("paged >= 0.5", Subject.PAGED, "", True, 1, False, None),
        ("paged > 0.5", Subject.PAGED, "", False, 0, False, None),
        ("nonpaged > 0/min", Subject.NONPAGED, "", False, 0, False, Per.MINUTE),
    ],
)
def test_an_alert_says_whose_how_much_and_within_what(
    text: str, subject: Subject, name: str, with_equal: bool, amount: int, in_bytes: bool, per: Per | None
) -> None:
    read = alert_of(text)
    assert (read.subject, read.name, read.with_equal, read.amount, read.in_bytes, read.per) == (
        subject, name, with_equal, amount, in_bytes, per,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with"),
        ("nonpagd > 1M", "did you mean 'nonpaged'?"),
        ("10MB", "begins with"),
        ("tag > 5", "which tag?"),
        ("nonpaged < 5M", "comes > or >="),
        ("nonpaged AfdE > 5M", "comes > or >="),
        ("nonpaged >", "no amount"),
        ("nonpaged > ten", "no amount"),
        ("nonpaged > 10MB/day", "no amount"),
        ("nonpaged > -1", "no amount"),
        ("paged >= 0", "always"),
    ],
)
def test_what_is_no_alert_is_wrong_use_with_a_reason_and_examples(
    text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as refused:
        alert_of(text)
    assert why in refused.value.why
    for command in (["live", "--counters"], ["record", "out.etl"]):
        assert main([*command, "--json", "--alert", text]) == ExitCode.USAGE
        out, err = capsys.readouterr()
        error = json.loads(out)["error"]
        assert error["code"] == "bad-alert"
        assert why in error["why"]
        assert "nonpaged > 10MB/min" in error["next"]
        assert "bad-alert" not in err


def growing(amounts: list[int], seconds: float) -> list[Snapshot]:
    """Snapshots of counters in which AfdE has so many bytes, so many seconds apart."""
    clock, kernel = Clock(), Kernel([Tag(b"AfdE", nonpaged=(9, 0, amounts[0]))])
    watched = sampling(clock, kernel)
    taken = [watched.snapshot()]
    for amount in amounts[1:]:
        clock.sleep(seconds)
        kernel.tags[0] = Tag(b"AfdE", nonpaged=(9, 0, amount))
        taken.append(watched.sample())
    return taken


def told(text: str, snapshots: list[Snapshot]) -> list[int]:
    """At which of the snapshots it is told."""
    alarms = Alarms([alert_of(text)])
    return [at for at, snapshot in enumerate(snapshots) if alarms.look(snapshot)]


def test_an_amount_is_told_when_it_is_passed_and_not_again_while_it_stays() -> None:
    snapshots = growing([900, 1024, 1025, 1025, 3000], 100.0)
    assert told("tag AfdE > 1k", snapshots) == [2]
    assert told("tag AfdE >= 1k", snapshots) == [1]
    assert told("nonpaged > 1k", snapshots) == [2]
    assert told("paged > 1k", snapshots) == []
    assert told("driver afd > 1k", snapshots) == [2]
    assert told("driver tcpip > 0", snapshots) == []
    assert told("tag AfdE > 8", snapshots) == [0]
    assert told("tag AfdE > 9", snapshots) == []


def test_an_amount_that_comes_back_is_told_again_but_no_more_than_once_a_minute() -> None:
    assert told("nonpaged > 1k", growing([0, 2000, 0, 2000, 0, 2000], 20.0)) == [1, 5]


def test_growth_counts_from_when_counting_began_and_within_its_time_alone() -> None:
    assert told("nonpaged > 100B/min", growing([10_000, 10_060, 10_120, 10_180], 30.0)) == [2]
    assert told("nonpaged > 100B/min", growing([10_000, 10_040, 10_080, 10_120, 10_160], 30.0)) == []
    assert told("nonpaged >= 100B/s", growing([10_000, 10_199, 10_399], 2.0)) == [2]


def test_a_rate_over_an_hour_needs_no_hour_where_the_amount_is_reached_before() -> None:
    assert told("nonpaged > 100B/h", growing([0, 99, 101], 1.0)) == [2]


def test_an_hour_of_seconds_is_remembered_in_few_moments() -> None:
    alarms = Alarms([alert_of("nonpaged > 1G/h")])
    for snapshot in growing(list(range(1, 4001)), 1.0):
        alarms.look(snapshot)
    assert 100 <= len(alarms._watched[0].past) <= 130


def test_in_a_trace_a_driver_is_known_by_stacks(story: Story) -> None:
    snapshot = story.make()
    sites = snapshot.pool.sites
    driver = next(name for name in sites.driver if name)
    expected = sum(int(n) for n, name in zip(sites.outstanding_bytes, sites.driver, strict=True) if name == driver)
    assert amount_of(snapshot, alert_of(f"driver ={driver} > 1k")) >= expected > 0


@pytest.fixture(scope="module")
def leak() -> Simulation:
    return simulate("winsock-loop", 7, Settings(iterations=45))


def followed(path: Path, *texts: str) -> tuple[Alarms, list[LiveUpdate]]:
    alarms, moments = Alarms([alert_of(text) for text in texts]), list[LiveUpdate]()
    with EtlFile.open(path) as file:
        follower = Follower(file, TagNames.load(), Pace(None), alarms=alarms)
        follower.start(moments.append)
        follower.join()
    return alarms, moments


def test_a_trace_that_is_played_tells_what_is_too_much(leak: Simulation, tmp_path: Path) -> None:
    path = tmp_path / "leak.etl"
    leak.write(path)
    alarms, moments = followed(path, "tag Irp > 0", "nonpaged > 1k/min", "paged > 1T")
    assert alarms.went_off
    rung = [said for moment in moments for said in moment.alarms]
    assert [said.split(":")[1].strip() for said in rung] == ["tag Irp > 0", "nonpaged > 1k/min"]
    assert not followed(path, "paged > 1T")[0].went_off


async def test_an_alarm_is_told_on_the_screen_and_stays_below_the_header() -> None:
    beside = Beside(Alarms([alert_of("tag AfdE > 9000B")]))
    follower = CountersFollower(sampling(Clock(), leaking()), 0.01, beside=beside)
    async with running(CountersApp(follower), (130, 30)) as it:
        await it.until("alert: tag AfdE > 9000B")
        it.app.clear_notifications()
        await it.press()
        assert any("alert: tag AfdE > 9000B" in line for line in it.lines[:6])
        follower.stop()
    assert beside.alarms.went_off


def test_counting_without_an_interface_tells_it_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, MadeWindows(kernel=leaking()))
    words = ["live", "--counters", "--report", "--for", "10ms", "--quiet", "--alert"]
    assert main([*words, "tag AfdE > 10k"]) == ExitCode.FOUND
    assert "alert: tag AfdE > 10k: 10.9 KiB (11,200 bytes)" in capsys.readouterr().err
    assert main([*words, "tag AfdE > 1G"]) == ExitCode.DONE


def recording(monkeypatch: pytest.MonkeyPatch, leak: Simulation, kernel: Kernel) -> Recorder:
    made = Recorder(leak)
    machine = ThisMachine(made, MadeWindows(), kernel.query)
    monkeypatch.setattr("tracer.live.this_machine.this_machine", lambda: machine)
    return made


def test_an_alarm_ends_a_recording_with_1_and_leaves_its_file(
    leak: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = recording(monkeypatch, leak, leaking())
    words = ["record", str(tmp_path / "pool.etl"), "--for", "60s", "--json", "--alert", "nonpaged > 1k/min"]
    assert main(words) == ExitCode.FOUND
    out, err = capsys.readouterr()
    assert json.loads(out)["recording"]["ended_by"] == "alert"
    assert "alert: nonpaged > 1k/min: +1.56 KiB (1,600 bytes) within 1 min" in err
    assert (tmp_path / "pool.etl").stat().st_size > 0
    assert api.ours == []


def test_what_is_too_much_already_ends_a_recording_at_once_and_is_told(
    leak: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recording(monkeypatch, leak, leaking())
    words = ["record", str(tmp_path / "pool.etl"), "--for", "60s", "--json", "--alert", "nonpaged > 1k"]
    assert main(words) == ExitCode.FOUND
    out, err = capsys.readouterr()
    assert json.loads(out)["recording"]["seconds"] < 30
    assert "alert: nonpaged > 1k: " in err


def test_a_name_that_nothing_has_is_a_warning(
    leak: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recording(monkeypatch, leak, leaking())
    words = ["record", str(tmp_path / "pool.etl"), "--for", "10ms", "--alert", "tag afde > 1", "--alert"]
    assert main([*words, "driver afd > 1G"]) == ExitCode.DONE
    err = capsys.readouterr().err
    assert "warning: pool counters: no tag in the trace fits 'afde'" in err
    assert "AfdE" in err
    assert "no driver" not in err
    installed(monkeypatch, MadeWindows(kernel=leaking()))
    main(["live", "--counters", "--report", "--for", "10ms", "--alert", "driver contoso > 1"])
    assert "no driver in the trace fits 'contoso'" in capsys.readouterr().err


@pytest.mark.skipif(UNJITTED, reason="the callback is native: there is no plain Python form of it")
def test_a_capture_asks_the_counters_and_goes_on(
    leak: Simulation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine_with(monkeypatch, api_of(leak), leaking().query)
    words = ["live", "--json", "--for", "300ms", "--quiet", "--alert"]
    assert main([*words, "tag MmSt > 100k"]) == ExitCode.FOUND
    out, err = capsys.readouterr()
    assert "alert: tag MmSt > 100k: 117 KiB (120,000 bytes)" in err
    assert json.loads(out)["findings"] != []


def test_a_recording_below_its_limits_ends_as_without_them(
    leak: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recording(monkeypatch, leak, leaking())
    words = ["record", str(tmp_path / "pool.etl"), "--for", "1500ms", "--json", "--alert", "nonpaged > 1G"]
    assert main(words) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["recording"]["ended_by"] == "time"


def test_where_windows_tells_no_counters_nothing_is_recorded(
    leak: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = Kernel()
    monkeypatch.setattr(kernel, "query", refusing(0xC0000022))
    api = recording(monkeypatch, leak, kernel)
    assert main(["record", str(tmp_path / "pool.etl"), "--json", "--alert", "paged > 1"]) == ExitCode.MACHINE
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "no-pool-counters"
    assert not (tmp_path / "pool.etl").exists()
    assert api.ours == []


def test_reading_an_alert_needs_no_numpy() -> None:
    import subprocess
    import sys

    script = "import sys, tui.alerts.grammar; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_alarms_begin_again_when_time_goes_back() -> None:
    snapshots = growing([900, 2000], 100.0)
    alarms = Alarms([alert_of("nonpaged > 1k")])
    assert [bool(alarms.look(one)) for one in snapshots] == [False, True]
    alarms.begin_again()
    assert [bool(alarms.look(one)) for one in snapshots] == [False, True]
