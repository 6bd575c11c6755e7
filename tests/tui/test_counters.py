"""PoolMon with growth: counters that a made machine tells, in the interface, as a report and as a document."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from tests.tracer.live.counted import Kernel, Tag, refusing
from tests.tui.counting import MACHINE, Clock, leaking, sampling
from tests.tui.made_windows import MadeWindows, installed
from tests.tui.session import running
from tracer.errors import MachineError
from tui.cli import main
from tui.counters.app import CountersApp
from tui.counters.follower import CountersFollower
from tui.counters.sampling import Counting, Sampling
from tui.counters.waiting import counted_for
from tui.exit_codes import ExitCode
from tui.live.update import LiveUpdate


def row(snapshot: Snapshot, name: bytes) -> dict[str, int]:
    tags = snapshot.pool.tags
    at = tags.tag.tolist().index(int.from_bytes(name, "little"))
    return {"bytes": int(tags.outstanding_bytes[at]), "peak": int(tags.peak_bytes[at])}


def test_counting_goes_on_for_its_time_and_no_longer() -> None:
    clock = Clock()
    snapshot = counted_for(sampling(clock), 3.5, clock.sleep)
    assert clock.now == pytest.approx(103.5)
    assert snapshot.at_ns == 3_500_000_000
    assert not snapshot.partial
    assert row(snapshot, b"AfdE") == {"bytes": 9_600 + 4 * 1_600, "peak": 9_600 + 4 * 1_600}


def test_peaks_are_those_of_all_samples() -> None:
    kernel = Kernel([Tag(b"AfdE", nonpaged=(9, 0, 900))])
    watched = sampling(Clock(), kernel)
    watched.snapshot()
    kernel.tags[0] = Tag(b"AfdE", nonpaged=(9, 8, 100))
    assert row(watched.sample(), b"AfdE") == {"bytes": 100, "peak": 900}


def interrupted_after(sleeps: int, clock: Clock) -> Callable[[float], None]:
    slept = iter(range(sleeps))

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if next(slept, None) is None:
            signal.raise_signal(signal.SIGINT)

    return sleep


def test_ctrl_c_before_the_time_gives_what_was_counted_until_then() -> None:
    clock = Clock()
    snapshot = counted_for(sampling(clock), 60.0, interrupted_after(2, clock))
    assert snapshot.partial
    assert clock.now == pytest.approx(103.0)


def test_without_a_time_ctrl_c_is_the_end_and_nothing_is_partial() -> None:
    clock = Clock()
    assert not counted_for(sampling(clock), None, interrupted_after(2, clock)).partial


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["live", "--counters", "--json", "--for", "10ms", "--quiet", *words]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert err == ""
    document = json.loads(out)
    assert isinstance(document, dict)
    return document


def test_the_document_has_what_was_there_and_what_has_grown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, MadeWindows(kernel=leaking()))
    document = told(capsys)
    first = document["by_tag"][0]
    assert (first["tag"], first["driver"], first["paged"]) == ("AfdE", "afd.sys", False)
    assert (first["before_count"], first["growth_count"]) == (60, 10)
    assert (first["before_bytes"], first["growth_bytes"]) == (9_600, 1_600)
    assert [one["growth_bytes"] for one in document["by_tag"]] == [1_600, 0, 0]
    assert document["totals"]["growth_bytes"] == 1_600
    assert document["os_build"] == 26100


def test_tags_that_were_asked_for_are_told_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, MadeWindows(kernel=leaking()))
    assert [(one["tag"], one["paged"]) for one in told(capsys, "--tag", "Mm*")["by_tag"]] == [
        ("MmSt", False), ("MmSt", True),
    ]  # fmt: skip


def test_the_report_has_growth_first_and_says_what_it_cannot(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, MadeWindows(kernel=leaking()))
    assert main(["live", "--counters", "--report", "--for", "10ms"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert "counting for 0.01 s" in err
    at = next(n for n, line in enumerate(lines) if "Since start" in line and "Tag" in line)
    assert lines[at + 1].split()[0] == "AfdE"
    assert "+1.56 KiB" in lines[at + 1]
    assert "grown by" in out
    assert "Counters know tags alone" in out


def test_a_machine_that_tells_nothing_is_an_error_with_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = MadeWindows()
    monkeypatch.setattr(made.kernel, "query", refusing(0xC0000022))
    installed(monkeypatch, made)
    assert main(["live", "--counters", "--json", "--for", "1s"]) == ExitCode.MACHINE
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "no-pool-counters"
    assert "0xC0000022" in err


def opened(kernel: Kernel, every: float) -> tuple[CountersApp, CountersFollower]:
    follower = CountersFollower(sampling(Clock(), kernel), every)
    return CountersApp(follower), follower


async def ended(follower: CountersFollower) -> None:
    follower.stop()
    await asyncio.to_thread(follower.join)


async def test_the_interface_shows_growth_and_sorts_by_it() -> None:
    app, follower = opened(leaking(), 0.01)
    async with running(app, (130, 30)) as it:
        assert "COUNTERS" in it.lines[0]
        await it.until("+1.56 KiB")
        rows = [line.split()[0].rstrip("•") for line in it.lines if line.strip().startswith(("AfdE", "MmSt"))]
        assert rows[0] == "AfdE"
        assert "Since start" in it.text
        assert "Course" not in it.text
        await ended(follower)


async def test_what_counters_do_not_know_is_said_and_not_shown_empty() -> None:
    app, follower = opened(leaking(), 3600.0)
    async with running(app, (130, 30)) as it:
        await it.press("3")
        assert it.place == "tags"
        assert ["counters know tags alone" in told.message for told in it.app._notifications] == [True]
        await it.press("enter")
        assert it.place == "tags"
        await ended(follower)


async def test_a_mark_measures_growth_from_now_on_and_clearing_it_from_the_start() -> None:
    kernel = leaking()
    watched = sampling(Clock(), kernel)
    app = CountersApp(CountersFollower(watched, 3600.0))
    async with running(app, (130, 30)) as it:
        grown = watched.sample()
        it.screen.show(grown)
        await it.press("M")
        assert "+1.56 KiB" not in "".join(line for line in it.lines if line.strip().startswith("AfdE"))
        await it.press("C")
        assert "+1.56 KiB" in "".join(line for line in it.lines if line.strip().startswith("AfdE"))


async def test_when_the_time_is_up_the_picture_stays() -> None:
    clock = Clock()
    follower = CountersFollower(sampling(clock), 0.01, seconds=5.0)
    app = CountersApp(follower, words='tag:"AfdE"')
    async with running(app, (130, 30)) as it:
        await it.until('tag:"AfdE"')
        assert not any(line.startswith(" MmSt") for line in it.lines)
        clock.now += 6.0
        await it.until("SESSION ENDED")
        await asyncio.to_thread(follower.join)
        assert any(line.startswith(" AfdE") for line in it.lines)


def test_the_worker_tells_what_went_wrong_and_ends() -> None:
    kernel = leaking()
    watched = sampling(Clock(), kernel)
    follower, moments = CountersFollower(watched, 0.001), list[LiveUpdate]()

    def refuse(kind: int, room: int) -> tuple[int, bytes, int]:
        return 0xC0000022, b"", 0

    object.__setattr__(watched._counting, "query", refuse)
    follower.start(moments.append)
    follower.join()
    assert moments[-1].state == "STOPPED"
    assert "0xC0000022" in moments[-1].fault


@pytest.mark.skipif(sys.platform == "win32", reason="there it counts")
def test_elsewhere_there_is_nothing_to_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--counters", "--json", "--for", "1s"]) == ExitCode.MACHINE
    assert "--replay" in json.loads(capsys.readouterr().out)["error"]["next"]


def test_counting_without_an_interface_needs_no_textual() -> None:
    import subprocess

    script = (
        "import sys; sys.argv=['poolscope']\n"
        "import tui.counters.command, tui.counters.waiting\n"
        "assert 'textual' not in sys.modules, 'textual'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ)


def test_a_refusal_names_what_windows_said() -> None:
    with pytest.raises(MachineError):
        Sampling(Counting(refusing(5), TagNames.load(), MACHINE))
