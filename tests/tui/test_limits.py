"""What a view is limited to, as a person sees it, and how one gets rid of it."""

from __future__ import annotations

import pytest

from analyzers.processes import ProcessLife
from analyzers.selection.query import EVERYTHING, Interval, Query
from analyzers.snapshot import Snapshot
from tests.tui.session import Session, opened
from tui.views.limits import limit_words
from tui.views.registry import VIEWS

IRP = int.from_bytes(b"Irp ", "little")


def limits(it: Session) -> str:
    """The line below the names of the views."""
    return it.lines[it.screen.query_one("#way").region.y].strip()


async def test_a_view_by_number_shows_everything_after_a_step_down(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (120, 40)) as it:
        everything = {}
        for view in VIEWS:
            await it.press(view.number)
            everything[view.key] = it.lines[:-1]
        await it.press("1", "enter")
        assert it.scope != EVERYTHING
        for view in VIEWS:
            await it.press(view.number)
            assert it.scope == EVERYTHING
            assert it.lines[:-1] == everything[view.key], view.key
            assert "Limited" not in limits(it)


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_limits_are_shown_as_limits_with_the_key_that_drops_them(snapshot: Snapshot, width: int) -> None:
    async with opened(snapshot, (width, 24)) as it:
        assert "Limited" not in limits(it)
        await it.press("down", "enter")
        assert limits(it).startswith("Limited to tag Irp Nonp   U No limits")
        await it.press("U")
        assert it.place == "stacks"
        assert it.scope == EVERYTHING
        assert "Limited" not in limits(it)
        assert "U No limits" not in it.text
        await it.press("escape")
        assert limits(it).startswith("Limited to tag Irp Nonp")


async def test_one_key_drops_all_limits_and_the_filter(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot) as it:
        await it.press("4", "enter", "tab", "tab", "tab", "tab", "tab", "slash", *"zzz", "enter")
        assert it.place == "allocations"
        assert "4330" in limits(it)
        assert it.column("address") == []
        await it.press("U")
        assert len(it.column("address")) == len(leaking_snapshot.pool.outstanding)


async def test_tab_keeps_the_limits_and_says_them(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("enter", "tab")
        assert it.place == "processes"
        assert limits(it).startswith("Limited to tag AfdB Nonp")


async def test_the_trace_itself_says_that_it_is_not_limited(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("enter", *["tab"] * 7)
        assert it.place == "trace"
        assert limits(it).startswith("The whole trace; other views: limited to tag AfdB")


async def test_many_limits_are_cut_but_the_key_is_not(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (60, 24)) as it:
        client = ProcessLife(4330)
        it.screen.go("allocations", Query(tag=(IRP, False), driver="ntoskrnl.exe", process=client, thread=88, stack=0))
        await it.press()
        assert limits(it) == "Limited to tag Irp Nonp, driver ntoskrnl.ex…   U No limits"


def test_every_limit_has_words(leaking_snapshot: Snapshot) -> None:
    scope = Query(
        tag=(IRP, False), stack=-1, frame=0x10, driver="afd.sys", process=ProcessLife(4330), thread=88,
        endpoint=0x20, finding=1, port=3, keeper="keeper.sys", interval=Interval(0, 2_000_000_000),
    )  # fmt: skip
    assert limit_words(scope, leaking_snapshot) == [
        "finding 1",
        "tag Irp Nonp",
        "driver afd.sys",
        "process client.exe (4330)",
        "thread 88",
        "port 3",
        "kept by keeper.sys",
        "socket 0x20",
        "stack (no stack in the trace)",
        "frame 0x10",
        "+0.000000 s to +2.000000 s (made inside, not freed inside)",
    ]
    assert limit_words(EVERYTHING, leaking_snapshot) == []


async def test_without_limits_the_line_says_what_the_view_is(snapshot: Snapshot) -> None:
    async with opened(snapshot, (100, 24)) as it:
        for name in VIEWS:
            await it.press(name.number)
            assert limits(it) == name.summary
