"""What the tests of this room share: snapshots with a story, see stories.py."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import diagnosis, everything_held
from tests.tui.hostile import hostile_snapshot_of
from tests.tui.reports import contents
from tests.tui.stories import HOSTILE, SECOND, Site, Story, winsock_story
from tracer.errors import Damage, DamageCode
from tracer.trace import Gap, Loss


@pytest.fixture(autouse=True)
def _compiled_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command says must not depend on whether it is the first; tests/tui/test_compilation.py is about that."""
    monkeypatch.setattr("tui.reading.compilation.before_compiling", lambda _: nullcontext())
    monkeypatch.setattr("tui.reading.trace.is_current", lambda: True)


@pytest.fixture
def folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where exports go."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def story() -> Story:
    return winsock_story()


@pytest.fixture
def snapshot(story: Story) -> Snapshot:
    return story.make()


@pytest.fixture
def leaking_snapshot(story: Story) -> Snapshot:
    """The same with conclusions."""
    story.diagnosis = diagnosis()
    return story.make()


@pytest.fixture
def holding_snapshot(story: Story) -> Snapshot:
    """The same with requests that each kind of holder holds."""
    story.diagnosis = everything_held()
    return story.make()


@pytest.fixture
def empty_snapshot(story: Story) -> Snapshot:
    """A trace without a pool event."""
    story.sites, story.stray_frees = [], 0
    return story.make()


@pytest.fixture
def broken_snapshot(story: Story) -> Snapshot:
    """Everything that can be missing is missing."""
    story.loss = Loss(3, 1, (Gap(SECOND, 2 * SECOND, 2, "buffer lost"), Gap(5 * SECOND, 6 * SECOND, -1, "sequence")))
    story.damage = (Damage(0x1048, DamageCode.RECORD_SIZE, "a record of size 0", 512),)
    story.finalised, story.partial = False, True
    return story.make()


@pytest.fixture
def hostile_snapshot(story: Story) -> Snapshot:
    """Every name that a trace can bring is an attack."""
    return hostile_snapshot_of(story, HOSTILE)


@pytest.fixture
def big_snapshot(story: Story) -> Callable[[int], Snapshot]:
    """A snapshot with so many outstanding allocations at one site."""

    def make(count: int) -> Snapshot:
        story.sites = [Site("Irp ", 0, "ntoskrnl.exe", range(16, 16 + count))]
        return story.make()

    return make


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Traces by file name: a snapshot, or the exception that reading them raises."""

    def provide(**by_name: Snapshot | BaseException) -> None:
        def read(path: Path, *_: object, quiet: bool, symbols: object = None) -> Snapshot:
            told = by_name[path.stem]
            if isinstance(told, BaseException):
                raise told
            return told

        def read_to_conclude(*words: Any, **more: Any) -> tuple[Snapshot, Callable[[], Snapshot]]:
            told = read(*words, **more)
            return told, lambda: told

        monkeypatch.setattr("tui.reading.trace.read_snapshot", read)
        monkeypatch.setattr("tui.reading.trace.read_to_conclude", read_to_conclude)
        monkeypatch.setattr("tui.reading.trace.read_contents", lambda path, quiet: contents(read(path, quiet=quiet)))
        monkeypatch.setattr("tui.reading.trace.read_loss", lambda path, quiet: read(path, quiet=quiet).loss)

    return provide
