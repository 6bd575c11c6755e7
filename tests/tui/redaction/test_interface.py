"""No planted name is on any screen of the interface, nor in what is taken out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzers.snapshot import Snapshot
from analyzers.symbolization import ImageNames, NamesFound, Symbols
from fixtures.demo import DEMO_TRACE
from tests.tui.redaction.conftest import Run
from tests.tui.redaction.looking import LARGE, taken
from tests.tui.redaction.planted import (
    DRIVERS,
    FILES,
    FUNCTIONS,
    GUIDS,
    IPV4,
    NAMES,
    PATHS,
    PDBS,
    RENAMED,
    found_in,
    names_planted,
)
from tests.tui.session import Session, running
from tracer.images.carried import ImageFile
from tracer.images.headers import DebugFile
from tracer.symbols.symbol import Source
from tui.app import PoolscopeApp, screenshot
from tui.naming import Naming
from tui.redaction.redaction import Redaction
from tui.redaction.snapshots import redacted
from tui.views.registry import VIEWS
from tui.widgets.virtual_table import VirtualTable

_ROWS = 8
"""So many rows of a view are gone through: the panel tells each of them in words."""


def looked_at(snapshot: Snapshot, use: Callable[[Session], Any], **how: Any) -> None:
    async def look() -> None:
        async with running(PoolscopeApp(snapshot, **how), LARGE) as it:
            await use(it)

    with names_planted():
        asyncio.run(look())


async def everything(it: Session) -> str:
    """All that the view shows and gives, row by row."""
    said = [it.app.title, it.text, it.panel, taken(it), it.app.export_screenshot()]
    for table in it.view.query(VirtualTable):
        for _ in range(min(len(table.view.order), _ROWS)):
            await it.press("down")
            said += [it.panel, it.view.copied(), *filter(None, [(it.view.document() or ("", ""))[1]])]
    return "\n".join([*said, *it.told])


@pytest.mark.parametrize("view", [spec.key for spec in VIEWS])
def test_no_view_tells_any(snapshots: dict[str, Snapshot], view: str) -> None:
    for snapshot in snapshots.values():

        async def use(it: Session) -> None:
            said = await everything(it)
            assert len(said) > 200
            assert "REDACTED" in it.lines[0]
            assert found_in(said) == []

        with names_planted():
            made = redacted(snapshot, Redaction(shifts=True))
        looked_at(made, use, view=view)


def test_without_redaction_the_views_tell_them(snapshots: dict[str, Snapshot]) -> None:
    seen: set[str] = set()

    async def use(it: Session) -> None:
        assert "REDACTED" not in it.text
        for spec in VIEWS:
            it.screen.action_go(spec.key)
            await it.pilot.pause()
            seen.update(found_in("\n".join((it.app.title, it.text, taken(it)))))

    looked_at(snapshots[str(DEMO_TRACE)], use)
    assert seen >= {FILES[0], RENAMED["client.exe"]}
    assert len(seen) > 50


def test_help_palette_filter_and_steps_tell_none(snapshots: dict[str, Snapshot]) -> None:
    said: list[str] = []

    async def use(it: Session) -> None:
        for key in ("question_mark", "escape", "ctrl+p", "escape", "slash", "escape", "enter", "enter", "U", "enter"):
            await it.press(key)
            said.append(it.text)

    with names_planted():
        made = redacted(snapshots[str(DEMO_TRACE)], Redaction())
    looked_at(made, use)
    assert found_in("\n".join(said)) == []


def test_what_is_said_of_a_written_file_does_not_name_it(snapshots: dict[str, Snapshot], tmp_path: Path) -> None:
    path, nowhere = tmp_path / "erika.müller.csv", tmp_path / "BUCHHALTUNG7" / "x.csv"

    async def use(it: Session) -> None:
        for each, words in ((path, "rows to the file"), (nowhere, "cannot write the file")):
            await it.press("x")
            it.app.screen.query_one("Input").value = str(each)  # type: ignore[attr-defined]
            await it.press("enter")
            await it.until(words)
        assert found_in("\n".join((it.text, *it.told))) == []

    with names_planted():
        made = redacted(snapshots[str(DEMO_TRACE)], Redaction())
    looked_at(made, use, view="tags")
    assert found_in(path.read_text(encoding="utf-8")) == []


def test_names_that_are_found_meanwhile_are_stand_ins(snapshots: dict[str, Snapshot]) -> None:
    snapshot = snapshots[str(DEMO_TRACE)]
    file = ImageFile(RENAMED["contosoflt.sys"], 4096, 1, DebugFile(GUIDS[0], 1, PDBS[0]))
    images = (ImageNames(file, PATHS[0], 2, 1, (5,), Source.PDB, FILES[0], (f"{PATHS[1]} is none",), is_known=True),)

    class Found(Symbols):
        version = 1

        def __init__(self) -> None:
            super().__init__(lambda: None)  # type: ignore[arg-type, return-value]

        @property
        def wanted(self) -> int:
            return 1

        def found(self) -> NamesFound:
            return NamesFound(images, (f"{FILES[1]} was skipped",))

        def resolve(self) -> bool:
            naming.progress(PDBS[0], 1, 2)
            self.version += 1
            assert naming._thread is not None
            raise OSError(f"{PATHS[2]} cannot be read")

    with names_planted():
        redaction = Redaction()
        naming = Naming(Found(), lambda: snapshot, redaction)
        made = redacted(snapshot, redaction)

    async def use(it: Session) -> None:
        await it.until("internal error")
        it.screen.action_go("trace")
        await it.pilot.pause()
        assert "Names" in it.text
        assert found_in("\n".join((naming.status, it.text, *it.told))) == []

    looked_at(made, use, naming=naming)


def test_a_picture_by_command_tells_none(run: Run, traces: tuple[str, str], tmp_path: Path) -> None:
    for command in (("tui", traces[0]), ("tui", traces[1]), ("demo",)):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.svg"
        run(*command, "--screenshot", str(path), "--size", "200x60", "--press", "enter", "--redact")
        picture = path.read_text(encoding="utf-8")
        assert "REDACTED" in picture
        assert found_in(picture.replace("&#160;", " ")) == []


@pytest.mark.parametrize("words", [("--full",), ("--json",), ("--explain", "1"), ()])
def test_the_demo_without_names_has_its_findings(run: Run, words: tuple[str, ...]) -> None:
    said = run("demo", "--redact", *words)
    assert "driver-" in said or "process-" in said
    assert found_in(said) == []
    assert "contoso" not in said


def test_the_planted_names_are_of_every_kind_that_a_screen_can_show() -> None:
    assert set(NAMES) >= {*DRIVERS, *FUNCTIONS, *IPV4, *PATHS, *FILES}


def test_a_picture_has_its_title_without_names(snapshots: dict[str, Snapshot]) -> None:
    with names_planted():
        made = redacted(snapshots[str(DEMO_TRACE)], Redaction())
        picture = asyncio.run(screenshot(made, (200, 60), ["enter"]))
    assert "poolscope: SIMULATED REDACTED trace-1.etl" in picture.replace("&#160;", " ")
    assert found_in(picture.replace("&#160;", " ")) == []
