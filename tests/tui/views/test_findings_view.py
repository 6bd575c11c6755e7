from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import NO_HELD_REQUESTS, Cleared, Diagnosis, GroupShare, Verdict
from analyzers.processes import ProcessLife
from analyzers.selection.query import Query
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import (
    cleared,
    diagnosis,
    everything_held,
    missing_free,
    open_growth,
    pending_apc,
    tag,
)
from tests.tui.session import opened
from tests.tui.stories import Story
from tests.tui.views.listings import column, everything_said, is_harmless, scene
from tui.tables.findings import finding_table
from tui.tables.model import SortedTable
from tui.views.findings import head, listing
from tui.views.listing import Location
from tui.views.scene import narrowed_to


def test_findings_come_first_and_cleared_groups_below_them(leaking_snapshot: Snapshot) -> None:
    shown = listing(scene(leaking_snapshot))
    assert column(shown, "rank") == ["1", "2", "3", "-", "-"]
    verdicts = ["pending-apc", "missing-free", "growth", "cleared: cache", "cleared: transient"]
    assert column(shown, "verdict") == verdicts
    assert column(shown, "tag") == ["Irp", "AfdB", "CM25", "CM25", "File"]
    assert column(shown, "accused") == ["client.exe (4330) thread 88", "afd.sys", "an unknown driver", "-", "-"]


def test_what_is_not_known_is_a_dash_and_sorts_last(leaking_snapshot: Snapshot) -> None:
    shown = listing(scene(leaking_snapshot))
    assert column(shown, "rate") == ["720 KiB", "-", "-", "-", "-"]
    assert column(shown, "sure") == ["93 %", "71 %", "71 %", "-", "-"]
    assert column(shown, "retained")[3:] == ["-", "-"]
    view = SortedTable(shown.model, "rate", descending=True)
    assert int(view.order[0]) == 0


def test_a_rate_beyond_every_machine_can_still_be_shown(story: Story) -> None:
    story.diagnosis = Diagnosis((replace(pending_apc(), bytes_per_hour=1e300),), ())
    assert column(listing(scene(story.make())), "rate") == ["4.00 EiB"]


def test_of_a_trace_of_less_than_a_second_no_rate_is_shown(leaking_snapshot: Snapshot) -> None:
    assert column(listing(scene(replace(leaking_snapshot, at_ns=999_999_999))), "rate")[0] == "-"
    assert column(listing(scene(replace(leaking_snapshot, at_ns=1_000_000_000))), "rate")[0] == "205 B"
    assert column(listing(scene(replace(leaking_snapshot, at_ns=60_000_000_000))), "rate")[0] == "720 KiB"


@pytest.mark.parametrize(
    ("words", "ranks"), [("driver:afd", [0, 1]), ("process:client", [0]), ("verdict:cleared", [3, 4])]
)
def test_findings_are_filtered_by_driver_process_and_verdict(
    leaking_snapshot: Snapshot, words: str, ranks: list[int]
) -> None:
    view = SortedTable(finding_table(leaking_snapshot), "rank", descending=False)
    view.filter_by(words)
    assert view.order.tolist() == ranks


def test_the_panel_tells_who_what_how_much_why_and_what_next(leaking_snapshot: Snapshot) -> None:
    said = listing(scene(leaking_snapshot)).describe(0).plain
    for words in (
        "LEAK 1: 12 finished requests wait as user APCs on thread 88 of client.exe (4330), which never waits alertably",
        "who: client.exe (4330) thread 88, by way of afd.sys",
        "call: client.exe",
        "what: tag Irp in nonpaged pool: I/O request packets",
        "how much: 12 allocations, 5.44 KiB; retains 18.0 KiB (18,432 bytes)",
        "how fast: 720 KiB an hour",
        "excluded: special kernel APC: thread 88 issued more requests since",
        "why 1: 12 requests of this thread finished, and none of their IRPs was freed (inferred)",
        "why 2: 100 requests of other threads were freed, 95 % within 1.20 ms\n",
        "verdict: pending-apc: finished requests wait as APCs",
        "how sure: 93 %, very likely\n",
        "less sure because: the trace has no Winsock events",
        "next: Look at the user APCs of thread 88",
        "held by: client.exe (4330) > thread 88 > 12 pending user APCs (inferred) > 12 allocations of Irp",
    ):
        assert words in said


def test_the_panel_tells_why_a_group_was_cleared(leaking_snapshot: Snapshot) -> None:
    said = listing(scene(leaking_snapshot)).describe(3).plain
    assert said.startswith("Cleared, no leak: CM25 Paged\nverdict: cache: cached\n")
    assert "why: it grew and then levelled off" in said
    assert "what: Registry data" in said


def test_enter_on_a_thread_with_user_apcs_leads_to_the_requests_that_they_hold(leaking_snapshot: Snapshot) -> None:
    step = listing(scene(leaking_snapshot)).step(0)
    assert step == Location("held-requests", Query(finding=1), "finding 1")


def test_enter_on_a_port_leads_to_what_is_in_it_whoever_issued_it(story: Story) -> None:
    story.diagnosis = everything_held()
    snapshot = story.make()
    step = listing(scene(snapshot)).step(1)
    assert step == Location("held-requests", Query(finding=2), "finding 2")
    assert {each.port for each in narrowed_to(snapshot, step.scope).diagnosis.held_requests} == {2}


