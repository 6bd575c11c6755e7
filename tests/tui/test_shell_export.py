"""The rows of a view as a file."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events

from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.analyzers.against_truth import analysed
from tests.tui.session import opened
from tests.tui.stories import FORBIDDEN, HOSTILE
from tui.screens.export import ExportScreen
from tui.tables.spreadsheet import csv_cell
from tui.views.export import AS_SHOWN, MARKDOWN, SUFFIXES, LinesFile, lines, write_text
from tui.views.registry import VIEWS
from tui.views.shown_rows import ShownRows
from tui.views.view import Table

pytestmark = pytest.mark.usefixtures("folder_of_its_own")


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8"))))


async def test_x_asks_for_a_file_and_writes_the_rows_that_are_shown_with_all_digits(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"ntos", "enter", "t", "x")
        assert "Write 2 rows" in it.text
        assert "poolscope-tags.csv" in it.text
        await it.press("enter")
        await it.until("wrote 2 rows to poolscope-tags.csv")
        heading, *rows = rows_of(tmp_path / "poolscope-tags.csv")
        assert heading[:7] == ["tag", "type", "allocations", "frees", "older", "outstanding", "bytes"]
        assert [row[0] for row in rows] == ["CM25", "Irp"]
        assert [row[6] for row in rows] == ["200", "6848"]


async def test_enter_does_not_overtake_letters_that_were_typed_before_it(snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(snapshot) as it:
        await it.press("x")
        for key in (*["backspace"] * len("poolscope-tags.csv"), *"fast.md", "enter"):
            it.pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await it.until("wrote 4 rows to fast.md")
        assert [path.name for path in tmp_path.iterdir()] == ["fast.md"]


async def test_the_end_of_the_name_says_json(snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(snapshot) as it:
        await it.press("x", *["backspace"] * 3, *"json", "enter")
        await it.until("wrote 4 rows")
        document = json.loads((tmp_path / "poolscope-tags.json").read_text("utf-8"))
        assert document["columns"][0] == "tag"
        assert all(isinstance(row[document["columns"].index("bytes")], int) for row in document["rows"])
        assert [row[0] for row in document["rows"]] == ["AfdB", "Irp", "CM25", "File"]


async def test_a_file_that_is_there_is_overwritten_only_when_one_says_so_twice(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "poolscope-tags.csv").write_text("mine")
    async with opened(snapshot) as it:
        await it.press("x", "enter")
        assert "is there already: Enter again overwrites it" in it.text
        await it.press("escape")
        assert (tmp_path / "poolscope-tags.csv").read_text() == "mine"
        await it.press("x", "enter", "backspace", "v", "enter")
        assert isinstance(it.app.screen, ExportScreen)
        await it.press("enter")
        await it.until("wrote 4 rows")
        assert (tmp_path / "poolscope-tags.csv").read_text() != "mine"


async def test_a_name_that_cannot_be_is_told(snapshot: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    async with opened(snapshot) as it:
        await it.press("x", "end", "t", "enter")
        assert "must end in .csv, " in it.text
        assert all(suffix in it.text for suffix in SUFFIXES)
        await it.press("ctrl+u", *"folder.csv", "enter")
        assert "is a folder" in it.text
        await it.press("ctrl+u", *"none/a.csv", "enter")
        await it.until(f"cannot write {Path('none', 'a.csv')}")


@pytest.mark.skipif(sys.platform == "win32", reason="such names are met when the file is written there")
@pytest.mark.parametrize(("name", "said"), [("~no-such-user/x.csv", "home"), ("x" * 300 + ".csv", "too long")])
async def test_a_name_that_the_system_refuses_is_told(snapshot: Snapshot, name: str, said: str) -> None:
    async with opened(snapshot) as it:
        await it.press("x", "ctrl+u")
        it.app.screen.post_message(events.Paste(name))
        await it.press("enter")
        assert said in it.text
        assert isinstance(it.app.screen, ExportScreen)


def write_rows(path: Path, table: Table) -> None:
    write_text(path, lines(path.suffix, table))


async def test_a_finding_is_exported_in_full_as_markdown_by_enter_alone(
    leaking_snapshot: Snapshot, tmp_path: Path
) -> None:
    async with opened(leaking_snapshot, (120, 40), "findings") as it:
        await it.press("x", "enter")
        await it.until("wrote the finding")
        written = (tmp_path / "poolscope-finding-1.md").read_text("utf-8")
        assert written == it.view.copied()
        assert written.startswith("# LEAK 1: 12 finished requests wait as user APCs on thread 88")
        for part in ("- **How sure:** 93 %", "## Next", "## Why", "## What holds it", "## Allocated at"):
            assert part in written
        await it.press("x", *["backspace"] * 2, *"csv", "enter")
        await it.until("rows to")
        assert len(rows_of(tmp_path / "poolscope-finding-1.csv")) == 1 + len(it.view.exported()[1])


async def test_any_table_can_be_a_markdown_table(snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(snapshot, (160, 48)) as it:
        await it.press("x", *["backspace"] * 3, *"md", "enter")
        await it.until("wrote 4 rows")
        told = (tmp_path / "poolscope-tags.md").read_text("utf-8").splitlines()
        assert set(told[1]) == set("|- ")
        assert {line.count("|") for line in told} == {told[0].count("|")}


def test_what_would_be_markup_is_text_in_markdown(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.md", (["a"], [["<b>|`x`*"]]))
    assert (tmp_path / "a.md").read_text("utf-8").splitlines()[2] == r"| \<b\>\|\`x\`\* |"


async def test_no_view_exports_anything_hostile(hostile_snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(hostile_snapshot, (120, 40)) as it:
        for view in VIEWS:
            await it.press(view.number)
            assert it.place == view.key
            names, rows = it.view.exported()
            for suffix in SUFFIXES:
                path = tmp_path / f"{view.key}{suffix}"
                write_rows(path, it.view.shown() if suffix in (AS_SHOWN, MARKDOWN) else (names, rows))
                wrong = FORBIDDEN - {"\n"} - set("\t" * (suffix == ".tsv"))
                assert not wrong & set(path.read_text("utf-8")), path.name
            assert all(len(row) == len(names) for row in rows_of(tmp_path / f"{view.key}.csv")), view.key


async def test_a_text_file_holds_what_the_screen_shows(snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(snapshot, (160, 48)) as it:
        await it.press("x", *["backspace"] * 3, *"txt", "enter")
        await it.until("wrote 4 rows")
        told = (tmp_path / "poolscope-tags.txt").read_text("utf-8").splitlines()
        assert told[0].split()[:6] == ["Tag", "Type", "Allocs", "Frees", "Older", "Outst"]
        assert [line.split()[0] for line in told[1:]] == ["AfdB", "Irp", "CM25", "File"]
        assert "KiB" in told[1]
        await it.press("0", "x")
        assert "poolscope-trace.txt" in it.text


async def test_tabs_separate_where_the_name_says_so(snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(snapshot) as it:
        await it.press("x", *["backspace"] * 3, *"tsv", "enter")
        await it.until("wrote 4 rows")
        told = (tmp_path / "poolscope-tags.tsv").read_text("utf-8").splitlines()
        assert told[1].split("\t")[0] == "AfdB"
        assert len({line.count("\t") for line in told}) == 1


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "-", "+12", "+3.10 MiB", "  =x", "＝1", "＋1", "－1", "＠A"],
)
def test_what_a_spreadsheet_would_calculate_becomes_text(text: str) -> None:
    assert csv_cell(text) == f"'{text.strip()}"


@pytest.mark.parametrize("text", ["afd.sys", "0", "0x1f", ""])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert csv_cell(text) == text


def test_numbers_are_numbers_also_below_zero_and_what_is_not_known_is_empty(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", (["a", "b", "c"], [[-1_024, 62.5, None]]))
    assert rows_of(tmp_path / "a.csv")[1] == ["-1024", "62.5", ""]
    write_rows(tmp_path / "a.json", (["a", "b", "c"], [[-1_024, 62.5, None]]))
    assert json.loads((tmp_path / "a.json").read_text())["rows"] == [[-1024, 62.5, None]]


def test_hostile_cells_are_on_one_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", (["=a", "b"], [[HOSTILE, 'x"y'], ["\t=1", "\r\n"]]))
    assert rows_of(tmp_path / "a.csv")[0] == ["'=a", "b"]
    assert [len(row) for row in rows_of(tmp_path / "a.csv")] == [2, 2, 2]
    write_rows(tmp_path / "a.json", (["a"], []))
    assert json.loads((tmp_path / "a.json").read_text()) == {"columns": ["a"], "rows": []}


@pytest.mark.parametrize("size", [1, 3, 4, 5, 100])
def test_a_file_of_lines_is_read_in_pieces_of_any_size_and_makes_no_line_too_early(size: int) -> None:
    made: list[str] = []

    def lines() -> Iterator[str]:
        for line in ("ab\n", "ü\n", "c"):
            made.append(line)
            yield line

    file = LinesFile(lines())
    file.seek(0)
    pieces = [file.read(size)]
    assert len(made) == {1: 1, 3: 1, 4: 2, 5: 2}.get(size, 3)
    while pieces[-1]:
        pieces.append(file.read(size))
    assert b"".join(pieces).decode() == "ab\nü\nc"
    assert all(len(piece) == size for piece in pieces[:-2])


async def test_a_view_that_is_left_takes_no_key_for_sorting(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        for key in "8t":  # both before anything is drawn
            it.app.post_message(events.Key(key, key))
        await it.pilot.pause()
        assert it.place == "allocations"


async def test_rows_are_made_when_they_are_asked_for(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        _, rows = it.view.exported()
        assert isinstance(rows, ShownRows)
        assert [row[0] for row in rows[1:3]] == ["Irp", "CM25"]
        assert rows[-1][0] == "File"


NAMES = {
    "findings": "rank accused bytes sure_percent verdict tag outstanding driver process retained_bytes bytes_per_hour",
    "tags": "tag type allocations frees older outstanding bytes each_bytes peak_bytes driver description",
    "stacks": "bytes share_percent outstanding allocations frees stacks level frames",
    "processes": "bytes share_percent outstanding held known level who",
    "sockets": "endpoint process local remote state open unretired held sent_bytes received_bytes outstanding bytes"
    " age_ns",
    "held-requests": "irp holder process thread operation driver socket issued_ns completed_ns age_ns since"
    " retained_bytes",
    "retention": "retained_bytes own_bytes count level node because",
    "allocations": "address tag bytes type time_ns age_ns process thread known owner cpu",
    "timeline": "from_ns to_ns outstanding_bytes still_outstanding_bytes allocations frees",
    "trace": "Trace",
}


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


@pytest.mark.parametrize("view", NAMES)
async def test_an_export_names_what_is_in_it_and_in_which_unit_and_its_numbers_are_whole(
    demo: Snapshot, view: str
) -> None:
    async with opened(demo, (80, 24), view) as it:
        names, rows = it.view.exported()
        assert " ".join(names) == NAMES[view]
        for name, value in zip(names, rows[0], strict=True):
            if name.endswith(("bytes", "_ns")) or name in {"allocations", "frees", "outstanding", "level", "count"}:
                assert value is None or isinstance(value, int), name


async def test_an_export_gives_every_byte_and_every_frame(demo: Snapshot) -> None:
    totals = demo.pool.totals
    async with opened(demo, (80, 24), "allocations") as it:
        names, rows = it.view.exported()
        size = names.index("bytes")
        assert sum(int(str(row[size])) for row in rows) == totals.outstanding_bytes
        await it.press("3")
        names, rows = it.view.exported()
        frames = [str(row[names.index("frames")]) for row in rows]
        assert "+0x" in frames[0]
        assert any(frame.count(";") > 3 for frame in frames)
        await it.press("1")
        names, rows = it.view.exported()
        assert rows[1][names.index("retained_bytes")] is None, "what was cleared retains nothing that was worked out"


def test_every_view_is_held_to_its_names() -> None:
    assert set(NAMES) == {view.key for view in VIEWS}
