from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzers.processes import ProcessLife
from analyzers.selection.query import Interval, Lifetime, Query
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import tag
from tests.tui.session import opened
from tests.tui.stories import SECOND, Site, Story
from tests.tui.views.listings import column, everything_said, is_harmless, scene
from tui.report.recording import HOW_IN_SHORT
from tui.tables.columns import Styled
from tui.tables.sparkline import outstanding_course, sparkline
from tui.views.listing import Location
from tui.views.scene import Scene
from tui.views.tags import listing


def grown(story: Story) -> tuple[Snapshot, Snapshot]:
    """Two moments: IRPs came, socket buffers went, a tag is new."""
    then = story.make()
    story.sites[0] = replace(story.sites[0], sizes=[464] * 20)
    story.sites[2] = replace(story.sites[2], sizes=[4096], freed=22)
    story.sites.append(Site("New!", 2, "afd.sys", [32]))
    return then, story.make()


def test_a_trace_that_does_not_move_has_no_changes(snapshot: Snapshot) -> None:
    shown = listing(scene(snapshot))
    keys = [one.heading.key for one in shown.model.columns]
    assert keys == ["tag", "type", "allocations", "frees", "older", "outstanding", "bytes", "each", "peak", "course",
                    "driver", "description"]  # fmt: skip
    assert shown.model.changed is None


def test_changes_have_signs_and_colours_and_what_is_new_counts_whole(story: Story) -> None:
    then, now = grown(story)
    shown = listing(Scene(now, now, before=then))
    assert column(shown, "tag") == ["Irp", "AfdB", "CM25", "File", "New!"]
    assert column(shown, "bytes-change") == ["+3.62 KiB", "-8.00 KiB", "", "", "+32 B"]
    assert column(shown, "outstanding-change") == ["+8", "-2", "", "", "+1"]
    assert column(shown, "allocations-change") == ["+8", "", "", "", "+1"]
    assert column(shown, "frees-change") == ["", "+2", "", "", ""]
    change = shown.model.column("bytes-change")
    assert isinstance(change, Styled)
    assert [change.style(row) for row in range(5)] == ["red", "green", "", "", "red"]
    assert shown.model.changed is not None
    assert shown.model.changed.tolist() == [True, True, False, False, True]


def test_changes_are_those_since_the_mark_where_there_is_one(story: Story) -> None:
    then, now = grown(story)
    shown = listing(Scene(now, now, before=now, mark=then))
    assert column(shown, "outstanding-change")[:2] == ["+8", "-2"]


def test_changes_are_limited_as_the_rows_are(story: Story) -> None:
    then, now = grown(story)
    scope = Query(process=ProcessLife(4))
    shown = listing(replace(scene(now, scope), before=then))
    assert column(shown, "tag") == ["Irp"]
    assert column(shown, "outstanding-change") == [""]


def test_the_course_is_drawn_against_its_most(story: Story) -> None:
    assert sparkline(np.arange(1, 9), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.array([0, 0, 4, 2]), 4) == "  █▄"
    assert sparkline(np.array([3]), 5) == "█████"
    assert sparkline(np.zeros(0, np.int64), 3) == "   "
    assert sparkline(np.zeros(9, np.int64), 3) == "   "
    pool = story.make().pool
    assert outstanding_course(pool, 0).tolist() == [5568, 6848, 6848, 6848, 6848]


def test_enter_leads_to_the_stacks_of_the_tag_and_keeps_what_it_was_limited_to(snapshot: Snapshot) -> None:
    shown = listing(scene(snapshot, Query(process=ProcessLife(4330))))
    assert shown.step(0) == Location("stacks", Query(process=ProcessLife(4330), tag=(tag("Irp "), False)), "Irp ")
    assert shown.copy(0) == "Irp "


def test_the_panel_tells_the_tag_its_numbers_and_its_course(snapshot: Snapshot) -> None:
    said = listing(scene(snapshot)).describe(0).plain
    for words in ("Irp Nonp (49727020)  ntoskrnl.exe  I/O request packets", "14 outstanding, 6.69 KiB (6,848 bytes)",
                  "119 allocs, 105 frees", "| to 6.69 KiB"):  # fmt: skip
        assert words in said


def test_a_course_of_one_process_is_called_that_of_all(snapshot: Snapshot) -> None:
    assert "(of all processes)" in listing(scene(snapshot, Query(process=ProcessLife(4)))).describe(0).plain


def test_numbers_of_freed_allocations_say_what_they_are(snapshot: Snapshot) -> None:
    shown = listing(scene(snapshot, Query(interval=Interval(0, 100 * SECOND, Lifetime.INSIDE_FREED))))
    assert column(shown, "frees") == ["105", "20", "9", "50"]
    assert column(shown, "outstanding") == ["0", "0", "0", "0"]
    assert "made inside the interval and freed" in shown.describe(0).plain


def test_without_rows_it_says_why(snapshot: Snapshot, empty_snapshot: Snapshot) -> None:
    assert HOW_IN_SHORT in listing(scene(empty_snapshot)).empty
    assert "No tag has anything of this" in listing(scene(snapshot, Query(process=ProcessLife(1)))).empty


def test_totals_add_up_the_rows_that_are_shown(snapshot: Snapshot) -> None:
    totals = listing(scene(snapshot)).totals
    assert totals is not None
    assert totals(np.array([0, 1])).plain == "2 tags: allocs 142  frees 125  outst 17  18.7 KiB"


def test_hostile_names_are_harmless(hostile_snapshot: Snapshot) -> None:
    assert is_harmless(everything_said(listing(scene(hostile_snapshot))))


async def test_the_tags_stand_on_the_screen_and_enter_goes_down(snapshot: Snapshot) -> None:
    async with opened(snapshot, (160, 48), "tags") as it:
        assert "Since start" in it.text
        await it.press("enter")
        assert it.place == "stacks"
        assert it.scope.tag == (tag("AfdB"), False)
    async with opened(snapshot, view="tags") as it:
        assert "Socket data buffers" in it.text