def test_enter_on_a_finding_of_several_groups_leads_to_all_of_their_allocations(story: Story) -> None:
    groups = (GroupShare(tag("AfdB"), False, 3, 12_288, ""), GroupShare(tag("Irp "), False, 12, 5_568, ""))
    story.diagnosis = Diagnosis((replace(missing_free(1), groups=groups),), ())
    snapshot = story.make()
    step = listing(scene(snapshot)).step(0)
    assert step == Location("allocations", Query(finding=1), "finding 1")
    assert len(narrowed_to(snapshot, step.scope).pool.outstanding) == 17


def test_the_panel_lists_possible_reasons_what_would_tell_and_what_is_excluded(story: Story) -> None:
    story.diagnosis = Diagnosis((open_growth(),), ())
    said = listing(scene(story.make())).describe(0).plain
    assert (
        "could be: user APC, fits: only IRPs stay\n"
        "  completion port, fits: only IRPs stay\n"
        "  driver never completed it, not known: no event tells of completions\n"
        "to tell: kernel queue events (KQUEUE)\n"
        "  IRP events (DRIVERS)\n"
        "excluded: special kernel APC: thread 88 issued more requests since\n"
    ) in said


def test_enter_on_another_finding_leads_to_its_allocations_whoever_made_them(leaking_snapshot: Snapshot) -> None:
    scope = Query(finding=2)
    assert listing(scene(leaking_snapshot)).step(1) == Location("allocations", scope, "finding 2")


def test_memory_from_before_the_trace_leads_to_its_tag(story: Story) -> None:
    before = Cleared(tag("File"), False, "", Verdict.PRE_TRACE, 0, 0, "7 frees of memory from before the trace")
    story.diagnosis = Diagnosis((), (before,))
    assert listing(scene(story.make())).step(0) == Location("allocations", Query(tag=(tag("File"), False)), "File")


def test_enter_on_a_cleared_group_leads_to_its_own_allocations(leaking_snapshot: Snapshot) -> None:
    scope = Query(tag=(tag("CM25"), True), cleared=(tag("CM25"), 1))
    assert listing(scene(leaking_snapshot)).step(3) == Location("allocations", scope, "CM25")


def test_copying_gives_all_of_a_finding_as_markdown(leaking_snapshot: Snapshot) -> None:
    copied = listing(scene(leaking_snapshot)).copy(0)
    accusation = "12 finished requests wait as user APCs on thread 88 of client.exe (4330), which never waits alertably"
    assert copied.startswith(f"# LEAK 1: {accusation}\n")
    assert "Look at the user APCs of thread 88 with !thread, and let it wait alertably." in copied
    assert "1. 12 requests of this thread finished, and none of their IRPs was freed (inferred)" in copied


def test_copying_a_cleared_group_gives_why_it_is_no_leak(leaking_snapshot: Snapshot) -> None:
    shown = listing(scene(leaking_snapshot))
    assert shown.copy(3) == "CM25: cached, it grew and then levelled off"


def test_rows_are_known_again_when_their_rank_changes(story: Story) -> None:
    story.diagnosis = Diagnosis((pending_apc(1), missing_free(2)), (cleared(), cleared()))
    before = listing(scene(story.make()))
    story.diagnosis = Diagnosis((missing_free(1), pending_apc(2)), (cleared(), cleared()))
    after = listing(scene(story.make()))
    names = [before.identity(row) for row in range(4)]
    assert len(set(names)) == 4
    assert [after.identity(row) for row in (1, 0, 2, 3)] == names


def test_the_heading_counts_leaks_and_cleared_groups(leaking_snapshot: Snapshot) -> None:
    assert head(scene(leaking_snapshot)).plain == "3 leaks found, 2 groups looked at and cleared"
    part = scene(leaking_snapshot, Query(finding=2))
    assert head(part).plain.endswith("; 2 findings outside of the selection")


def test_without_a_leak_it_says_so_and_which_evidence_it_lacked(story: Story) -> None:
    story.diagnosis = replace(diagnosis(), findings=(), held_requests=NO_HELD_REQUESTS)
    said = head(scene(story.make())).plain
    assert said.startswith("No leak found, as far as this trace can tell.")
    assert "context switches (what threads did)" in said


def test_an_empty_view_says_why_it_is_empty(snapshot: Snapshot, empty_snapshot: Snapshot) -> None:
    assert listing(scene(snapshot)).empty.startswith("No leak found, ")
    assert listing(scene(empty_snapshot)).empty.startswith("This trace holds no pool events")
    assert listing(scene(snapshot, Query(process=ProcessLife(4)))).empty == "No leak found in this part of the trace."


def test_hostile_names_are_shown_as_text(hostile_snapshot: Snapshot) -> None:
    shown = listing(scene(hostile_snapshot))
    assert shown.model.length
    assert is_harmless(everything_said(shown))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_verdict_is_on_the_screen_and_enter_leads_on(
    leaking_snapshot: Snapshot, size: tuple[int, int]
) -> None:
    async with opened(leaking_snapshot, size, "findings") as it:
        assert "3 leaks found, 2 groups looked at and cleared" in it.text
        for title in ("Sure", "Accused", "Bytes", "Verdict"):
            assert title in it.text
        assert "LEAK 1: 12 finished requests" in it.text
        await it.press("down")
        assert "LEAK 2: afd.sys" in it.text
        await it.press("up", "enter")
        assert it.screen.location.view == "held-requests"
        assert it.screen.location.scope.finding == 1
