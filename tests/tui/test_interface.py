"""Stories told with keys: what a person presses, and what is then on the screen."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Footer

from analyzers.snapshot import Snapshot
from tests.tui.stories import FORBIDDEN, Story
from tui.app import PoolscopeApp, screenshot
from tui.screens.allocations import AllocationScreen
from tui.screens.browser import BrowserScreen
from tui.screens.help import HelpScreen
from tui.screens.sites import SiteScreen
from tui.screens.tags import TagScreen
from tui.widgets.stack_panel import StackPanel
from tui.widgets.virtual_table import VirtualTable


class Session:
    """An open interface, its keys and its lines."""

    def __init__(self, app: PoolscopeApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def screen(self) -> BrowserScreen:
        screen = self.app.screen
        assert isinstance(screen, BrowserScreen)
        return screen

    @property
    def table(self) -> VirtualTable:
        return self.screen.table

    def column(self, key: str) -> list[str]:
        view = self.table.view
        return [view.model.column(key).text(int(row)).strip() for row in view.order]

    @property
    def cursor(self) -> str:
        """The first column of the row under the cursor."""
        row = self.table.row
        assert row is not None
        return self.table.view.model.columns[0].text(row).strip()


@asynccontextmanager
async def opened(snapshot: Snapshot, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Session]:
    app = PoolscopeApp(snapshot)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Session(app, pilot)


async def test_it_opens_on_the_tags_that_hold_most(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        assert isinstance(it.screen, TagScreen)
        assert it.column("tag") == ["AfdB", "Irp", "CM25", "File"]
        assert it.lines[0].split()[0] == "leak.etl"
        assert "outstanding 18, 18.9 KiB" in it.lines[1]
        assert "Bytes▼" in it.lines[4]
        assert re.match(r" AfdB +Nonp +23 +20 +3 +12\.0 KiB +afd\.sys", it.lines[5])
        assert "Socket data buffers" in it.text


async def test_the_first_screen_says_that_there_is_no_finding(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        assert it.lines[3].strip() == "no leak found, as far as this trace can tell"


async def test_the_first_screen_says_what_the_first_finding_is(leaking_snapshot: Snapshot) -> None:
    async with opened(leaking_snapshot, (160, 24)) as it:
        assert it.lines[3].strip() == (
            "LEAK (93 % sure), 18.0 KiB: I/O completion APCs of client.exe (4330) thread 88"
            " seem never to run (and 2 more)"
        )
    async with opened(leaking_snapshot) as it:
        assert it.lines[3].strip().startswith("LEAK (93 % sure), 18.0 KiB: I/O completion APCs of client.exe")
        assert "Bytes▼" in it.lines[4]


async def test_enter_goes_down_to_stacks_and_allocations_and_escape_comes_back(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("down", "enter")
        assert isinstance(it.screen, SiteScreen)
        assert "Pool tags › Irp  Nonp" in it.text
        assert it.column("outstanding") == ["12", "2"]
        assert "afd.sys+0x3010" in it.text
        await it.press("enter")
        assert isinstance(it.screen, AllocationScreen)
        assert len(it.column("address")) == 12
        assert "0xffff9a8000001010" in it.text
        await it.press("escape")
        assert isinstance(it.screen, SiteScreen)
        await it.press("escape")
        assert isinstance(it.screen, TagScreen)
        assert it.cursor == "Irp"
        await it.press("escape")
        assert isinstance(it.screen, TagScreen)


async def test_the_stack_panel_follows_the_cursor(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("down", "enter")
        assert "ntoskrnl.exe+0x200456" in it.text
        await it.press("j")
        assert "ntoskrnl.exe+0x200456" not in it.text
        assert "0xfffff80300000010" in it.text


async def test_a_single_allocation_is_told_in_full_and_what_is_inferred_is_called_so(snapshot: Snapshot) -> None:
    async with opened(snapshot, (160, 48)) as it:
        await it.press("down", "enter", "enter")
        assert "allocated at +0.000000 s, CPU 0, age 1 min 30 s" in it.text
        assert "observed: its stack event names process and thread" in it.text
        assert "ntdll.dll+0x9d000" in it.text
        await it.press("escape", "down", "enter")
        assert "~System (4)" in it.text
        assert "inferred from the context switches of that CPU" in it.text


async def test_enter_on_an_allocation_goes_to_its_details_and_escape_back_to_the_table(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("down", "enter", "enter", "enter")
        assert it.screen.query_one(StackPanel).has_focus
        await it.press("escape")
        assert it.table.has_focus
        assert isinstance(it.screen, AllocationScreen)


@pytest.mark.parametrize(
    ("key", "once", "again"),
    [
        ("t", ["AfdB", "CM25", "File", "Irp"], ["Irp", "File", "CM25", "AfdB"]),
        ("a", ["Irp", "File", "AfdB", "CM25"], ["CM25", "AfdB", "File", "Irp"]),
        ("f", ["Irp", "File", "AfdB", "CM25"], ["CM25", "AfdB", "File", "Irp"]),
        ("d", ["Irp", "AfdB", "CM25", "File"], ["File", "CM25", "AfdB", "Irp"]),
        ("b", ["File", "CM25", "Irp", "AfdB"], ["AfdB", "Irp", "CM25", "File"]),
        ("m", ["AfdB", "Irp", "CM25", "File"], ["File", "CM25", "Irp", "AfdB"]),
        ("x", ["AfdB", "Irp", "CM25", "File"], ["File", "CM25", "Irp", "AfdB"]),
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


async def test_sorting_leaves_the_cursor_on_its_row(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("down")
        await it.press("t")
        assert it.cursor == "Irp"
        assert it.table.cursor == 3


async def test_a_click_on_a_heading_sorts_and_on_a_row_chooses_and_then_opens(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.pilot.click(VirtualTable, offset=(2, 0))
        await it.pilot.pause()
        assert it.table.view.sort_key == "tag"
        assert "Tag▲" in it.text
        await it.pilot.click(VirtualTable, offset=(5, 2))
        assert it.cursor == "CM25"
        await it.pilot.click(VirtualTable, offset=(5, 10))
        assert it.cursor == "CM25"
        await it.pilot.click(VirtualTable, offset=(5, 2))
        await it.pilot.pause()
        assert isinstance(it.screen, SiteScreen)


async def test_a_filter_works_while_typing_enter_keeps_it_and_escape_drops_it(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", "n", "t", "o", "s")
        assert it.column("tag") == ["Irp", "CM25"]
        assert any(line.strip() == "ntos" for line in it.lines)
        await it.press("enter")
        assert it.app.focused is it.table
        await it.press("down")
        assert it.cursor == "CM25"
        await it.press("escape")
        assert it.column("tag") == ["AfdB", "Irp", "CM25", "File"]
        assert it.cursor == "CM25"


async def test_escape_while_typing_drops_the_filter_at_once(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", "a", "f", "d", "escape")
        assert len(it.column("tag")) == 4
        assert it.app.focused is it.table


async def test_a_process_name_finds_the_tags_that_it_holds(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"system", "enter")
        assert it.column("tag") == ["Irp"]


async def test_a_filter_that_matches_nothing_says_so_and_opens_nothing(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"zzz", "enter", "enter")
        assert isinstance(it.screen, TagScreen)
        assert "no tag matches the filter" in it.text


async def test_keys_move_through_a_long_table(big_snapshot: Callable[[int], Snapshot]) -> None:
    async with opened(big_snapshot(500)) as it:
        await it.press("enter", "enter")
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
    async with opened(big_snapshot(1_000_000)) as it:
        await it.press("enter", "enter", "b")
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
        assert "1,000,015" in it.text


async def test_help_lists_the_keys_of_the_screen_below_and_closes_again(snapshot: Snapshot) -> None:
    async with opened(snapshot, (80, 50)) as it:
        await it.press("question_mark")
        assert isinstance(it.app.screen, HelpScreen)
        text = "\n".join(it.lines)
        assert re.search(r"m +Sort by Per alloc; again: the other way round", text)
        assert re.search(r"↓ j +One row down", text)
        assert re.search(r"/ +Show rows that hold a text", text)
        await it.press("escape")
        assert isinstance(it.screen, TagScreen)


async def test_every_key_has_a_name_of_its_own_and_an_explanation(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        for keys in ((), ("enter",), ("enter",)):
            await it.press(*keys)
            ours = [
                active.binding
                for active in it.screen.active_bindings.values()
                if isinstance(active.node, (PoolscopeApp, BrowserScreen, VirtualTable))
                and not active.binding.system
                and not active.binding.action.startswith(("scroll_", "page_left", "page_right", "app.", "screen."))
            ]
            assert len({binding.id for binding in ours}) > 10
            assert [binding for binding in ours if not (binding.id and binding.tooltip)] == []


async def test_a_fault_of_the_interface_is_told_by_the_command_line_and_not_by_textual(
    snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    app = PoolscopeApp(snapshot)

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 // 0)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await run()
    assert isinstance(app.fault, ZeroDivisionError)
    assert "Traceback" not in capsys.readouterr().err


async def test_q_leaves(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        await it.press("enter", "q")
        assert it.app._exit


@pytest.mark.parametrize("keys", [(), ("enter",), ("enter", "enter")])
async def test_every_screen_of_a_simulated_trace_says_simulated(story: Story, keys: tuple[str, ...]) -> None:
    story.simulated = True
    async with opened(story.make()) as it:
        await it.press(*keys)
        assert it.lines[0].strip().startswith("SIMULATED")
        assert "SIMULATED" in it.app.title


async def test_every_screen_says_what_is_missing(broken_snapshot: Snapshot) -> None:
    async with opened(broken_snapshot, (160, 24)) as it:
        for keys in ((), ("enter",), ("enter",)):
            await it.press(*keys)
            assert it.lines[2].strip() == (
                "INCOMPLETE: reading was interrupted, session never closed, 3 events lost, 1 buffer lost, 2 gaps, "
                "1 place damaged, 512 B skipped"
            )


async def test_a_trace_without_pool_events_says_how_to_record_one(empty_snapshot: Snapshot) -> None:
    async with opened(empty_snapshot) as it:
        assert "holds no pool events" in it.text
        assert "xperf -d pool.etl" in it.text
        await it.press("enter", "slash", "b", "down", "escape", "question_mark", "escape")
        assert isinstance(it.screen, TagScreen)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_hostile_names_are_shown_and_do_nothing(hostile_snapshot: Snapshot, size: tuple[int, int]) -> None:
    async with opened(hostile_snapshot, size) as it:
        for keys in ((), ("enter",), ("enter",), ("slash", "x", "enter")):
            await it.press(*keys)
            assert not (FORBIDDEN - {"\n"}) & set(it.text)
            assert "\\x1b[2J" in it.text


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (80, 24), (120, 40), (200, 60)])
async def test_every_line_fills_the_width_exactly_at_any_size(
    hostile_snapshot: Snapshot, size: tuple[int, int]
) -> None:
    async with opened(hostile_snapshot, size) as it:
        for keys in ((), ("enter",), ("enter",)):
            await it.press(*keys)
            strips = it.app.screen._compositor.render_strips()
            assert {sum(cell_len(s.text) for s in strip) for strip in strips} == {size[0]}


async def test_stack_and_table_stand_side_by_side_on_a_wide_terminal(snapshot: Snapshot) -> None:
    for size, beside in (((80, 24), False), ((160, 48), True)):
        async with opened(snapshot, size) as it:
            await it.press("enter")
            panel, table = it.screen.query_one(StackPanel).region, it.table.region
            assert (panel.y == table.y) == beside
            assert (panel.x > table.x) == beside


async def test_no_color_leaves_the_cursor_visible(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(snapshot) as it:
        assert it.app.no_color
        style = it.table.get_component_rich_style("table--cursor")
        assert style.reverse


async def test_the_footer_offers_back_only_where_there_is_a_way_back(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        assert "Back" not in it.lines[-1]
        assert it.screen.query_one(Footer)
        await it.press("enter")
        assert "Back" in it.lines[-1]


async def test_a_picture_is_drawn_without_a_terminal_after_some_keys(story: Story) -> None:
    story.simulated = True
    first = await screenshot(story.make(), (100, 30), [])
    second = await screenshot(story.make(), (100, 30), ["down", "enter"])
    for picture in (first, second):
        assert picture.startswith("<svg")
        assert "SIMULATED" in picture
    assert "0x3010" in second
    assert "0x3010" not in first
