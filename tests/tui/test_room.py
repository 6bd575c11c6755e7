"""Who gets the room of a screen: columns by need, the panel what it needs, and nothing is cut beside an empty panel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.text import Text
from textual.geometry import Size

from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tests.tui.session import Session, opened
from tui.findings.words import further_evidence
from tui.screens.layout import BESIDE, MOST_BESIDE, Room, shared
from tui.tables.fitting import fit, natural_widths
from tui.views.registry import VIEWS
from tui.widgets.hanging import hung


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path: Path = tmp_path_factory.mktemp("room") / "two.etl"
    simulate("two-leaks", 3, Settings()).write(path)
    return analysed(path)


def columns(it: Session) -> set[str]:
    return {column.heading.key for column, _ in it.table._fitted}


@pytest.mark.slow
async def test_a_wider_terminal_never_shows_fewer_columns(demo: Snapshot) -> None:
    async with opened(demo, (60, 40)) as it:
        for view in VIEWS[:8]:
            await it.press(view.number)
            before: set[str] = set()
            for width in (60, 80, 110, 119, 120, 160, 240):
                await it.pilot.resize_terminal(width, 40)
                await it.press()
                assert columns(it) >= before, (view.key, width)
                before = columns(it)


def test_columns_that_fit_grow_with_every_cell(demo: Snapshot) -> None:
    from tui.tables.findings import finding_table
    from tui.tables.tags import tag_table

    for model in (finding_table(demo), tag_table(demo, with_course=True)):
        before: set[str] = set()
        for width in range(1, 240):
            shown = {column.heading.key for column, _ in fit(model.columns, width)}
            assert shown >= before
            before = shown
        assert before == set(natural_widths(model.columns))


@pytest.mark.slow
async def test_nothing_is_cut_beside_a_panel(demo: Snapshot, leaks: Snapshot) -> None:
    for snapshot in (demo, leaks):
        for size in ((120, 40), (160, 48), (200, 60)):
            async with opened(snapshot, size) as it:
                for view in VIEWS[:8]:
                    await it.press(view.number)
                    if it.screen.has_class("-beside") and not it.view.has_class("-empty"):
                        assert it.table.size.width >= it.table.wanted.width - 2
                        assert "…" not in "\n".join(line[: it.table.region.right] for line in it.lines[6:-1])


async def test_at_200_columns_no_name_is_cut(demo: Snapshot, leaks: Snapshot) -> None:
    for snapshot in (demo, leaks):
        async with opened(snapshot, (200, 60)) as it:
            for view in VIEWS:
                await it.press(view.number)
                assert "…" not in it.text, view.key


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_how_sure_it_is_and_what_to_do_next_are_seen_at_once(
    demo: Snapshot, leaks: Snapshot, size: tuple[int, int]
) -> None:
    for snapshot in (demo, leaks):
        async with opened(snapshot, size, "findings") as it:
            for words in ("who: ", "how much: ", "how sure: ", "next: "):
                assert words in it.text
            advice = snapshot.diagnosis.findings[0].advice
            assert "".join(advice.split()) in re.sub(r"[\s│▁▂▃▄▅▆▇█]+", "", it.text)


async def test_all_evidence_of_the_only_leak_stands_beside_a_few_cleared_groups(demo: Snapshot) -> None:
    async with opened(demo, (120, 40), "findings") as it:
        said = re.sub(r"[\s│▁▂▃▄▅▆▇█]+", "", it.text)
        for reason in further_evidence(demo.diagnosis.findings[0], demo):
            assert "".join(reason.says.rstrip(".").split()) in said
        assert "cleared: transient" in it.text


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_a_panel_that_has_nothing_to_say_takes_no_room(leaks: Snapshot, size: tuple[int, int]) -> None:
    async with opened(leaks, size, "sockets") as it:
        assert "no Winsock (AFD) events" in it.text
        assert not it.side_panel.display
        await it.press("2")
        assert it.side_panel.display


def test_whatever_goes_on_below_is_set_in() -> None:
    assert hung(Text("one two three"), 8).plain == "one two\n  three"
    assert hung(Text("  one two three"), 10).plain == "  one two\n    three"


@pytest.mark.parametrize("width", [80, 110, 120])
async def test_the_accused_their_driver_and_sizes_of_all_groups_are_in_columns(leaks: Snapshot, width: int) -> None:
    async with opened(leaks, (width, 40), "findings") as it:
        assert columns(it) >= {"accused", "bytes", "sure", "verdict", "tag"}
        assert it.column("accused")[:2] == ["contosodev.sys", "contosoflt.sys"]
        assert all(re.fullmatch(r"[\d.]+ \w+", size) for size in it.column("bytes"))
        if width >= 110:
            assert columns(it) >= {"driver", "process", "outstanding"}


@pytest.mark.parametrize("size", [(40, 10), (60, 12), (80, 16), (40, 20)])
async def test_a_small_terminal_keeps_the_table(demo: Snapshot, size: tuple[int, int]) -> None:
    async with opened(demo, size, "tags") as it:
        assert it.table.size.height >= min(5, size[1] - 6)
        assert "Irp" in it.text
        await it.press("ctrl+o")
        assert it.table.size.height >= 1


async def test_the_panel_takes_what_its_text_needs(demo: Snapshot) -> None:
    async with opened(demo, (120, 40), "tags") as it:
        lines = it.side_panel.lines(120)
        assert it.side_panel.region.height == lines + 1
        assert it.table.region.bottom == it.side_panel.region.y
        await it.press("slash", *"zzzz", "enter")
        assert it.side_panel.region.height == lines + 1, "rows do not jump while one is in a place"
        await it.press("5")
        assert it.side_panel.region.height == it.side_panel.lines(120) + 1


async def test_a_text_that_is_cut_says_with_which_key_one_reads_on_and_then_has_more_room(demo: Snapshot) -> None:
    async with opened(demo, (80, 24), "findings") as it:
        assert "^o Reads on" in it.text
        before = it.side_panel.region.height
        await it.press("ctrl+o")
        assert it.side_panel.region.height > before
        assert "^o Reads on" not in it.text
        assert "pgup pgdn  ^o Back" in it.text
        await it.press("end")
        await it.until("Enter: the requests that are held")
        await it.press("ctrl+o")
        assert it.side_panel.region.height == before


def test_a_panel_stands_beside_a_view_that_loses_nothing_by_it() -> None:
    def ten(_width: int) -> int:
        return 10

    assert shared(Size(160, 40), Size(160 - BESIDE, 20), ten) == Room(beside=True, cells=BESIDE)
    assert shared(Size(160, 40), Size(161 - BESIDE, 20), ten) == Room(beside=False, cells=11)
    assert shared(Size(300, 40), Size(80, 20), ten) == Room(beside=True, cells=MOST_BESIDE)
    assert shared(Size(80, 18), Size(80, 40), ten) == Room(beside=False, cells=9)
    assert shared(Size(80, 18), Size(80, 4), ten) == Room(beside=False, cells=11)
    assert shared(Size(80, 18), Size(80, 40), ten, is_read=True) == Room(beside=False, cells=11)
    assert shared(Size(40, 8), Size(80, 40), ten) == Room(beside=False, cells=0)
    assert shared(Size(80, 18), Size(80, 40), lambda _: 1) == Room(beside=False, cells=2)


@pytest.mark.slow
async def test_the_first_visit_of_a_view_by_key_looks_as_the_second_does(demo: Snapshot, leaks: Snapshot) -> None:
    for snapshot in (demo, leaks):
        for size in ((80, 24), (120, 40)):
            async with opened(snapshot, size, "tags") as it:
                for view in VIEWS:
                    await it.press(view.number)
                    first = it.lines[:-1]
                    await it.press("2", view.number)
                    assert it.lines[:-1] == first, (view.key, size)


def test_what_goes_on_stands_below_what_it_belongs_to() -> None:
    said = "how much: 396 allocations, 173 KiB of them\n  frame of a stack that is long\nplain words that go on"
    assert hung(Text(said), 24).plain.split("\n") == [
        "how much: 396",
        "  allocations, 173 KiB",
        "  of them",
        "  frame of a stack that",
        "    is long",
        "plain words that go on",
    ]
    assert hung(Text("  recorded  2024-09-05 to 2024-09-06 or so"), 30).plain.split("\n") == [
        "  recorded  2024-09-05 to",
        "            2024-09-06 or so",
    ]
    bold = hung(Text.assemble(("who: ", "bold"), "someone with a long name"), 12)
    assert [str(span.style) for span in bold.spans] == ["bold"]


@pytest.mark.parametrize("width", range(1, 30))
def test_no_line_is_longer_than_the_width_and_no_word_is_lost(width: int) -> None:
    said = "who: 0xffff9a8000802610 in a_module_with_a_name.sys\n\n    日本語の 名前 and words"
    broken = hung(Text(said), width).plain
    assert max(cell_len(line) for line in broken.split("\n")) <= max(width, 2)
    assert re.sub(r"\s", "", broken) == re.sub(r"\s", "", said)


async def test_drawings_are_the_same_under_the_cursor_and_in_a_selection(demo: Snapshot) -> None:
    async with opened(demo, (120, 40), "tags") as it:
        row = it.table.region.y + 1
        reversed_there = [
            segment.style.reverse
            for segment in it.app.screen._compositor.render_strips()[row]
            if segment.style and "█" in segment.text
        ]
        assert reversed_there
        assert not any(reversed_there)
        await it.press("9", *["left"] * 20, "shift+left", "shift+left", "shift+left")
        chart = "\n".join(it.lines)
        for sign in "█░▓▒·":
            assert sign in chart


async def test_a_picture_links_nothing_and_draws_every_sign_as_it_is(demo: Snapshot) -> None:
    async with opened(demo, (80, 24), "allocations") as it:
        picture = it.app.export_screenshot()
    assert "0xffff" in picture
    assert re.findall(r"https?://[^\"'\s)]+", picture) == ["http://www.w3.org/2000/svg"]
    assert "@font-face" not in picture
    assert "font-variant-ligatures: none" in picture
    assert picture.count("monospace") >= 1
    assert "Fira" not in picture
