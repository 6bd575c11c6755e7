"""What a person does to a replay: pause the trace, step, go to a time, change the speed, hold the picture."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import NO_NAMES, analysed
from tests.tui.session import Session, running
from tracer.etl.file import EtlFile
from tui.live.pace import Pace
from tui.live.replay import Replay
from tui.live.replay_screen import ReplayApp
from tui.screens.jump import time_of

SECOND = 1_000_000_000
SLOW = 1 / 64
"""So slow that no test is over before the trace has come on by a second."""


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@asynccontextmanager
async def replaying(opened: ExitStack, speed: float | None) -> AsyncIterator[tuple[Session, Replay]]:
    def reopen() -> EtlFile:
        return opened.enter_context(EtlFile.open(DEMO_TRACE, window_bytes=1 << 14, threads=1))

    replay = Replay(reopen, NO_NAMES, Pace(speed))
    try:
        async with running(ReplayApp(replay), (120, 40)) as it:
            yield it, replay
    finally:
        await asyncio.to_thread(replay.join)


async def jump(it: Session, words: str) -> None:
    await it.press("J", *words, "enter")


async def shown(it: Session, least: float, most: float) -> float:
    """Wait until a moment between these seconds of the trace is shown."""
    for _ in range(300):
        at = it.screen.whole.at_ns / SECOND
        if least <= at <= most:
            return at
        await it.pilot.pause(0.02)
    raise AssertionError(f"it is at {at} s:\n{it.text}")


async def test_the_keys_stand_on_the_screen(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        assert "space Pause  . Step  < > Speed  J Jump  z Hold picture" in it.text
        await jump(it, "50%")
        await it.until("at 5")  # a batch of events is counted as a whole
        assert re.search(r"at 5\d % of 4.98 s", it.text)


async def test_a_jump_to_the_middle_shows_what_reading_up_to_there_gives(demo: Snapshot, opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        await jump(it, "50%")
        at = await shown(it, 2.4, 2.9)
        pool = it.screen.whole.pool
        assert pool.totals.allocations < demo.pool.totals.allocations
        of_then = demo.pool.outstanding.time_ns < at * SECOND
        assert 0 < int(of_then.sum()) <= len(pool.outstanding)
        assert (pool.outstanding.time_ns <= at * SECOND).all()


async def test_a_jump_back_counts_anew_from_the_start(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        await jump(it, "4s")
        await shown(it, 3.9, 4.5)
        much = it.screen.whole.pool.totals.allocations
        await jump(it, "1s")
        await shown(it, 0.9, 1.5)
        assert 0 < it.screen.whole.pool.totals.allocations < much
        await jump(it, "+1s")
        await shown(it, 1.9, 2.5)


async def test_space_pauses_the_trace_and_a_step_goes_on_a_little(opened: ExitStack) -> None:
    async with replaying(opened, 0.25) as (it, _):
        await it.press("space")
        await it.until("TRACE PAUSED")
        await jump(it, "20%")
        before = await shown(it, 0.9, 1.5)
        await it.pilot.pause(0.3)
        assert it.screen.whole.at_ns / SECOND == before
        await it.press("full_stop")
        after = await shown(it, before + 0.0001, before + 0.5)
        assert "TRACE PAUSED" in it.lines[0]
        assert after > before
        await it.press("space")
        await shown(it, after + 0.0001, 4.99)
        assert "TRACE PAUSED" not in it.lines[0]


async def test_the_speed_changes_while_it_plays(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, replay):
        await it.press("greater_than_sign", "greater_than_sign")
        await it.until("REPLAY x0.0625")
        await it.press("less_than_sign")
        await it.until("REPLAY x0.03125")
        for _ in range(20):
            replay.change_speed(faster=True)
        await it.until("SESSION ENDED")
        assert str(replay.pace) == "xMAX"


async def test_the_picture_can_still_be_held_while_the_trace_goes_on(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        await jump(it, "1s")
        await shown(it, 0.9, 1.5)
        await it.press("z")
        held = it.screen.whole
        await jump(it, "3s")
        await it.until("at 6")
        assert "PAUSED" in it.lines[0]
        assert it.screen.whole is held
        await it.press("z")
        await shown(it, 2.9, 3.5)


async def test_a_picture_that_is_held_when_the_trace_ends_can_be_let_go(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        await jump(it, "1s")
        await shown(it, 0.9, 1.5)
        await it.press("z")
        await jump(it, "100%")
        await it.until("SESSION ENDED")
        assert "PAUSED" in it.lines[0]
        await it.press("z")
        assert "PAUSED" not in it.lines[0]
        await shown(it, 4.9, 5.0)


async def test_from_its_end_one_goes_back_or_begins_again(demo: Snapshot, opened: ExitStack) -> None:
    async with replaying(opened, None) as (it, _):
        await it.until("SESSION ENDED")
        assert it.screen.whole.pool.totals == demo.pool.totals
        await it.press("space")
        await it.pilot.pause(0.1)
        await it.until("SESSION ENDED")
        assert it.screen.whole.pool.totals == demo.pool.totals


async def test_leaving_does_not_wait_for_a_trace_that_is_paused(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        await it.press("space")
        await it.until("TRACE PAUSED")
        await it.press("q")
    assert "follower" not in {thread.name for thread in threading.enumerate()}


async def test_a_mark_of_a_later_time_goes_with_the_time(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        await jump(it, "3s")
        await shown(it, 2.9, 3.5)
        await it.press("M")
        assert "SINCE" in it.lines[0]
        await jump(it, "1s")
        await shown(it, 0.9, 1.5)
        assert "SINCE" not in it.text


async def test_what_is_no_time_is_told_and_escape_stays(opened: ExitStack) -> None:
    async with replaying(opened, SLOW) as (it, _):
        await jump(it, "half")
        assert "a part such as 50%" in it.text
        await it.press("escape")
        assert "To which time" not in it.text


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("50%", 5 * SECOND),
        (" 12.5 % ", 1_250_000_000),
        ("3s", 3 * SECOND),
        ("1min", 60 * SECOND),
        ("+500ms", 2_500_000_000),
        ("-1s", SECOND),
        ("-1h", 0),
        ("3", None),
        ("", None),
        ("soon", None),
    ],
)
def test_times_are_understood(text: str, time_ns: int | None) -> None:
    assert time_of(text, 2 * SECOND, 10 * SECOND) == time_ns
