"""Stories told with keys: what a person presses, and what is then on the screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.command import CommandList

from analyzers.snapshot import Snapshot
from tests.tui.session import opened
from tests.tui.stories import FORBIDDEN, SECOND, Story
from tui.app import PoolscopeApp, screenshot
from tui.screens.help import HelpScreen
from tui.views.registry import VIEWS
from tui.widgets.key_bar import KeyBar
from tui.widgets.view_bar import ViewBar
from tui.widgets.virtual_table import VirtualTable

VIEW_KEYS = [view.number for view in VIEWS]

pytestmark = pytest.mark.usefixtures("folder_of_its_own")


async def test_it_opens_on_the_tags_where_nothing_was_found(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        assert it.screen.location.view == "tags"
        assert it.column("tag") == ["AfdB", "Irp", "CM25", "File"]
        assert it.lines[0].split()[0] == "leak.etl"
        assert "outstanding 18, 18.9 KiB" in it.lines[1]
        assert "Bytes▼" in it.text
        assert "Socket data buffers" in it.text


async def test_it_opens_on_the_findings_where_there_are_some(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot) as it:
        assert it.screen.location.view == "findings"


async def test_it_opens_on_the_trace_where_there_are_no_pool_events(empty_snapshot: Snapshot) -> None:
    async with opened(empty_snapshot) as it:
        assert it.screen.location.view == "trace"


async def test_it_opens_on_the_view_that_was_asked_for(snapshot: Snapshot) -> None:
    async with opened(snapshot, view="allocations") as it:
        assert it.screen.location.view == "allocations"


async def test_numbers_and_tab_change_the_view_and_escape_goes_back_the_same_way(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        seen = []
        for key in ("4", "0", "tab", "shift+tab", "escape", "escape", "backspace", "escape", "escape"):
            await it.press(key)
            seen.append(it.screen.location.view)
        there, back = seen[:4], seen[4:]
        assert there == ["processes", "trace", "findings", "trace"]
        assert back == ["findings", "trace", "processes", "tags", "tags"]


async def test_enter_goes_deeper_and_the_way_is_shown(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("down", "enter")
        assert it.screen.location.view == "stacks"
        assert any(line.rstrip().endswith("Tags > Stacks of Irp") for line in it.lines)
        await it.press("escape")
        assert it.cursor == "Irp"


async def test_of_a_long_way_the_last_steps_are_shown_as_many_as_there_is_room_for(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (120, 24)) as it:
        await it.press("2", "enter", *["tab"] * 5)
        way = it.lines[it.screen.query_one("#way").region.y].strip()
        assert re.search(r"U No limits   \.\. > .*Allocs of AfdB$", way)
        await it.pilot.resize_terminal(260, 24)
        await it.press()
        way = it.lines[it.screen.query_one("#way").region.y].strip()
        assert "   Tags > Stacks of AfdB > Processes of AfdB > Sockets of AfdB > " in way


@pytest.mark.repeats
async def test_every_view_shows_at_80_columns_how_to_get_help_to_quit_and_to_find_all_else(
    leaking_snapshot: Snapshot,
) -> None:
    async with opened(leaking_snapshot) as it:
        for view in VIEWS:
            await it.press(view.number, "1", "escape")
            assert it.place == view.key
            keys = it.lines[-1].rstrip()
            assert "? Help" in keys, view.key
            assert "q Quit" in keys, view.key
            assert keys.endswith("^p Palette"), view.key


async def test_a_chart_takes_no_filter_and_does_not_offer_one(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, view="timeline") as it:
        assert "/ Filter" not in it.lines[-1]
        await it.press("slash", "x")
        assert "Export" in it.text


async def test_a_filter_that_is_typed_shows_what_ends_it_and_has_its_sign_before_it(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash")
        assert "bytes>4k" in it.text
        assert "age>" not in it.text, "the tags have no such column"
        assert "Keep filter" in it.lines[-1]
        assert "Drop filter" in it.lines[-1]
        assert "/ Filter" not in it.lines[-1]
        await it.press(*"afd")
        assert re.fullmatch(r"/ afd +1 of 4 rows", it.lines[-2].strip())


async def test_a_click_on_a_view_changes_to_it_at_any_width(snapshot: Snapshot) -> None:
    for width in (80, 160):
        async with opened(snapshot, (width, 30)) as it:
            bar = it.screen.query_one(ViewBar)
            line = it.lines[bar.region.y]
            await it.pilot.click(ViewBar, offset=(line.index("4 "), 0))
            await it.press()
            assert it.screen.location.view == "processes"


async def test_every_view_is_named_in_full_on_the_screen_at_80_columns(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        for view in VIEWS:
            await it.press(view.number)
            region = it.screen.query_one(ViewBar).region
            bar = " ".join(it.lines[region.y : region.bottom])
            assert f"[{view.number} {view.title}]" in bar
            assert all(f"{other.number} {other.title}" in bar for other in VIEWS)


async def test_a_click_on_the_second_line_of_views_changes_to_one(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        region = it.screen.query_one(ViewBar).region
        assert region.height == 2
        await it.pilot.click(ViewBar, offset=(it.lines[region.y + 1].index("9 "), 1))
        await it.press()
        assert it.place == "timeline"


@pytest.mark.parametrize(
    ("key", "once", "again"),
    [
        ("t", ["AfdB", "CM25", "File", "Irp"], ["Irp", "File", "CM25", "AfdB"]),
        ("a", ["Irp", "File", "AfdB", "CM25"], ["CM25", "AfdB", "File", "Irp"]),
        ("f", ["Irp", "File", "AfdB", "CM25"], ["CM25", "AfdB", "File", "Irp"]),
        ("d", ["Irp", "AfdB", "CM25", "File"], ["File", "CM25", "AfdB", "Irp"]),
        ("b", ["File", "CM25", "Irp", "AfdB"], ["AfdB", "Irp", "CM25", "File"]),
        ("m", ["AfdB", "Irp", "CM25", "File"], ["File", "CM25", "Irp", "AfdB"]),
    ],
)
async def test_poolmons_keys_sort_and_again_turn_the_order_round(
    snapshot: Snapshot, key: str, once: list[str], again: list[str]
) -> None:
    async with opened(snapshot) as it:
        await it.press(key)
        assert it.column("tag") == once
        await it.press(key)
        assert it.column("tag") == again


async def test_poolmons_p_shows_nonpaged_then_paged_then_both(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        seen = []
        for _ in range(3):
            await it.press("p")
            seen.append(it.column("type"))
        assert seen == [["Nonp"] * 3, ["Paged"], ["Nonp", "Nonp", "Paged", "Nonp"]]
        await it.press("p", "slash", *"afd", "enter")
        assert it.column("tag") == ["AfdB"]


async def test_poolmons_e_shows_totals_of_what_is_shown(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        before = it.text
        await it.press("e")
        assert re.search(r"4 tags: allocs 202", it.text)
        await it.press("p", "p")
        assert "1 tag: allocs" in it.text
        await it.press("p", "e", "home")
        assert it.text == before


def grown(story: Story) -> Snapshot:
    """A second later the fourth tag has grown most, though it still is the smallest."""
    first = story.make()
    story.sites[-1] = replace(story.sites[-1], sizes=[*story.sites[-1].sizes, 150])
    second = story.make()
    return replace(second, at_ns=first.at_ns + SECOND)


async def test_poolmons_parentheses_sort_by_changes_and_l_marks_them(story: Story) -> None:
    async with opened(story.make()) as it:
        assert not it.view.check_action("by_change", ())
        it.screen.show(grown(story))
        await it.press()
        first = it.column("tag")[0]
        await it.press("(")
        grew = it.column("tag")[0]
        assert grew != first
        assert it.table.view.sorted_column.heading.key == "bytes-change"
        await it.press(")")
        assert it.column("tag")[0] == first
        assert it.table.highlights
        await it.press("l")
        assert not it.table.highlights


async def test_the_header_counts_on_while_the_picture_is_paused(story: Story) -> None:
    async with opened(story.make()) as it:
        await it.press("space")
        assert "nothing to pause" in it.told[0]
        it.screen.show(story.make())
        await it.press("space")
        assert "PAUSED" in it.lines[0]
        shown = it.column("bytes")
        it.screen.show(grown(story))
        await it.press()
        assert "outstanding 19" in it.lines[1]
        assert it.column("bytes") == shown
        await it.press("space")
        assert "PAUSED" not in it.text
        assert it.column("bytes") != shown


async def test_a_mark_is_shown_counts_from_then_on_and_is_cleared(story: Story) -> None:
    first = story.make()
    async with opened(first) as it:
        it.screen.show(first)
        await it.press("M")
        assert "SINCE +90.000000 s" in it.lines[0]
        assert "0" in it.column("outstanding") or not it.column("outstanding")
        await it.press("C")
        assert "SINCE" not in it.text
        assert it.column("tag") == ["AfdB", "Irp", "CM25", "File"]


async def test_what_feeds_the_snapshots_can_say_a_word_in_the_header(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        it.screen.show(snapshot, "SESSION ENDED")
        await it.press()
        assert "SESSION ENDED" in it.lines[0]


async def test_y_copies_the_row_and_says_what(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("down", "y")
        assert it.app.clipboard.strip() == "Irp"
        assert it.told[0].startswith("copied: Irp")


async def test_sorting_leaves_the_cursor_on_its_row(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("down")
        await it.press("t")
        assert it.cursor == "Irp"
        assert it.table.cursor == 3


async def test_a_click_on_a_heading_sorts_and_on_a_row_chooses_and_then_opens(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.pilot.click(it.table, offset=(2, 0))
        await it.pilot.pause()
        assert it.table.view.sort_key == "tag"
        assert "Tag▲" in it.text
        await it.pilot.click(it.table, offset=(5, 2))
        assert it.cursor == "CM25"
        await it.pilot.click(it.table, offset=(5, 7))
        assert it.cursor == "CM25"
        await it.pilot.click(it.table, offset=(5, 2))
        await it.pilot.pause()
        assert it.screen.location.view == "stacks"


async def test_a_click_on_the_footer_does_what_it_says(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        footer = it.screen.query_one(KeyBar)
        await it.pilot.click(KeyBar, offset=(it.lines[footer.region.y].index("Help"), 0))
        await it.press()
        assert isinstance(it.app.screen, HelpScreen)


async def test_a_filter_works_while_typing_enter_keeps_it_and_escape_drops_it(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", "n", "t", "o", "s")
        assert it.column("tag") == ["Irp", "CM25"]
        assert any(re.fullmatch(r"/ ntos +2 of 4 rows", line.strip()) for line in it.lines)
        await it.press("enter")
        assert it.app.focused is it.table
        await it.press("down")
        assert it.cursor == "CM25"
        await it.press("escape")
        assert it.column("tag") == ["AfdB", "Irp", "CM25", "File"]
        assert it.cursor == "CM25"


async def test_escape_while_typing_drops_the_filter_and_n_still_finds_its_rows(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"ntos", "escape")
        assert len(it.column("tag")) == 4
        assert it.app.focused is it.table
        found = []
        for key in ("n", "n", "n", "N"):
            await it.press(key)
            found.append(it.cursor)
        assert found == ["CM25", "Irp", "CM25", "Irp"]


async def test_a_process_name_finds_the_tags_that_it_holds(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"process:system", "enter")
        assert it.column("tag") == ["Irp"]


async def test_a_wrong_filter_is_told_while_typing_and_goes_with_the_filter(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"bytes>x")
        assert "'x' is no number or size in 'bytes>x'; for example bytes>4k" in it.text
        await it.press("backspace", "4", "k")
        assert "no number" not in it.text
        assert it.column("tag") == ["AfdB", "Irp"]
        await it.press("x", "escape")
        assert "no number" not in it.text


async def test_another_view_begins_without_the_filter(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"afd", "enter", "8", "2")
        assert len(it.column("tag")) == 4


async def test_a_filter_is_gone_when_one_comes_back_to_its_view(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"afd", "enter", "8", "escape")
        assert it.screen.location.view == "tags"
        assert len(it.column("tag")) == 4


async def test_a_wrong_filter_is_not_complained_of_in_another_view(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"bytes>x", "enter", "8")
        assert "no number" not in it.text


async def test_the_way_back_is_a_hundred_places_long_at_most(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        for _ in range(70):
            it.screen.go("trace")
            it.screen.go("tags")
        for _ in range(99):
            it.screen.action_back()
        assert it.screen.check_action("back", ()) is False
        assert it.screen.location.view == "trace"


async def test_a_filter_that_matches_nothing_says_so_and_opens_nothing(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"zzz", "enter", "enter")
        assert it.screen.location.view == "tags"
        assert "no row fits the filter" in it.text


async def test_keys_move_through_a_long_table(big_snapshot: Callable[[int], Snapshot]) -> None:
    async with opened(big_snapshot(500), view="allocations") as it:
        table = it.table
        places = []
        for key in ("down", "j", "up", "k", "pagedown", "pageup", "end", "down", "home", "up", "G", "g"):
            await it.press(key)
            places.append(table.cursor)
            height = table.size.height - 1
            assert table.scroll_offset.y <= table.cursor < table.scroll_offset.y + height
        page = table.size.height - 2
        assert places == [1, 2, 1, 0, page, 0, 499, 499, 0, 0, 499, 0]


async def test_a_million_rows_draw_only_what_is_visible(big_snapshot: Callable[[int], Snapshot]) -> None:
    async with opened(big_snapshot(1_000_000), view="allocations") as it:
        drawn: list[int] = []
        column = it.table.view.model.columns[0]
        texts = type(column).text

        def counted(self: object, row: int) -> str:
            drawn.append(row)
            return texts(column, row)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(column), "text", counted)
            await it.press("end")
        assert it.table.cursor == 999_999
        assert len(drawn) < 1000


async def test_keys_go_to_the_panel_and_back(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("ctrl+o")
        assert it.side_panel.has_focus
        await it.press("ctrl+o")
        assert it.table.has_focus


async def test_a_fault_of_the_interface_is_told_by_the_command_line_and_not_by_textual(
    snapshot: Snapshot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = PoolscopeApp(snapshot)

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 // 0)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await run()
    monkeypatch.setattr(app, "run", lambda: None)  # as textual's returns after a fault
    with pytest.raises(ZeroDivisionError):
        app.show()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_it_can_be_left(snapshot: Snapshot, key: str) -> None:
    async with opened(snapshot) as it:
        await it.press("enter", key)
        assert it.app._exit


@pytest.mark.repeats
async def test_every_view_of_a_simulated_trace_says_simulated(story: Story) -> None:
    story.simulated = True
    async with opened(story.make()) as it:
        for key in VIEW_KEYS:
            await it.press(key)
            assert it.lines[0].strip().startswith("SIMULATED"), key
            assert "SIMULATED" in it.app.title, key


@pytest.mark.repeats
async def test_every_view_says_what_is_missing(broken_snapshot: Snapshot) -> None:
    async with opened(broken_snapshot, (180, 24)) as it:
        for key in VIEW_KEYS:
            await it.press(key)
            assert it.lines[2].strip() == (
                "INCOMPLETE: read to 1 min 30 s (100 %), 3 events and 1 buffer lost, "
                "1 place damaged, 512 B skipped, 2 gaps in time, session never closed"
            )


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (52, "INCOMPLETE: read to 1 min 30 s (100 %), 4 more (0)"),
        (80, "INCOMPLETE: read to 1 min 30 s (100 %), 3 events and 1 buffer lost, 3 more (0)"),
    ],
)
async def test_what_has_no_room_is_counted_and_what_matters_most_comes_first(
    broken_snapshot: Snapshot, columns: int, told: str
) -> None:
    async with opened(broken_snapshot, (columns, 24)) as it:
        assert it.lines[2].strip() == told


@pytest.mark.repeats
async def test_every_view_bears_an_empty_trace(empty_snapshot: Snapshot) -> None:
    async with opened(empty_snapshot) as it:
        for key in VIEW_KEYS:
            await it.press(
                key, "enter", "slash", "b", "enter", "down", "y", "x", "escape", "question_mark", "escape", "M"
            )
            await it.press("C", "n", "o", "escape", "escape")


@pytest.mark.repeats
@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_hostile_names_are_shown_and_do_nothing(hostile_snapshot: Snapshot, size: tuple[int, int]) -> None:
    async with opened(hostile_snapshot, size) as it:
        for key in VIEW_KEYS:
            await it.press(key, "down", "y", "slash", "x", "enter", "escape", "enter")
            assert not (FORBIDDEN - {"\n"}) & set(it.text)
            assert not (FORBIDDEN - {"\n"}) & set(it.app.clipboard)
            assert not [told for told in it.told if FORBIDDEN & set(told)]


@pytest.mark.repeats
@pytest.mark.parametrize("size", [(20, 5), (40, 10), (80, 24), (120, 40), (200, 60)])
async def test_every_line_fills_the_width_exactly_at_any_size(
    hostile_snapshot: Snapshot, size: tuple[int, int]
) -> None:
    async with opened(hostile_snapshot, size) as it:
        for key in VIEW_KEYS:
            await it.press(key)
            strips = it.app.screen._compositor.render_strips()
            assert {sum(cell_len(s.text) for s in strip) for strip in strips} == {size[0]}


async def test_the_footer_offers_back_only_where_there_is_a_way_back(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        assert "Back" not in it.lines[-1]
        await it.press("enter")
        assert "Back" in it.lines[-1]


async def test_a_picture_is_drawn_without_a_terminal_of_any_view_and_after_some_keys(story: Story) -> None:
    story.simulated = True
    first = await screenshot(story.make(), (100, 30), [], "tags")
    second = await screenshot(story.make(), (100, 30), ["down", "enter"], "tags")
    for picture in (first, second):
        assert picture.startswith("<svg")
        assert "SIMULATED" in picture
    assert "Frames" in second
    assert "Frames" not in first


async def test_the_table_of_each_view_is_the_line_drawn_one(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        assert it.screen.query(VirtualTable)
        assert not it.screen.query("DataTable")


async def test_without_colour_the_chosen_entry_of_the_palette_can_be_seen(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(snapshot, (80, 24)) as it:
        await it.press("ctrl+p", *"mark")
        await it.until("Clear mark")
        await it.press("down")
        entries = it.pilot.app.screen.query_one(CommandList)
        assert entries.highlighted == 1
        chosen, other = (entries.render_line(2 * place + 1) for place in (1, 0))
        assert all(segment.style is not None and segment.style.underline for segment in chosen)
        assert not all(segment.style is not None and segment.style.underline for segment in other)
