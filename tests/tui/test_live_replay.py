"""A trace played as if it happened now: the worker counts, the screen follows."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from analyzers.analysis import Analysis
from analyzers.formatting import duration, size
from analyzers.retention.attribution import Rule
from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import NO_NAMES, analysed
from tests.tui.session import Session, running
from tests.tui.stories import FORBIDDEN, HOSTILE
from tracer.errors import InputError
from tracer.etl.file import EtlFile
from tui.cli import main
from tui.commands.options import speed
from tui.exit_codes import ExitCode
from tui.live.app import LiveApp
from tui.live.counting import Counting
from tui.live.follower import REFRESH_SECONDS, Follower
from tui.live.pace import Pace
from tui.live.rates import Counts, RateMeter, Rates
from tui.live.screen import LiveScreen
from tui.live.update import LiveUpdate
from tui.report.recording import NO_POOL_EVENTS_YET
from tui.widgets.virtual_table import VirtualTable

_WINDOW = 1 << 16
SECOND = 1_000_000_000


class Clock:
    """Goes on by ``tick`` seconds whenever somebody looks."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now = 0.0
        self.tick = tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


class Waiting(threading.Event):
    """Waits by putting the clock on."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += timeout or 0.0
        return self.is_set()


Opener = Callable[[Path], EtlFile]


@pytest.fixture
def source_of() -> Iterator[Opener]:
    opened: list[EtlFile] = []

    def opener(path: Path) -> EtlFile:
        opened.append(EtlFile.open(path, window_bytes=_WINDOW, threads=1))
        return opened[-1]

    yield opener
    for source in opened:
        source.close()


def standing(source: EtlFile) -> Follower:
    """One whose trace does not come on: what is told is told by the test."""
    return Follower(source, NO_NAMES, Pace(1.0, Clock()))


def collected(follower: Follower) -> list[LiveUpdate]:
    """All that is told when everything is taken at once."""
    told: list[LiveUpdate] = []

    def tell(moment: LiveUpdate) -> None:
        told.append(moment)
        follower.taken()

    follower.start(tell)
    follower.join()
    return told


async def to_the_end(it: Session, follower: Follower) -> None:
    await asyncio.to_thread(follower.join)
    await it.pilot.pause()
    await it.pilot.pause()


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


async def test_a_replay_at_full_speed_ends_with_what_reading_the_trace_gives(demo: Snapshot, source_of: Opener) -> None:
    follower = Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(None))
    async with running(LiveApp(follower)) as it:
        assert "REPLAY xMAX" in it.text or "SESSION ENDED" in it.text
        await to_the_end(it, follower)
        assert "SESSION ENDED" in it.lines[0]
        assert "SIMULATED" in it.lines[0]
        totals = demo.pool.totals
        assert f"outstanding {totals.outstanding_count:,}, {size(totals.outstanding_bytes)}" in it.lines[1]
        assert it.lines[2].split("over")[1].strip() == duration(demo.at_ns)
        assert it.screen.whole.pool.totals == demo.pool.totals
        assert len(it.screen.whole.diagnosis.findings) == len(demo.diagnosis.findings)


async def test_the_views_answer_keys_and_the_end_stays_on_screen(source_of: Opener) -> None:
    follower = Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(None))
    async with running(LiveApp(follower)) as it:
        await it.press("7", "9", "2")
        await to_the_end(it, follower)
        await it.press("down", "7")
        assert it.place == "retention"
        assert "user APCs pending on thread" in it.text
        assert "SESSION ENDED" in it.lines[0]


async def test_before_the_first_event_it_says_so_and_names_the_speed(source_of: Opener) -> None:
    async with running(LiveApp(standing(source_of(DEMO_TRACE)))) as it:
        assert "REPLAY x1" in it.lines[0]
        assert "waiting for the first events" in it.text
        assert isinstance(it.app.focused, VirtualTable)


async def test_rates_and_the_time_of_the_findings_are_told(demo: Snapshot, source_of: Opener) -> None:
    async with running(LiveApp(standing(source_of(DEMO_TRACE)))) as it:
        rates = Rates(events=200_000.4, bytes=1_048_576.0, growth=2_048.0)
        it.screen.post_message(LiveScreen.Updated(LiveUpdate(9 * SECOND, rates, demo, concluded_ns=5 * SECOND)))
        await it.pilot.pause()
        assert it.lines[2].strip() == ("+9.00 s  200,000 events/s, 1.00 MiB/s  pool +2.00 KiB/s  findings of +5.00 s")
        it.screen.post_message(LiveScreen.Updated(LiveUpdate(10 * SECOND, Rates(growth=-2_048.0))))
        await it.pilot.pause()
        assert "pool -2.00 KiB/s" in it.lines[2]


async def test_space_holds_the_picture_while_the_header_goes_on(demo: Snapshot, source_of: Opener) -> None:
    async with running(LiveApp(standing(source_of(DEMO_TRACE)))) as it:
        await it.press("space")
        it.screen.post_message(LiveScreen.Updated(LiveUpdate(9 * SECOND, Rates(), demo)))
        await it.pilot.pause()
        assert "PAUSED" in it.lines[0]
        assert f"outstanding {demo.pool.totals.outstanding_count:,}" in it.lines[1]
        assert "+9.00 s" in it.lines[2]
        assert it.screen.whole.pool.totals.allocations == 0
        await it.press("space")
        assert it.screen.whole is demo


async def test_q_stops_the_worker(source_of: Opener) -> None:
    follower = standing(source_of(DEMO_TRACE))
    async with running(LiveApp(follower)) as it:
        await it.press("q")
    await asyncio.to_thread(follower.join)
    assert "follower" not in {thread.name for thread in threading.enumerate()}


async def test_a_fault_of_the_worker_is_told_on_screen(
    source_of: Opener, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(HOSTILE)

    follower = Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(None))
    monkeypatch.setattr(Analysis, "feed", fail)
    async with running(LiveApp(follower)) as it:
        await to_the_end(it, follower)
        assert "STOPPED" in it.lines[0]
        assert "internal error: ZeroDivisionError" in it.text
        assert "interrupted" in it.text
        assert not (FORBIDDEN - {"\n"}) & set(it.text)
        await it.press("7", "2")
        assert it.place == "tags"
    assert "Traceback" not in capsys.readouterr().err


def test_an_unreadable_trace_ends_with_its_own_words(source_of: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(None))

    def gone(*_: object, **__: object) -> None:
        raise InputError("read-failed", "reading the file failed", where="demo.etl", next="copy it")

    monkeypatch.setattr(EtlFile, "batches", gone)
    (last,) = collected(follower)
    assert last.ended
    assert last.state == "STOPPED"
    assert last.fault.splitlines() == ["poolscope: reading the file failed", "  where  demo.etl", "  next   copy it"]


def test_a_snapshot_that_fails_too_leaves_the_words(source_of: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(None))

    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("broken")

    monkeypatch.setattr(Analysis, "snapshot", fail)
    (last,) = collected(follower)
    assert last.snapshot is None
    assert "ArithmeticError: broken" in last.fault


async def test_loss_is_in_the_header_from_the_first_moment(tmp_path: Path, source_of: Opener) -> None:
    path = tmp_path / "lossy.etl"
    simulate("winsock-loop", 3, Settings(iterations=20, lost_buffers=2)).write(path)
    async with running(LiveApp(standing(source_of(path))), (120, 30)) as it:
        assert "INCOMPLETE" in it.text
        assert "lost" in it.text


def test_it_is_told_as_often_as_the_clock_allows_and_time_goes_only_forward(source_of: Opener) -> None:
    told = collected(Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(8.0, Clock(0.02))))
    times = [moment.at_ns for moment in told]
    assert len(told) > 3
    assert times == sorted(times)
    assert [moment.ended for moment in told] == [False] * (len(told) - 1) + [True]
    assert all(moment.rates.events > 0 for moment in told if moment.snapshot is not None)


def test_what_was_counted_is_shown_while_the_next_events_are_still_to_come(source_of: Opener) -> None:
    clock = Clock(0.001)
    follower = Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(1.0, clock))
    follower._stopped = Waiting(clock)
    shown = [0, *(moment.at_ns for moment in collected(follower) if moment.snapshot is not None)]
    assert max(after - before for before, after in pairwise(shown)) < 2 * SECOND * REFRESH_SECONDS


async def test_until_a_pool_event_comes_every_view_says_that_none_has_come_and_tells_nobody_to_record(
    source_of: Opener,
) -> None:
    async with running(LiveApp(standing(source_of(DEMO_TRACE))), (120, 40)) as it:
        for view in ("1", "2", "6", "0"):
            await it.press(view)
            assert NO_POOL_EVENTS_YET in it.text, view
            assert "xperf" not in it.text


async def test_a_mark_says_that_nothing_has_come_since(demo: Snapshot, source_of: Opener) -> None:
    async with running(LiveApp(standing(source_of(DEMO_TRACE)))) as it:
        it.screen.post_message(LiveScreen.Updated(LiveUpdate(9 * SECOND, Rates(), demo)))
        await it.press("M")
        assert "No pool event since the mark." in it.text
        await it.press("C")
        assert "MmSt" in it.text


def test_while_the_interface_is_busy_nothing_piles_up(source_of: Opener) -> None:
    told: list[LiveUpdate] = []
    follower = Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(None, Clock(1.0)))
    follower.start(told.append)
    follower.join()
    assert len(told) == 2
    assert told[-1].ended


def test_conclusions_are_carried_to_a_later_pool_row_by_row(source_of: Opener) -> None:
    counting = Counting(source_of(DEMO_TRACE), NO_NAMES, Clock())
    batches = list(counting.batches())
    half = len(batches) // 2
    for batch in batches[:half]:
        counting.feed(batch)
    concluded = counting.snapshot(conclude=True)
    counting._rested_at = float("inf")
    for batch in batches[half:]:
        counting.feed(batch)
    later = counting.snapshot()
    assert counting.concluded_ns == concluded.at_ns < later.at_ns
    assert later.diagnosis == concluded.diagnosis
    was, now = _keys(concluded), _keys(later)
    for before, after in zip(concluded.diagnosis.findings, later.diagnosis.findings, strict=True):
        assert {now[row] for row in after.rows} == {was[row] for row in before.rows} & set(now) != set()
    assert concluded.context is not None
    assert later.context is not None
    _same_where_it_is_the_same(concluded, later)


def _same_where_it_is_the_same(concluded: Snapshot, later: Snapshot) -> None:
    assert concluded.context is not None
    assert later.context is not None
    old, new = concluded.context, later.context
    before = {key: row for row, key in enumerate(_keys(concluded))}
    assert len(new.attribution.rule) == len(new.retention.group_of) == len(later.pool.outstanding)
    for row, key in enumerate(_keys(later)):
        was = before.get(key)
        rule = Rule.NONE if was is None else old.attribution.rule[was]
        assert new.attribution.rule[row] == rule
        assert new.retention.group_of[row] == (-1 if was is None else old.retention.group_of[was])
    names = [(concluded.pool.sites, old), (later.pool.sites, new)]
    tags, stacks = (
        [[getattr(sites, name)[kind.site] for kind in context.attribution.kinds] for sites, context in names]
        for name in ("tag_row", "stack")
    )
    assert tags[0] == tags[1]
    assert stacks[0] == stacks[1]
    assert (new.attribution.rule != Rule.NONE).any()


def _keys(snapshot: Snapshot) -> list[tuple[int, int]]:
    live = snapshot.pool.outstanding
    return list(zip(live.address.tolist(), live.time_ns.tolist(), strict=True))


def test_concluding_rests_five_times_as_long_as_it_took(source_of: Opener) -> None:
    clock = Clock()
    counting = Counting(source_of(DEMO_TRACE), NO_NAMES, clock)
    assert counting.snapshot().context is None
    for batch in counting.batches():
        counting.feed(batch)
    clock.tick = 1.0
    first = counting.snapshot().context
    clock.tick = 0.0
    again = counting.snapshot().context
    assert first is not None
    assert again is not None
    assert again is not first
    assert again.retention.graph is first.retention.graph
    clock.now += 6.0
    new = counting.snapshot().context
    assert new is not None
    assert new.retention.graph is not first.retention.graph


def test_a_pace_is_kept_by_the_clock() -> None:
    clock = Clock()
    pace = Pace(2.0, clock)
    pace.begin()
    assert pace.wait_for(10 * SECOND) == pytest.approx(5.0)
    clock.now = 4.0
    assert pace.wait_for(10 * SECOND) == pytest.approx(1.0)
    assert pace.now(SECOND, 10 * SECOND) == 8 * SECOND
    assert pace.now(9 * SECOND, 10 * SECOND) == 9 * SECOND
    assert (str(pace), str(Pace(None)), str(Pace(0.5))) == ("x2", "xMAX", "x0.5")
    assert Pace(None).wait_for(10 * SECOND) == 0.0
    assert Pace(None).now(3, 10) == 3


def test_rates_are_over_the_last_refreshes() -> None:
    meter = RateMeter()
    rates = [meter.take(Counts(SECOND * n, 100 * n * n, 10 * n, -5 * n)) for n in range(1, 8)]
    assert rates[0] == Rates(100.0, 10.0, -5.0)
    assert rates[-1].events == (4_900 - 900) / 4
    assert Counts(5).since(Counts(5)) == Rates()
    assert RateMeter().take(Counts(7_700, 994, 17_248, 0)) == Rates(), "a burst of microseconds is no rate"


def test_names_asked_for_while_following_are_those_of_the_trace(demo: Snapshot, source_of: Opener) -> None:
    told = collected(Follower(source_of(DEMO_TRACE), NO_NAMES, Pace(None)))
    names = told[-1].snapshot
    assert names is not None
    process = demo.diagnosis.findings[0].process_id
    assert process is not None
    assert names.names.process(process) == demo.names.process(process) == "client.exe"
    mine, theirs = names.pool.sites.stack.tolist(), demo.pool.sites.stack.tolist()  # ids are each reading's own
    assert {names.names.frames(stack) for stack in mine} == {demo.names.frames(stack) for stack in theirs}
    frames = names.names.frames(mine[0])
    assert len(names.names.addresses(np.array(mine[:1], np.int32))[0]) == len(frames)


@pytest.mark.skipif(sys.platform == "win32", reason="there it captures")
def test_without_a_replay_the_command_says_what_can_be_done_instead(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live"]) == ExitCode.MACHINE
    said = capsys.readouterr().err
    assert "cannot capture" in said
    assert "poolscope live --replay TRACE" in said


def test_a_replay_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--replay", str(DEMO_TRACE)]) == ExitCode.USAGE
    assert "needs a terminal" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "fast"])
def test_a_speed_is_a_number_above_0_or_max(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["live", "--replay", str(DEMO_TRACE), "--speed", word]) == ExitCode.USAGE
    assert "--speed" in capsys.readouterr().err


def test_speeds_are_read() -> None:
    assert speed("max") is None
    assert speed("2.5") == 2.5
