"""Pictures of every view, compared with those that a person has looked at.

After a change that is meant to be seen: ``python -m pytest tests/tui/test_snapshots.py --snapshot-update``, then look
at the pictures beside this file (any browser shows them) before they are committed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.amber import AmberSnapshotExtension
from syrupy.location import PyTestLocation

from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import diagnosis
from tests.tui.stories import SECOND, Story
from tracer.errors import Damage, DamageCode
from tracer.trace import Gap, Loss
from tui.app import PoolscopeApp
from tui.views.registry import VIEWS

DRAWN_WITH = {"textual": "8.2.", "rich": "15.0."}
"""Other versions draw other pictures of the same interface."""

as_drawn = pytest.mark.skipif(
    not all(version(name).startswith(known) for name, known in DRAWN_WITH.items()),
    reason=f"the pictures were drawn with {DRAWN_WITH}; draw them again with --snapshot-update and say so here",
)
pytestmark = as_drawn

SIZES = {"80x24": (80, 24), "160x48": (160, 48)}
NARROW = (40, 20)


def nothing(story: Story) -> None:
    """A trace without a pool event."""
    story.sites, story.stray_frees = [], 0


def leaking(story: Story) -> None:
    """The story of the demo, small enough to know by heart."""
    story.simulated = True
    story.diagnosis = diagnosis()


def lossy(story: Story) -> None:
    """The same with all that can be missing."""
    leaking(story)
    story.loss = Loss(3, 1, (Gap(SECOND, 2 * SECOND, 2, "buffer lost"), Gap(5 * SECOND, 6 * SECOND, -1, "sequence")))
    story.damage = (Damage(0x1048, DamageCode.RECORD_SIZE, "a record of size 0", 512),)
    story.finalised, story.partial = False, True


STORIES = {"empty": nothing, "leaking": leaking, "lossy": lossy}

Compare = Callable[..., bool]


def told(story: Story, tell: Callable[[Story], None]) -> Snapshot:
    tell(story)
    return story.make()


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


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("view", [view.key for view in VIEWS])
def test_a_view_looks_as_it_did(view: str, name: str, size: str, story: Story, snap_compare: Compare) -> None:
    app = PoolscopeApp(told(story, STORIES[name]), view)
    assert snap_compare(app, terminal_size=SIZES[size])


@pytest.mark.parametrize("view", [view.key for view in VIEWS])
def test_a_view_looks_as_it_did_on_a_narrow_terminal(view: str, story: Story, snap_compare: Compare) -> None:
    assert snap_compare(PoolscopeApp(told(story, lossy), view), terminal_size=NARROW)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", [view.key for view in VIEWS])
def test_a_view_looks_as_it_did_without_colour(
    view: str, size: str, story: Story, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(PoolscopeApp(told(story, lossy), view), terminal_size=SIZES[size])
