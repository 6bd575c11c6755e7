from __future__ import annotations

import pytest

from analyzers.processes import ProcessLife
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import diagnosis
from tests.tui.session import opened
from tests.tui.stories import Story
from tests.tui.views.listings import everything_said, is_harmless, scene
from tracer.columns import UNKNOWN_ID
from tui.tables.model import SortedTable
from tui.views.listing import Location
from tui.views.processes import grow
from tui.views.tree_view import Folds, Tree

ALL_OPEN: Folds = {(ProcessLife(pid), None): True for pid in (4, 4330, UNKNOWN_ID)}


def tree(snapshot: Snapshot, folds: Folds | None = None, scope: Query | None = None) -> Tree:
    return grow(scene(snapshot, scope or Query()))(dict((folds or {}).items()))


def lines(one: Tree, needle: str = "", *keys: str) -> list[str]:
    view = SortedTable(one.listing.model, "bytes", descending=True)
    view.filter_by(needle)
    cells = [one.listing.model.column(key) for key in keys or ("outstanding", "held", "known", "who")]
    return [" ".join(cell.text(int(row)) for cell in cells) for row in view.order]


def test_processes_come_with_counts_shares_and_how_they_are_known(snapshot: Snapshot) -> None:
    assert lines(tree(snapshot)) == [
        "15 0 observed + client.exe (4330)",
        "2 0 inferred + System (4)",
        "1 0 not known + (process not known)",
    ]
    assert lines(tree(snapshot), "", "bytes", "share") == ["17.4 KiB 92.3 %", "1.25 KiB 6.6 %", "200 B 1.0 %"]


def test_threads_stand_below_their_process_with_their_held_requests(story: Story) -> None:
    story.diagnosis = diagnosis()
    assert lines(tree(story.make(), ALL_OPEN)) == [
        "15 13 observed - client.exe (4330)",
        "15 12 observed     thread 88",
        "0 1      thread 99",
        "2 0 inferred - System (4)",
        "2 0 inferred     thread 100",
        "1 0 not known - (process not known)",
        "1 0 not known     thread ?",
    ]


def test_a_process_that_is_alone_is_open(snapshot: Snapshot) -> None:
    assert len(lines(tree(snapshot, scope=Query(process=ProcessLife(4))))) == 2
    assert len(lines(tree(snapshot, {(ProcessLife(4), None): False}, Query(process=ProcessLife(4))))) == 1


@pytest.mark.parametrize(
    ("needle", "found"), [("client", 2), ("thread 100", 2), ("system", 2), ("process:client", 2), ("x", 2)]
)
def test_a_filter_finds_processes_with_their_threads(snapshot: Snapshot, needle: str, found: int) -> None:
    assert len(lines(tree(snapshot, ALL_OPEN), needle)) == found


def test_enter_leads_to_the_stacks_of_a_process_or_thread(snapshot: Snapshot) -> None:
    one = tree(snapshot, ALL_OPEN, Query(driver="ntoskrnl.exe"))
    steps = [one.listing.step(row) for row in range(2)]
    assert steps == [
        Location("stacks", Query(driver="ntoskrnl.exe", process=ProcessLife(4)), "System (4)"),
        Location("stacks", Query(driver="ntoskrnl.exe", process=ProcessLife(4), thread=100), "System (4) thread 100"),
    ]


def test_the_panel_says_what_is_observed_and_what_inferred(story: Story) -> None:
    story.diagnosis = diagnosis()
    one = tree(story.make(), ALL_OPEN)
    said = {one.listing.copy(row): one.listing.describe(row).plain for row in range(one.listing.model.length)}
    assert "2 allocations whose thread is inferred from the context switches" in said["System (4)"]
    assert "15 allocations whose process and thread an event names (observed)" in said["client.exe (4330) thread 88"]
    assert "13 requests held (inferred; view 6 says by what)" in said["client.exe (4330)"]
    assert "1 allocation whose thread is not known" in said["(process not known)"]


def test_nothing_outstanding_is_said(empty_snapshot: Snapshot) -> None:
    listing = tree(empty_snapshot).listing
    assert listing.model.length == 0
    assert "no pool events" in listing.empty


def test_hostile_names_are_harmless(hostile_snapshot: Snapshot) -> None:
    assert is_harmless(everything_said(tree(hostile_snapshot, ALL_OPEN).listing))


async def test_a_process_opens_and_enter_goes_on(snapshot: Snapshot) -> None:
    async with opened(snapshot, view="processes") as it:
        await it.press("right")
        assert "thread 88" in it.text
        await it.press("down", "enter")
        assert it.place == "stacks"
        assert (it.scope.process, it.scope.thread) == (ProcessLife(4330), 88)
        await it.press("escape")
        assert "thread 88" in it.text
