"""Pictures of every view, compared with those that a person has looked at.

After a change that is meant to be seen: ``python -m pytest tests/tui/test_snapshots.py --snapshot-update``, then look
at the pictures beside this file (any browser shows them) before they are committed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.amber import AmberSnapshotExtension
from syrupy.location import PyTestLocation
from textual.pilot import Pilot

from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tests.tui.comparing import compared
from tests.tui.drawn import as_drawn
from tests.tui.session import Session
from tests.tui.stories import winsock_story
from tracer.errors import Damage, DamageCode
from tui.app import PoolscopeApp
from tui.views.registry import VIEWS

pytestmark = as_drawn

SIZES = {"80x24": (80, 24), "160x48": (160, 48)}
NARROW = (40, 20)
OF_CHANGES = {"120x40": (120, 40)}
COMPARED = {"two": ("cache", "missing-free"), "series": ("missing-free", "two-leaks", "cache", "cache")}


def nothing(_folder: Path) -> Snapshot:
    """A trace without a pool event."""
    story = winsock_story()
    story.sites, story.stray_frees = [], 0
    return story.make()


def demo(_folder: Path) -> Snapshot:
    """The bundled trace."""
    return _named(analysed(DEMO_TRACE), "demo.etl")


def lossy(folder: Path) -> Snapshot:
    """Such a leak with all that can be missing."""
    path = folder / "lossy.etl"
    simulate("winsock-loop", 5, Settings(iterations=60, lost_events=0.02, lost_buffers=2)).write(path)
    damage = (Damage(0x1048, DamageCode.RECORD_SIZE, "a record of size 0", 512),)
    return replace(_named(analysed(path), path.name), damage=damage, partial=True)


def _named(snapshot: Snapshot, name: str) -> Snapshot:
    """Without the folder that the trace lies in here."""
    return replace(snapshot, info=replace(snapshot.info, path=name))


TRACES = {"empty": nothing, "demo": demo, "lossy": lossy}

SAYS = {
    "findings": ("LEAK 1:", "no pool events"),
    "tags": ("Irp", "no pool events"),
    "stacks": ("Frames, callees first", "no pool events"),
    "processes": ("client.exe (", "no pool events"),
    "sockets": ("endpoint is not cleaned up", "no Winsock (AFD) events"),
    "held-requests": ("requests are held", "no I/O request (IRP) events"),
    "retention": ("client.exe", "no pool events"),
    "allocations": ("Part of", "no pool events"),
    "timeline": ("still outstanding", "no pool events"),
    "trace": ("SIMULATED TRACE", "no pool events"),
}
"""What each view must say of a leak, and of a trace without pool events; else its picture is of something else."""

Compare = Callable[..., bool]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Snapshot]:
    """By name; each is made once."""
    return cache(lambda name: TRACES[name](tmp_path_factory.mktemp(name)))


def says(*words: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """What stands on the screen that a picture is taken of."""

    async def check(pilot: Pilot[None]) -> None:
        await pilot.pause()
        shown = Session(pilot.app, pilot).text  # type: ignore[arg-type]  # it is ours
        assert [word for word in words if word not in shown] == [], shown

    return check


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> SnapshotAssertion:
    """Syrupy's own, which the snapshots of this room have taken the name from."""
    return SnapshotAssertion(
        session=request.session.config._syrupy,  # type: ignore[attr-defined]  # put there by syrupy
        extension_class=AmberSnapshotExtension,
        test_location=PyTestLocation(item=request.node),
        update_snapshots=request.config.option.update_snapshots,
    )


@pytest.fixture(autouse=True)
def _same_colours_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine's terminal offers must not show."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TERM", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.repeats
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("view", [view.key for view in VIEWS])
def test_a_view_looks_as_it_did(
    view: str, name: str, size: str, traces: Callable[[str], Snapshot], snap_compare: Compare
) -> None:
    words = [SAYS[view][name == "empty"], *(["INCOMPLETE"] if name == "lossy" else [])]
    app = PoolscopeApp(traces(name), view)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=says(*words))


@pytest.mark.repeats
@pytest.mark.parametrize("view", [view.key for view in VIEWS])
def test_a_view_looks_as_it_did_on_a_narrow_terminal(
    view: str, traces: Callable[[str], Snapshot], snap_compare: Compare
) -> None:
    title = next(spec.title for spec in VIEWS if spec.key == view)
    app = PoolscopeApp(traces("lossy"), view)
    assert snap_compare(app, terminal_size=NARROW, run_before=says(title, "INCOMPLETE"))


@pytest.mark.repeats
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", [view.key for view in VIEWS])
def test_a_view_looks_as_it_did_without_colour(
    view: str, size: str, traces: Callable[[str], Snapshot], snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = PoolscopeApp(traces("lossy"), view)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=says(SAYS[view][0], "INCOMPLETE"))


@pytest.mark.repeats
@pytest.mark.parametrize("size", [*SIZES, *OF_CHANGES])
@pytest.mark.parametrize("name", COMPARED)
def test_the_changes_look_as_they_did(
    name: str, size: str, tmp_path: Path, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = compared(COMPARED[name], think_ns=20_000_000, folder=Path())
    app = PoolscopeApp(found.snapshots[-1], compared=found)
    assert snap_compare(app, terminal_size=(SIZES | OF_CHANGES)[size], run_before=says("CHANGED", "D Changes"))


def test_every_view_is_held_to_what_it_must_say() -> None:
    assert set(SAYS) == {view.key for view in VIEWS}
