"""The rows of a view as a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from analyzers.snapshot import Snapshot
from tests.tui.session import opened
from tests.tui.stories import FORBIDDEN, HOSTILE
from tui.screens.export import ExportScreen
from tui.screens.main import MainScreen
from tui.views.export import csv_cell, write_rows
from tui.views.registry import VIEWS
from tui.views.shown_rows import ShownRows


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8"))))


async def test_x_asks_for_a_file_and_writes_what_is_shown(snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(snapshot) as it:
        await it.press("slash", *"ntos", "enter", "t", "x")
        assert "Write 2 rows to" in it.text
        assert "poolscope-tags.csv" in it.text
        await it.press("enter")
        await it.until("wrote 2 rows to poolscope-tags.csv")
        heading, *rows = rows_of(tmp_path / "poolscope-tags.csv")
        assert heading[0] == "Tag"
        assert [row[0] for row in rows] == ["CM25", "Irp"]


async def test_the_end_of_the_name_says_json(snapshot: Snapshot, tmp_path: Path) -> None:
    async with opened(snapshot) as it:
        await it.press("x", *["backspace"] * 3, *"json", "enter")
        await it.until("wrote 4 rows")
        document = json.loads((tmp_path / "poolscope-tags.json").read_text("utf-8"))
        assert document["columns"][0] == "Tag"
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
        assert "must end in .csv or .json" in it.text
        await it.press("ctrl+u", *"folder.csv", "enter")
        assert "is a folder" in it.text
        await it.press("ctrl+u", *"none/a.csv", "enter")
        await it.until(f"cannot write {Path('none', 'a.csv')}")


@pytest.mark.parametrize("view", [view.key for view in VIEWS])
async def test_no_view_exports_anything_hostile(hostile_snapshot: Snapshot, tmp_path: Path, view: str) -> None:
    async with opened(hostile_snapshot, (120, 40), view) as it:
        assert isinstance(it.app.screen, MainScreen)
        headings, rows = it.view.exported()
        for name in ("rows.csv", "rows.json"):
            write_rows(tmp_path / name, headings, rows)
            assert not (FORBIDDEN - {"\n"}) & set((tmp_path / name).read_text("utf-8"))
        assert all(len(row) == len(headings) for row in rows_of(tmp_path / "rows.csv"))


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "-", "+1+2", "  =x"])
def test_what_a_spreadsheet_would_calculate_becomes_text(text: str) -> None:
    assert csv_cell(text) == f"'{text.strip()}"


@pytest.mark.parametrize("text", ["+12", "-1,024", "+3.10 MiB", "-850 ns", "+12.000001 s", "afd.sys", "0", ""])
def test_signed_numbers_and_names_stay_as_they_are(text: str) -> None:
    assert csv_cell(text) == text


def test_hostile_cells_are_on_one_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", ["=a", "b"], [[HOSTILE, 'x"y'], ["\t=1", "\r\n"]])
    assert rows_of(tmp_path / "a.csv")[0] == ["'=a", "b"]
    assert [len(row) for row in rows_of(tmp_path / "a.csv")] == [2, 2, 2]
    write_rows(tmp_path / "a.json", ["a"], [])
    assert json.loads((tmp_path / "a.json").read_text()) == {"columns": ["a"], "rows": []}


async def test_rows_are_made_when_they_are_asked_for(snapshot: Snapshot) -> None:
    async with opened(snapshot) as it:
        _, rows = it.view.exported()
        assert isinstance(rows, ShownRows)
        assert [row[0].strip() for row in rows[1:3]] == ["Irp", "CM25"]
        assert rows[-1][0].strip() == "File"
