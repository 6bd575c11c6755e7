"""Outstanding bytes over time, and what a stretch of it selects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.formatting import moment, size
from analyzers.selection.query import Interval, Lifetime, Query
from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import analysed
from tests.tui.diagnoses import diagnosis
from tests.tui.session import opened
from tests.tui.stories import FORBIDDEN, Story
from tests.tui.views.listings import culprit
from tracer.trace import Gap, Loss
from tui.views.course import OutstandingHistory
from tui.views.scene import Scene, narrowed_to
from tui.widgets.chart import Chart, ChartData, ChartMark, cells_of, mark_line, plot, step_of, time_line


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


def data(total: list[int], kept: list[int], *marks: ChartMark) -> ChartData:
    return ChartData(np.array(total, np.int64), np.array(kept, np.int64), 1_000_000_000, marks)


def test_the_drawing_is_filled_by_halves_up_to_what_stays_and_shaded_above() -> None:
    assert plot(data([1, 2, 4], [0, 1, 4]), 3, 2) == [
        "  █",
        "░▄█",
    ]  # fmt: skip
    assert plot(data([8], [3]), 2, 4) == ["░░", "░░", "▄▄", "██"]


def test_nothing_is_drawn_where_nothing_was() -> None:
    assert plot(data([0, 0], [0, 0]), 4, 1) == ["    "]


@pytest.mark.parametrize(("steps", "width"), [(1, 70), (5, 70), (64, 70), (64, 64), (64, 30), (3, 2)])
def test_every_step_has_cells_and_every_cell_its_step(steps: int, width: int) -> None:
    for step in range(steps):
        first, end = cells_of(step, steps, width)
        assert 0 <= first < end <= width
        if steps <= width:
            assert set(step_of(np.arange(first, end), steps, width)) == {step}


def test_marks_stand_below_their_steps_and_the_cursor_over_them() -> None:
    chart = data([1] * 10, [1] * 10, ChartMark(0, "F1"), ChartMark(4, "!"), ChartMark(4, "M"), ChartMark(9, "F2"))
    assert mark_line(chart, 2, 10) == "F1^ !   F2"
    assert mark_line(chart, 4, 10) == "F1  ^   F2"


def test_the_time_axis_names_beginning_middle_and_end() -> None:
    assert time_line(12_000_000_000, 30).split() == ["0", "6.00", "s", "12.0", "s"]
    assert len(time_line(12_000_000_000, 30)) == 30


def test_the_drawing_ends_with_the_trace_even_within_a_step() -> None:
    assert time_line(12_000_000_000, 30, 11_900_000_000).split() == ["0", "6.00", "s", "11.9", "s"]


def test_the_course_ends_with_what_is_outstanding(demo: Snapshot) -> None:
    course = OutstandingHistory.of(Scene(demo, demo))
    assert course.data.total[-1] == course.data.kept[-1] == demo.pool.totals.outstanding_bytes
    assert (course.data.total >= course.data.kept).all()
    assert course.allocations.sum() == demo.pool.totals.allocations


def test_a_course_is_limited_to_its_scope_but_not_to_an_interval(demo: Snapshot) -> None:
    tags = demo.pool.tags
    scope = Query(tag=(int(tags.tag[0]), bool(tags.paged[0])))
    limited = OutstandingHistory.of(Scene(narrowed_to(demo, scope), demo, scope))
    assert limited.data.total[-1] == tags.outstanding_bytes[0]
    inside = replace(scope, interval=Interval(0, 1000))
    again = OutstandingHistory.of(Scene(narrowed_to(demo, inside), demo, inside))
    assert (again.data.total == limited.data.total).all()


def test_what_one_process_freed_is_not_known_and_not_drawn(demo: Snapshot) -> None:
    scope = Query(process=culprit()[0])
    course = OutstandingHistory.of(Scene(narrowed_to(demo, scope), demo, scope))
    assert (course.data.total == course.data.kept).all()
    assert "freed is known by tag and stack only" in course.legend().plain
    assert " frees" not in course.words(0).plain


async def test_the_end_is_under_the_cursor_at_first(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        held = size(demo.pool.totals.outstanding_bytes)
        assert f"{size(int(OutstandingHistory.of(Scene(demo, demo)).data.total.max()))} │" in it.text
        assert "█ still outstanding" in it.text
        assert f"to {moment(demo.at_ns)} outstanding {held}" in it.panel
        assert "^" in it.text


async def test_shift_and_arrows_select_and_enter_limits_everything(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        await it.press("home", "right", "shift+right", "shift+right")
        step = demo.pool.history.step_ns
        await it.press("enter")
        assert it.place == "tags"
        assert it.scope.interval == Interval(step, 4 * step, Lifetime.INSIDE_KEPT)


async def test_selecting_back_over_the_beginning_turns_round(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        step = demo.pool.history.step_ns
        await it.press("home", "right", "right", "shift+right", "shift+left", "shift+left", "enter")
        assert it.scope.interval == Interval(step, 3 * step)


async def test_brackets_set_begin_and_end(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        step = demo.pool.history.step_ns
        await it.press(
            "home", "right", "left_square_bracket", "right", "right", "right_square_bracket", "left", "enter"
        )
        assert it.scope.interval == Interval(step, 4 * step)
        await it.press("escape", "home", "right_square_bracket", "enter")
        assert it.scope.interval == Interval(0, step)


async def test_v_goes_through_the_four_kinds_and_u_forgets_the_interval(demo: Snapshot) -> None:
    async with opened(demo, (160, 48), "timeline") as it:
        await it.press("shift+left")
        for kind in (*list(Lifetime)[1:], Lifetime.INSIDE_KEPT):
            await it.press("v")
            assert kind.value in it.panel
        await it.press("u")
        assert "this step" in it.panel


async def test_a_click_puts_the_cursor_and_shift_selects(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        await it.pilot.click(Chart, offset=(11, 2))
        await it.pilot.pause()
        assert it.panel.startswith("+0.000000 s")
        await it.pilot.click(Chart, offset=(2, 2))
        await it.pilot.click(Chart, offset=(30, 2), shift=True)
        await it.pilot.pause()
        assert "selected +0.000000 s" in it.panel


async def test_a_click_with_the_right_button_selects_where_a_terminal_keeps_shift_for_itself(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        await it.pilot.click(Chart, offset=(11, 2))
        await it.pilot.click(Chart, offset=(30, 2), button=3)
        await it.pilot.pause()
        assert "selected +0.000000 s" in it.panel


async def test_the_pointer_pulled_over_the_chart_selects_what_it_passes_and_stops_at_the_edges(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        step, last = demo.pool.history.step_ns, demo.at_ns
        await it.pilot.mouse_down(Chart, offset=(30, 2))
        for x in (34, 50, 70):
            await it.pilot.hover(Chart, offset=(x, 3))
        await it.pilot.mouse_up(Chart, offset=(70, 3))
        await it.pilot.hover(Chart, offset=(40, 3))
        await it.pilot.pause()
        selected = it.view.query_one(Chart).selected
        assert selected is not None
        assert selected[1] > selected[0] > 0
        await it.press("enter")
        assert it.scope.interval == Interval(selected[0] * step, min((selected[1] + 1) * step, last))
        await it.press("escape", "u")
        await it.pilot.mouse_down(Chart, offset=(30, 2))
        await it.pilot.hover(Chart, offset=(1, 2))
        await it.pilot.mouse_up(Chart, offset=(1, 2))
        await it.pilot.pause()
        assert it.panel.count("selected +0.000000 s") == 1


async def test_findings_gaps_and_a_mark_are_marked(broken_snapshot: Snapshot, story: Story) -> None:
    story.diagnosis = diagnosis()
    snapshot = story.make()
    scene = Scene(snapshot, snapshot, mark=snapshot)
    course = OutstandingHistory.of(scene)
    assert {mark.sign for mark in course.data.marks} == {"!", "M", "F1", "F2", "F3"}
    legend = course.legend().plain
    assert "! events missing" in legend
    assert "M mark" in legend
    async with opened(broken_snapshot, view="timeline") as it:
        assert "!" in it.text
        await it.press("home", "right")
        assert "! events are missing on CPU 2: buffer lost" in it.panel


def test_a_finding_is_marked_where_its_oldest_memory_was_made(demo: Snapshot) -> None:
    (finding,) = demo.diagnosis.findings
    assert len(finding.rows)
    oldest = int(demo.pool.outstanding.time_ns[finding.rows].min())
    (mark,) = (mark for mark in OutstandingHistory.of(Scene(demo, demo)).data.marks if mark.sign == "F1")
    assert mark.step == oldest // demo.pool.history.step_ns


def test_what_is_missing_in_a_step_is_told_once_with_all_its_processors(story: Story) -> None:
    gaps = tuple(Gap(0, 100, cpu, "events-lost") for cpu in (3, 1, -1, 2))
    story.loss = Loss(7, 0, gaps)
    snapshot = story.make()
    assert [note for step, note in OutstandingHistory.of(Scene(snapshot, snapshot)).notes if step == 0] == [
        "! events are missing on CPU 1, 2, 3: events were lost"
    ]


async def test_what_its_signs_mean_stands_on_one_line_of_80_cells(demo: Snapshot) -> None:
    lossy = replace(demo, loss=Loss(7, 0, (Gap(0, 100, 1, "events-lost"),)))
    legend = OutstandingHistory.of(Scene(lossy, lossy)).legend()
    assert "F" in legend.plain
    assert "!" in legend.plain
    assert legend.cell_len <= 78


async def test_an_empty_trace_says_once_why_there_is_nothing_to_draw(empty_snapshot: Snapshot) -> None:
    async with opened(empty_snapshot, view="timeline") as it:
        assert it.text.count("no pool events") == 1
        await it.press("left", "shift+left", "left_square_bracket", "v", "u", "enter")
        assert it.place == "timeline"


@pytest.mark.parametrize("size", [(20, 8), (40, 12), (80, 24), (160, 48)])
async def test_any_size_is_drawn_and_hostile_reasons_are_harmless(
    hostile_snapshot: Snapshot, size: tuple[int, int]
) -> None:
    async with opened(hostile_snapshot, size, "timeline") as it:
        await it.press("home")
        assert "\\x1b[2J" in it.panel
        assert not (FORBIDDEN - {"\n"}) & set(it.text)


async def test_an_export_has_a_row_for_each_step(demo: Snapshot) -> None:
    async with opened(demo, view="timeline") as it:
        headings, rows = it.screen.view.exported()
        assert headings[0] == "from_ns"
        assert len(rows) == demo.pool.history.used
        assert rows[-1][2] == demo.pool.totals.outstanding_bytes
        assert "made inside" in it.screen.view.copied()
