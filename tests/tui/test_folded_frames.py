"""Stacks in reports begin with the driver's code; the rest is shown where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.settings import Settings
from fixtures.simulate import simulate
from tui.cli import main
from tui.report.stacks import frame_lines

Run = Callable[..., list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("named")
    simulate("irp-leak", 3, Settings(iterations=60)).write(made / "t.etl", map_path=made / "t.map")
    return made


@pytest.fixture
def stack(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)

    def lines(*words: str) -> list[str]:
        assert main(["analyze", str(folder / "t.etl"), "--explain", "1", "--quiet", *words]) == 0
        said = [line.strip() for line in capsys.readouterr().out.splitlines()]
        at = said.index("Allocated at") + 1
        return said[at : said.index("", at)]

    return lines


def test_a_stack_begins_with_the_drivers_code(stack: Run, folder: Path) -> None:
    first, second, *_ = stack("--map", str(folder / "t.map"))
    assert first == "3 frames of the pool allocator and the I/O manager"
    assert second.startswith("contosoflt!Ct")


def test_all_frames_are_shown_where_they_are_asked_for(stack: Run, folder: Path) -> None:
    few, every = stack("--map", str(folder / "t.map")), stack("--map", str(folder / "t.map"), "--all-frames")
    assert every[0].startswith("nt!ExAllocatePool")
    assert every[3] == few[1]


def test_without_names_nothing_is_folded(stack: Run) -> None:
    assert stack() == stack("--all-frames")
    assert stack()[0].startswith("ntoskrnl.exe+0x")


def test_nothing_is_said_of_an_empty_stack_but_that_there_is_none() -> None:
    assert len(frame_lines((), limit=4)) == 1
