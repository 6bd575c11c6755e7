"""Names that come while the interface is open."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from analyzers.analysis import Analysis
from analyzers.symbolization import Symbols
from analyzers.tags import TagNames
from tests.analyzers.named_trace import write_named
from tests.tui.session import running
from tracer.etl.file import EtlFile
from tracer.symbols.resolver import Asked, ModuleNames, Resolver
from tracer.symbols.symbol import Source, Symbol
from tui.app import PoolscopeApp, screenshot
from tui.live.pace import Pace
from tui.live.replay import Replay
from tui.live.replay_screen import ReplayApp
from tui.naming import Naming


class Answers(Resolver):
    """Names contosodev's addresses ``Fn``, once it may."""

    def __init__(self, *, at_once: bool = True, fault: bool = False) -> None:
        self.may = threading.Event()
        self.asked = 0
        self.fault = fault
        if at_once:
            self.may.set()

    def resolve(self, asked: Iterable[Asked]) -> list[ModuleNames]:
        every = list(asked)
        self.may.wait(30)
        self.asked += 1
        if self.fault:
            raise RuntimeError("broken")
        return [self._names(each) for each in every]

    @staticmethod
    def _names(asked: Asked) -> ModuleNames:
        if asked.module.image.name != "contosodev.sys":
            return ModuleNames(Source.NONE, "", ("nt.pdb is nowhere",), (None,) * len(asked.addresses))
        return ModuleNames(Source.PDB, "x.pdb", (), (Symbol("Fn", 1),) * len(asked.addresses))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_named(tmp_path / "named.etl")


def interface(trace: Path, answers: Answers, view: str) -> tuple[PoolscopeApp, Naming]:
    symbols = Symbols(lambda: answers, is_aside=True)
    with EtlFile.open(trace) as source:
        analysis = Analysis(source, TagNames(()), symbols=symbols)
        for batch in source.batches(Analysis.KINDS):
            analysis.feed(batch)
        snapshot = analysis.snapshot()
    naming = Naming(symbols, analysis.snapshot)
    return PoolscopeApp(snapshot, view, naming=naming), naming


async def test_a_view_opens_without_names_and_shows_them_when_they_are_there(trace: Path) -> None:
    answers = Answers(at_once=False)
    app, naming = interface(trace, answers, "findings")
    async with running(app, (120, 40)) as it:
        assert "contosodev.sys+0x1065" in it.panel
        await it.until(" NAMING ")
        naming.progress("contosodev.pdb", 1 << 20, 4 << 20)
        await it.until(" NAMING contosodev.pdb 25 % ")
        naming.progress("contosodev.pdb", 1 << 20, None)
        await it.until(" NAMING contosodev.pdb 1.00 MiB ")
        answers.may.set()
        await it.until("contosodev!Fn+0x1")
        await it.until("all were allocated by contosodev!Fn+0x1")  # concluded anew
        assert "contosodev.sys+0x1065" not in it.panel
        assert "NAMING" not in it.text


async def test_what_is_shown_is_named_and_asked_for_once(trace: Path) -> None:
    answers = Answers()
    app, naming = interface(trace, answers, "stacks")
    async with running(app, (120, 40)) as it:
        await it.until("contosodev!Fn+0x1")
        asked = answers.asked
        await it.press("down", "up", "down")
        await it.pilot.pause(0.6)
        assert answers.asked == asked
        assert not naming.is_due


async def test_the_trace_says_which_images_have_names_and_why_others_have_none(trace: Path) -> None:
    app, _ = interface(trace, Answers(), "trace")
    async with running(app, (120, 60)) as it:
        await it.until("named by its PDB, x.pdb")
        assert "ntoskrnl.exe: no names: nt.pdb is nowhere" in it.text


async def test_a_trace_that_nobody_asks_names_for_says_how_to_get_them(trace: Path) -> None:
    app, _ = interface(trace, Answers(), "trace")
    async with running(PoolscopeApp(replace(app.snapshot, named=None), "trace"), (120, 60)) as it:
        assert "--symbols PATH" in it.text


async def test_a_fault_is_told_once_and_the_interface_goes_on(trace: Path) -> None:
    answers = Answers(fault=True)
    app, _ = interface(trace, answers, "findings")
    async with running(app, (120, 40)) as it:
        for _ in range(100):
            if it.told:
                break
            await it.pilot.pause(0.05)
        assert len(it.told) == 1
        assert "RuntimeError" in it.told[0]
        await it.pilot.pause(0.6)
        await it.press("3")
        assert answers.asked == len(it.told) == 1
        assert "contosodev.sys+0x1065" in it.text


async def test_copies_and_exports_have_the_frames_that_are_folded(trace: Path) -> None:
    app, _ = interface(trace, Answers(), "stacks")
    async with running(app, (120, 40)) as it:
        await it.until("contosodev!Fn+0x1")
        folded = ["ntoskrnl.exe+0x5010", "contosodev!Fn+0x1", "contosodev!Fn+0x1"]
        assert it.view.copied().split("\n")[:3] == folded
        headings, rows = it.view.exported()
        frames = [row[list(headings).index("frames")] for row in rows]
        assert str(frames[0]).split(";")[:3] == folded
        await it.press("c")
        assert it.view.copied().startswith("ntoskrnl.exe+0x7020")


async def test_a_trace_that_is_played_gets_its_names_too(trace: Path) -> None:
    symbols = Symbols(Answers, is_aside=True)
    with EtlFile.open(trace) as source:
        replay = Replay(lambda: source, TagNames(()), Pace(None), symbols=symbols)
        async with running(ReplayApp(replay, naming=Naming(symbols)), (120, 40)) as it:
            await it.until("SESSION ENDED")
            await it.press("3")
            await it.until("contosodev!Fn+0x1")
        replay.stop()
        replay.join()


async def test_a_picture_has_its_names(trace: Path) -> None:
    answers = Answers(at_once=False)
    app, naming = interface(trace, answers, "stacks")
    threading.Timer(0.5, answers.may.set).start()
    drawn = await screenshot(app.snapshot, (120, 40), [], "stacks", naming=naming)
    assert "contosodev!Fn+0x1" in drawn


async def test_a_key_shows_the_frames_that_are_folded_and_folds_them_again(trace: Path) -> None:
    app, _ = interface(trace, Answers(), "stacks")
    async with running(app, (120, 40)) as it:
        await it.until("contosodev!Fn+0x1")
        assert "ntoskrnl.exe+0x5010" not in it.text
        await it.press("F")
        assert "ntoskrnl.exe+0x5010" in it.text
        await it.press("F")
        assert "ntoskrnl.exe+0x5010" not in it.text


def test_a_conclusion_is_made_anew_once(trace: Path) -> None:
    _, naming = interface(trace, Answers(), "")
    naming.look()
    wait = partial(threading.Event().wait, 0.05)
    while naming.taken() is None:
        wait()
    naming.look()
    assert naming.taken() is None
    assert not naming.is_due
