"""What people come for, done with the keys that the screen shows them and no others; in at most eight keys each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot

from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import NO_NAMES, analysed
from tests.tui.stories import SECOND, Story
from tracer.etl.file import EtlFile
from tui.app import PoolscopeApp
from tui.findings.words import further_evidence
from tui.live.pace import Pace
from tui.live.replay import Replay
from tui.live.replay_screen import ReplayApp
from tui.screens.main import MainScreen
from tui.views.registry import VIEWS

MOST_KEYS = 8
at_each_size = pytest.mark.parametrize("size", [(80, 24), (120, 40)])
SHOWN_AS = {
    "enter": r"⏎|\benter\b",
    "escape": r"\besc\b",
    "ctrl+p": r"\^p",
    "question_mark": r"\? Help",
    "slash": "/ Filter",
    "ctrl+o": r"\^o Reads on",
    "left_square_bracket": r"\[ From",
    "right_square_bracket": r"\] To",
    "full_stop": r"\. Step",
    "pagedown": r"\bpgdn\b",
}
KNOWN_WITHOUT_BEING_TOLD = {"up", "down", "left", "right", "home", "end"}


class Person:
    """Reads the screen, and presses what it offers."""

    def __init__(self, app: PoolscopeApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.keys = 0
        self._pilot = pilot

    @property
    def screen(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    @property
    def first_row(self) -> str:
        """The line below the headings, where the cursor is at first."""
        lines = self.screen.splitlines()
        return lines[next(n for n, line in enumerate(lines) if "▲" in line or "▼" in line) + 1]

    def sees(self, text: str) -> bool:
        return text in re.sub(r"\s+", " ", self.screen)

    async def until(self, pattern: str) -> None:
        """Wait for the screen to show something."""
        for _ in range(500):
            if re.search(pattern, self.screen):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{pattern!r} is not seen:\n{self.screen}")

    async def press(self, *keys: str) -> None:
        """Every key must stand on the screen that one looks at when pressing it."""
        for key in keys:
            shown = SHOWN_AS.get(key, rf"(?:^|\W){re.escape(key)} [A-Z]")
            offered = key in KNOWN_WITHOUT_BEING_TOLD or re.search(shown, self.screen, re.MULTILINE)
            assert offered, f"nothing tells of {key}:\n{self.screen}"
            await self._press(key)

    async def type(self, text: str) -> None:
        """Into a line that asks for words."""
        for letter in text:
            await self._press(letter)

    async def _press(self, key: str) -> None:
        self.keys += 1
        assert self.keys <= MOST_KEYS
        await self._pilot.press(key)
        await self._pilot.app.workers.wait_for_complete()
        await self._pilot.pause()


@asynccontextmanager
async def someone_at(snapshot: Snapshot, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Person]:
    async with watched(PoolscopeApp(snapshot), size) as person:
        yield person


@asynccontextmanager
async def watched(app: PoolscopeApp, size: tuple[int, int]) -> AsyncIterator[Person]:
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Person(app, pilot)


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return analysed(DEMO_TRACE)


def culprit(demo: Snapshot) -> str:
    (finding,) = demo.diagnosis.findings
    assert finding.thread_id
    return f"thread {finding.thread_id}"


@at_each_size
async def test_the_guilty_thread_of_the_demo_is_on_the_first_screen_and_its_requests_one_key_away(
    demo: Snapshot, size: tuple[int, int]
) -> None:
    async with someone_at(demo, size) as person:
        assert person.sees("as user APCs on")
        assert person.sees(culprit(demo))
        await person.press("enter")
        assert person.sees("[6 Held]")
        assert person.sees(culprit(demo))
        assert person.sees("nferred")


@at_each_size
async def test_a_finding_is_exported_as_markdown(
    demo: Snapshot, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with someone_at(demo, size) as person:
        await person.press("x", "enter")
        assert person.sees("wrote")
    (written,) = tmp_path.iterdir()
    assert written.suffix == ".md"
    told = written.read_text("utf-8")
    assert told.startswith("# LEAK 1: ")
    assert culprit(demo) in told
    assert "## Why" in told


def grown(story: Story, tag: str, count: int) -> Snapshot:
    """Ten seconds later; ``count`` more allocations of a tag."""
    before = story.make()
    (site,) = (site for site in story.sites if site.tag == tag and site.sizes)
    site.sizes = [*site.sizes, *[site.sizes[0]] * count]
    after = story.make()
    row = story.sites.index(site)
    time = after.pool.outstanding.time_ns.copy()
    time[np.flatnonzero(after.pool.outstanding.site == row)[-count:]] = before.at_ns + SECOND
    order = np.argsort(time, kind="stable")
    outstanding = after.pool.outstanding
    columns = {name: getattr(outstanding, name)[order] for name in outstanding.__slots__}
    outstanding = type(outstanding)(**columns | {"time_ns": time[order]})
    return replace(after, at_ns=before.at_ns + 10 * SECOND, pool=replace(after.pool, outstanding=outstanding))


@at_each_size
async def test_which_tag_grew_most_since_a_mark(story: Story, size: tuple[int, int]) -> None:
    async with someone_at(story.make(), size) as person:
        assert person.sees("[2 Tags]")
        main = person.app.screen
        assert isinstance(main, MainScreen)
        main.show(story.make())
        await person.press("ctrl+p")
        await person.type("mark")
        assert re.search(r"^ *Mark$", person.screen, re.MULTILINE)
        await person.press("enter")
        main.show(grown(story, "CM25", 40))
        await person.press("home")
        assert "CM25" in person.first_row
        assert person.sees("SINCE")


@at_each_size
async def test_what_evidence_a_trace_lacks(broken_snapshot: Snapshot, size: tuple[int, int]) -> None:
    async with someone_at(broken_snapshot, size) as person:
        assert person.sees("INCOMPLETE")
        (trace,) = (view for view in VIEWS if view.key == "trace")
        await person.press(trace.number)
        assert person.sees("What this trace cannot tell")
        assert person.sees("No context switches")


@at_each_size
async def test_a_stack_is_copied(story: Story, size: tuple[int, int]) -> None:
    async with someone_at(story.make(), size) as person:
        await person.press("3", "down", "y")
        assert person.sees("copied")
        assert re.search(r"(?:ntoskrnl\.exe|afd\.sys)\+0x[0-9a-f]+", person.app.clipboard)


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path = tmp_path_factory.mktemp("tasks") / "two.etl"
    simulate("two-leaks", 3, Settings()).write(path)
    return analysed(path)


@at_each_size
async def test_the_accused_driver_is_found_and_what_it_allocated(leaks: Snapshot, size: tuple[int, int]) -> None:
    async with someone_at(leaks, size) as person:
        assert re.search(r"Accused", person.screen)
        assert "contosodev.sys" in person.first_row
        assert person.sees("contosoflt.sys")
        await person.press("down", "enter")
        assert person.sees("[8 Allocs]")
        assert person.sees("Limited to finding 2")


@at_each_size
async def test_all_of_a_findings_evidence_is_read(leaks: Snapshot, size: tuple[int, int]) -> None:
    evidence = [reason.says.rstrip(".") for reason in further_evidence(leaks.diagnosis.findings[0], leaks)]
    async with someone_at(leaks, size) as person:
        seen = person.screen
        if "^o Reads on" in person.screen:
            await person.press("ctrl+o")
            seen += person.screen
            for _ in range(6):
                await person.press("pagedown")
                seen += person.screen
        said = re.sub(r"[\s│▁▂▃▄▅▆▇█]+", "", seen)
        assert [words for words in evidence if re.sub(r"\s+", "", words) not in said] == []


@at_each_size
async def test_all_limits_are_dropped_with_one_key(leaks: Snapshot, size: tuple[int, int]) -> None:
    async with someone_at(leaks, size) as person:
        await person.press("enter", "enter")
        assert person.sees("Limited to")
        await person.press("U")
        assert not person.sees("Limited to")


@asynccontextmanager
async def someone_at_a_replay(size: tuple[int, int]) -> AsyncIterator[Person]:
    with ExitStack() as opened:

        def reopen() -> EtlFile:
            return opened.enter_context(EtlFile.open(DEMO_TRACE, window_bytes=1 << 14, threads=1))

        async with watched(ReplayApp(Replay(reopen, NO_NAMES, Pace(1 / 64))), size) as person:
            yield person


@at_each_size
async def test_a_replay_is_taken_to_its_middle(size: tuple[int, int]) -> None:
    async with someone_at_a_replay(size) as person:
        await to_the_middle(person)
        assert person.sees("Irp")


@at_each_size
async def test_what_a_replay_does_since_a_mark_is_compared(size: tuple[int, int]) -> None:
    async with someone_at_a_replay(size) as person:
        await to_the_middle(person)
        await person.press("M", "full_stop")
        await person.until(r"since the mark: pool \S+ \S+ +new and still there [1-9]")
        assert person.sees("SINCE")
        assert person.sees("C Clears")


async def to_the_middle(person: Person) -> None:
    await person.press("J")
    await person.type("50%")
    await person.press("enter")
    await person.until(r"at 5\d %")


@at_each_size
async def test_rows_are_filtered_by_what_the_line_offers(leaks: Snapshot, size: tuple[int, int]) -> None:
    async with someone_at(leaks, size) as person:
        await person.press("2", "slash")
        assert person.sees("bytes>4k")
        await person.type("ctrq")
        assert person.sees("1 of ")
        assert "CtRq" in person.first_row


@at_each_size
async def test_what_an_interval_of_time_left_behind_is_listed(demo: Snapshot, size: tuple[int, int]) -> None:
    async with someone_at(demo, size) as person:
        await person.press("9", "home", "left_square_bracket", "right", "right", "right_square_bracket", "enter")
        assert person.sees("[2 Tags]")
        assert person.sees("Limited to")
        assert person.sees("U No limits")
        assert person.first_row.split()[0] == "Irp"
