"""PoolMon's reflexes: the pool that p chooses, what has changed, and how fast tags grow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.snapshot import Snapshot
from tests.tui.counting import Clock, leaking, sampling
from tests.tui.session import Session, opened, running
from tests.tui.stories import SECOND, Story
from tui.counters.app import CountersApp
from tui.counters.follower import CountersFollower
from tui.tables.rates import Per, TagRates
from tui.tables.tags import tag_table


def limits(it: Session) -> str:
    """The line below the names of the views."""
    return it.lines[it.screen.query_one("#way").region.y].strip()


async def test_p_shows_one_pool_the_other_and_both_and_says_so_where_limits_stand(snapshot: Snapshot) -> None:
    async with opened(snapshot, (120, 40), "tags") as it:
        both = it.column("tag")
        assert "Limited" not in limits(it)
        await it.press("p")
        assert set(it.column("type")) == {"Nonp"}
        assert limits(it).startswith("Limited to nonpaged pool (p)")
        assert "U No limits" in limits(it)
        await it.press("p")
        assert set(it.column("type")) == {"Paged"}
        assert limits(it).startswith("Limited to paged pool (p)")
        await it.press("p")
        assert it.column("tag") == both
        assert "Limited" not in limits(it)


@pytest.mark.parametrize("drops", ["U", "2"])
async def test_what_drops_all_limits_drops_that_of_p_too(snapshot: Snapshot, drops: str) -> None:
    async with opened(snapshot, (120, 40), "tags") as it:
        both = it.column("tag")
        await it.press("p")
        assert it.column("tag") != both
        await it.press(drops)
        assert it.column("tag") == both
        assert "Limited" not in limits(it)


def grown(story: Story, seconds: int = 1) -> Snapshot:
    """The fourth tag has grown, seconds later."""
    story.sites[-1] = replace(story.sites[-1], sizes=[*story.sites[-1].sizes, 15_000])
    made = story.make()
    return replace(made, at_ns=made.at_ns + seconds * SECOND)


def marked(it: Session) -> set[str]:
    """Tags with the sign of a change on their line."""
    return {line.split("•")[0].strip() for line in it.lines if "•" in line}


async def test_what_changed_since_the_last_refresh_has_a_sign_that_cursor_and_colours_leave(story: Story) -> None:
    async with opened(story.make(), (120, 40), "tags") as it:
        assert marked(it) == set()
        it.screen.show(grown(story))
        await it.press()
        changed = story.sites[-1].tag.strip()
        assert marked(it) == {changed}
        await it.press("home")
        for _ in range(5):
            if it.cursor == changed:
                break
            await it.press("down")
        assert it.cursor == changed
        assert marked(it) == {changed}
        await it.press("l")
        assert marked(it) == set()


async def test_after_a_mark_the_sign_still_is_of_the_last_refresh(story: Story) -> None:
    first = story.make()
    async with opened(first, (160, 40), "tags") as it:
        second = grown(story)
        it.screen.show(first)
        await it.press("M")
        it.screen.show(second)
        await it.press()
        assert marked(it) == {story.sites[-1].tag.strip()}
        assert "Change since mark" in it.text
        it.screen.show(replace(second, at_ns=second.at_ns + SECOND))
        await it.press()
        assert marked(it) == set()


async def test_no_two_columns_have_one_name_and_each_says_since_when(story: Story) -> None:
    async with opened(story.make(), (200, 40), "tags") as it:
        it.screen.show(grown(story))
        await it.press()
        titles = [column.heading.title for column in it.table.view.model.columns]
        assert len(titles) == len(set(titles))
        assert {"Change since last", "Outst since last", "Since start"} <= set(titles)
        assert not any("+/-" in title for title in titles)
        assert "Change since last" in it.text


async def test_counters_change_since_the_start_and_since_a_mark() -> None:
    clock = Clock()
    watched = sampling(clock, leaking())
    app = CountersApp(CountersFollower(watched, 3600.0))
    async with running(app, (160, 30)) as it:
        clock.sleep(10.0)
        it.screen.show(watched.sample())
        await it.press()
        assert it.table.view.model.column("growth").heading.title == "Since start"
        await it.press("M")
        clock.sleep(10.0)
        it.screen.show(watched.sample())
        await it.press()
        assert it.table.view.model.column("growth").heading.title == "Change since mark"
        assert it.column("growth")[0] == "+1.56 KiB"
        await it.press("C")
        assert it.table.view.model.column("growth").heading.title == "Since start"
        assert it.column("growth")[0] == "+3.12 KiB"


def rates_of(steps: list[tuple[int, int]], per: Per) -> list[int]:
    """AfdE's rate after each step: (seconds, answers of a kernel that grows by 1,600 bytes in each)."""
    clock, kernel = Clock(), leaking()
    watched, rates, told = sampling(clock, kernel), TagRates(), []
    rates.take(watched.snapshot())
    for seconds, answers in steps:
        clock.sleep(seconds)
        for _ in range(answers):
            now = watched.sample()
        rates.take(now)
        told.append(rates.of(now.pool.tags, per).tolist()[2])
    return told


def test_a_rate_is_of_the_last_ten_seconds_or_of_the_last_minute() -> None:
    assert rates_of([(1, 1), (1, 1), (8, 1), (10, 1)], Per.SECOND) == [1600, 1600, 480, 160]
    assert rates_of([(1, 1), (5, 1), (54, 1), (60, 1)], Per.MINUTE) == [0, 32_000, 4800, 1600]


def test_a_rate_begins_anew_when_time_goes_back(story: Story) -> None:
    rates, first = TagRates(), story.make()
    later = grown(story, 30)
    rates.take(first)
    rates.take(later)
    assert rates.of(later.pool.tags, Per.MINUTE).any()
    rates.take(first)
    assert not rates.of(first.pool.tags, Per.MINUTE).any()


async def test_r_tells_rates_per_minute_instead_of_per_second(story: Story) -> None:
    async with opened(story.make(), (160, 40), "tags") as it:
        assert not it.view.check_action("rate", ())
        it.screen.show(grown(story, 60))
        await it.press("R")
        assert it.table.view.sort_key == "rate"
        assert it.column("tag")[0] == story.sites[-1].tag.strip()
        assert "Per second" in it.text
        assert it.column("rate")[0] == "+250 B"
        await it.press("r")
        assert "Per minute" in it.text
        assert it.column("rate")[0] == "+14.6 KiB"
        assert it.table.view.sort_key == "rate"


async def test_a_table_that_was_empty_after_a_mark_takes_keys_again(story: Story) -> None:
    async with opened(story.make(), (160, 40), "tags") as it:
        it.screen.show(grown(story, 60))
        await it.press("M")
        assert "Only what came after the mark" in it.text
        it.screen.show(grown(story, 120))
        await it.press()
        await it.press("r")
        assert "Per minute" in it.text


def test_a_table_without_time_has_no_rates(snapshot: Snapshot) -> None:
    assert not tag_table(snapshot).has("rate")
