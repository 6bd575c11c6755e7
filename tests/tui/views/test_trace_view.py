from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.snapshot import Snapshot
from analyzers.verdicts.coverage import Coverage
from tests.tui.session import opened
from tests.tui.stories import SECOND, Story
from tests.tui.views.listings import demo, is_harmless
from tracer.errors import Damage, DamageCode
from tracer.trace import Gap, Loss
from tui.views.scene import Scene
from tui.views.trace import TraceText, TraceView
from tui.views.trace_text import gap_line, limit_lines, trace_lines


def said(snapshot: Snapshot) -> str:
    return "\n".join(line.plain for line in trace_lines(Scene(snapshot, snapshot)))


def limits(snapshot: Snapshot) -> str:
    return "\n".join(line.plain for line in limit_lines(Scene(snapshot, snapshot)))


def test_header_clock_and_times_are_told(snapshot: Snapshot) -> None:
    text = said(snapshot)
    for words in ("leak.etl", "NT Kernel Logger", "qpc, 10,000,000 ticks a second", "build 26100", "sequential"):
        assert words in text
    assert "1,204 records up to +90.000000 s" in text
    assert "Bytes\n  headers      720\n  records   60,000\n  padding    4,816\n  skipped        0" in text


def test_a_simulated_trace_says_so_first() -> None:
    assert said(demo()).startswith("SIMULATED TRACE")


def test_a_whole_trace_says_that_nothing_is_missing() -> None:
    assert "nothing: the session lost no event" in said(demo())
    assert limits(demo()) == "This trace holds every kind of evidence, and nothing of it was lost."
    assert "o record" not in said(demo())


def test_losses_are_placed_in_time_and_damage_is_listed(broken_snapshot: Snapshot) -> None:
    text = said(broken_snapshot)
    for words in (
        "reading was interrupted",
        "the session was still running, or crashed",
        "the session lost 3 events and 1 buffer",
        "+1.000000 s to +2.000000 s, CPU 2: buffer lost",
        "in time       |####..",
        "# marks where events are missing",
        "at byte 4,168: a record of size 0",
    ):
        assert words in text
    assert "what looks outstanding may have been freed unseen" in limits(broken_snapshot)


def test_every_damaged_place_is_listed_up_to_two_hundred(story: Story) -> None:
    place = Damage(0, DamageCode.RECORD_CUT, "cut", 1)
    story.damage = tuple(replace(place, offset=offset) for offset in range(201))
    text = said(story.make())
    assert "at byte 199: cut" in text
    assert "at byte 200: cut" not in text
    assert "and 1 more" in text


@pytest.mark.parametrize(
    ("gap", "marks"),
    [
        ((0, 0), (0, 1)),
        ((0, 50), (0, 50)),
        ((30, 30), (30, 31)),
        ((49, 1000), (49, 50)),
        ((-5, 1), (0, 2)),
        ((70, 80), (49, 50)),
    ],
)
def test_a_gap_is_marked_where_it_is_and_never_outside_of_the_line(
    gap: tuple[int, int], marks: tuple[int, int]
) -> None:
    line = gap_line((Gap(*gap, 0, ""),), 50)
    first, after = marks
    assert line == "." * first + "#" * (after - first) + "." * (50 - after)


def test_a_trace_of_no_length_still_has_a_line() -> None:
    assert len(gap_line((Gap(0, 5, 0, ""),), 0)) == 50


def test_evidence_that_is_there_and_that_is_not_is_told_with_its_cost(snapshot: Snapshot) -> None:
    text = said(snapshot)
    assert "[x] pool events: what is allocated and freed" in text
    assert "[x] Winsock (AFD) events (2): which socket a request belongs to" in text
    assert "[ ] no context switches: nothing tells what threads did" in text
    assert "To record all of the evidence" in text
    assert "No I/O request (IRP) events: nothing tells which requests are not finished." in limits(snapshot)


def test_queue_events_that_were_asked_for_are_not_missing_where_no_port_was_used(snapshot: Snapshot) -> None:
    asked = Coverage(stacks=True, context_switches=True, requests=True, sockets=True, wrapped=False, lost=0.0)
    assert "[ ] no kernel queue events" in said(snapshot)
    assert "[x] kernel queue events: what waits in completion ports" in said(replace(snapshot, coverage=asked))


def test_a_trace_without_pool_events_says_how_to_record_one(empty_snapshot: Snapshot) -> None:
    text = said(empty_snapshot)
    assert "This trace holds no pool events" in text
    assert "xperf -on PROC_THREAD" in text
    assert "[ ] no pool events: nothing tells what is allocated and freed" in text
    assert limits(empty_snapshot).startswith("What this trace cannot tell\nThis trace holds no pool events")


def test_hostile_names_are_shown_as_text(hostile_snapshot: Snapshot) -> None:
    assert is_harmless("".join(line.plain for line in trace_lines(Scene(hostile_snapshot, hostile_snapshot))))


def test_every_key_has_an_id_and_a_tooltip() -> None:
    bindings = list(TraceText(id="text")._bindings)
    assert bindings
    assert all(binding.id and binding.tooltip for _, binding in bindings)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_text_fits_the_width_and_scrolls(size: tuple[int, int]) -> None:
    async with opened(demo(), size, "trace") as it:
        assert "SIMULATED TRACE" in it.text
        assert "This trace holds every kind of" in it.text
        await it.press("G")
        assert "Microsoft-Windows-Winsock-AFD" in it.text
        assert "SIMULATED TRACE" not in it.text
        await it.press("g", "j", "k", "pagedown", "pageup", "home")
        assert "SIMULATED TRACE" in it.text


async def test_lines_break_anew_when_the_terminal_is_resized(broken_snapshot: Snapshot) -> None:
    async with opened(broken_snapshot, (160, 48), "trace") as it:
        assert "about the part that was read" in it.text
        await it.pilot.resize_terminal(60, 24)
        await it.pilot.pause()
        assert "about the part that was read" not in it.text
        assert "read to 1 min 30 s" in it.text


async def test_the_trace_can_be_filtered_exported_and_copied(snapshot: Snapshot) -> None:
    async with opened(snapshot, view="trace") as it:
        view = it.screen.view
        assert isinstance(view, TraceView)
        titles, rows = view.exported()
        assert list(titles) == ["Trace"]
        assert ["  [x] pool events: what is allocated and freed"] in [list(row) for row in rows]
        assert view.copied().startswith("leak.etl\n")
        assert view.narrow("CLOCK") == ""
        assert view.copied() == "  clock         qpc, 10,000,000 ticks a second"
        assert view.narrow("no such thing") == ""
        assert view.counts()[0] == 0
        assert view.copied() == ""


async def test_it_tells_of_the_whole_trace_while_it_is_followed(story: Story) -> None:
    async with opened(story.make(), view="trace") as it:
        story.loss = Loss(7, 0, (Gap(SECOND, 2 * SECOND, 0, "lost"),))
        it.screen.show(story.make())
        await it.pilot.pause()
        assert "what looks outstanding may have been freed unseen" in it.text
