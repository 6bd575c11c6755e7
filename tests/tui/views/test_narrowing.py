from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from analyzers.findings import Diagnosis, GroupShare
from analyzers.pooltag import tag_text
from analyzers.processes import ProcessLife
from analyzers.requests.tables import NEVER
from analyzers.selection.query import Interval, Lifetime, Query
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from tests.tui.diagnoses import diagnosis, everything_held, tag
from tests.tui.stories import FRAME, SECOND, Story
from tests.tui.views.listings import demo, port
from tui.views.limits import interval_words
from tui.views.scene import narrowed_to

WHOLE = 10_000 * SECOND


def held(snapshot: Snapshot) -> dict[str, int]:
    """Outstanding allocations by tag, as single ones, as sites and as tags have them."""
    pool = snapshot.pool
    names = [tag_text(int(one)).strip() for one in pool.tags.tag]
    singles = Counter(names[pool.sites.tag_row[site]] for site in pool.outstanding.site)
    by_tag = dict(zip(names, pool.tags.outstanding_count.tolist(), strict=True))
    assert {name: count for name, count in by_tag.items() if count} == singles
    assert (
        pool.sites.outstanding_count.tolist()
        == np.bincount(pool.outstanding.site, minlength=len(pool.sites.stack)).tolist()
    )
    assert (
        int(pool.tags.outstanding_bytes.sum())
        == int(pool.outstanding.size.sum())
        == sum(r.bytes for r in pool.by_process)
    )
    assert len(pool.history.bytes) == len(pool.sites.stack)
    return by_tag


def test_without_a_scope_nothing_changes(snapshot: Snapshot) -> None:
    assert narrowed_to(snapshot, Query()) is snapshot


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Query(tag=(tag("Irp "), False)), {"Irp": 14}),
        (Query(tag=(tag("Irp "), True)), {}),
        (Query(stack=1), {"Irp": 2}),
        (Query(stack=-1), {"File": 0}),
        (Query(frame=FRAME + 32), {"AfdB": 3}),
        (Query(driver="afd.sys"), {"AfdB": 3}),
        (Query(process=ProcessLife(4)), {"Irp": 2}),
        (Query(process=ProcessLife(4330), thread=88), {"Irp": 12, "AfdB": 3}),
        (Query(process=ProcessLife(4330), tag=(tag("Irp "), False)), {"Irp": 12}),
        (Query(process=ProcessLife(4), thread=88), {}),
        (Query(endpoint=0x1234), {}),
    ],
)
def test_a_scope_selects_by_tag_stack_frame_driver_process_and_thread(
    snapshot: Snapshot, scope: Query, expected: dict[str, int]
) -> None:
    assert held(narrowed_to(snapshot, scope)) == expected


def test_a_finding_selects_its_tag_by_its_driver_and_thread(story: Story) -> None:
    story.diagnosis = diagnosis()
    told = {rank: narrowed_to(story.make(), Query(finding=rank)) for rank in (1, 2, 3)}
    assert [held(one) for one in told.values()] == [{"Irp": 12}, {"AfdB": 3}, {"CM25": 1}]
    assert [[f.rank for f in one.diagnosis.findings] for one in told.values()] == [[1], [2], [3]]
    assert [len(one.diagnosis.held_requests) for one in told.values()] == [12, 0, 0]


def test_conclusions_are_narrowed_with_the_memory(story: Story) -> None:
    story.diagnosis = diagnosis()
    snapshot = story.make()

    def told(scope: Query) -> tuple[list[int], list[str], set[int]]:
        one = narrowed_to(snapshot, scope).diagnosis
        return (
            [f.rank for f in one.findings],
            [tag_text(c.tag) for c in one.cleared],
            {a.thread_id for a in one.held_requests},
        )

    assert told(Query(tag=(tag("Irp "), False))) == ([1], [], {88})
    assert told(Query(tag=(tag("CM25"), True))) == ([3], ["CM25"], set())
    assert told(Query(process=ProcessLife(4330))) == ([1, 2], [], {88, 99})
    assert told(Query(process=ProcessLife(4330), thread=99)) == ([], [], {99})
    assert told(Query(process=ProcessLife(4))) == ([], [], set())


def test_a_process_keeps_only_the_sites_that_it_holds_memory_from(snapshot: Snapshot) -> None:
    chosen = narrowed_to(snapshot, Query(process=ProcessLife(4))).pool
    assert chosen.sites.stack.tolist() == [1]
    assert [(row.name, row.count) for row in chosen.by_process] == [("System", 2)]
    assert [(row.name, row.count) for row in chosen.by_driver] == [("ntoskrnl.exe", 2)]


def test_an_interval_selects_what_is_outstanding_by_when_it_was_made(snapshot: Snapshot) -> None:
    inside = narrowed_to(snapshot, Query(interval=Interval(SECOND, 3 * SECOND)))
    before = narrowed_to(snapshot, Query(interval=Interval(SECOND, 3 * SECOND, Lifetime.BEFORE_KEPT)))
    assert held(inside) == {"Irp": 8}
    assert held(before) == {"Irp": 4}
    assert inside.pool.sites.allocations.tolist() == [8]
    assert inside.pool.sites.frees.tolist() == [0]


def test_an_interval_selects_held_requests_by_when_they_were_issued() -> None:
    issued = demo().diagnosis.held_requests.issued_ns
    middle = int(np.median(issued))

    def told(lifetime: Lifetime) -> list[int]:
        part = narrowed_to(demo(), Query(interval=Interval(middle, WHOLE, lifetime)))
        return list(part.diagnosis.held_requests.issued_ns.tolist())

    assert told(Lifetime.INSIDE_KEPT) == issued[issued >= middle].tolist()
    assert told(Lifetime.BEFORE_KEPT) == issued[issued < middle].tolist()
    assert told(Lifetime.INSIDE_FREED) == told(Lifetime.BEFORE_FREED) == []


def test_a_finding_is_selected_by_any_of_its_groups_as_in_a_report(story: Story) -> None:
    groups = (GroupShare(tag("AfdB"), False, 3, 12_288, "afd.sys"), GroupShare(tag("CM25"), True, 1, 100, ""))
    story.diagnosis = Diagnosis(tuple(replace(each, groups=groups) for each in diagnosis().findings[:1]), ())
    by_step, by_word = (
        select(story.make(), query) for query in (Query(driver="afd.sys"), Query(drivers=("=afd.sys",)))
    )
    assert (
        [each.rank for each in by_step.diagnosis.findings] == [each.rank for each in by_word.diagnosis.findings] == [1]
    )
    assert not narrowed_to(story.make(), Query(driver="netio.sys")).diagnosis.findings


def test_of_what_was_freed_an_interval_knows_numbers_and_no_rows(snapshot: Snapshot) -> None:
    scope = Query(interval=Interval(0, WHOLE, Lifetime.INSIDE_FREED))
    pool = narrowed_to(snapshot, scope).pool
    assert len(pool.outstanding) == 0
    assert pool.sites.frees.tolist() == pool.sites.allocations.tolist() == [100, 5, 20, 9, 50]
    assert pool.tags.frees.tolist() == [105, 20, 9, 50]
    assert "Single rows are not kept" in interval_words(pool, scope)
    assert not narrowed_to(snapshot, Query(interval=Interval(0, WHOLE, Lifetime.BEFORE_FREED))).pool.sites.frees.size


def test_numbers_of_freed_allocations_are_counted_in_the_steps_of_the_interval(snapshot: Snapshot) -> None:
    step = snapshot.pool.history.step_ns
    pool = narrowed_to(snapshot, Query(interval=Interval(step, 3 * step, Lifetime.INSIDE_FREED))).pool
    assert pool.sites.frees.tolist() == [5, 20]


def test_what_is_freed_inside_and_was_not_made_there_was_made_before(snapshot: Snapshot) -> None:
    history = snapshot.pool.history
    later = replace(history, frees=np.roll(history.frees, 1, axis=1))
    moved = replace(snapshot, pool=replace(snapshot.pool, history=later))
    scope = Query(stack=0, interval=Interval(history.step_ns, WHOLE, Lifetime.BEFORE_FREED))
    pool = narrowed_to(moved, scope).pool
    assert pool.sites.frees.tolist() == [100]
    assert "at least" in interval_words(pool, scope)


def test_a_tag_and_an_interval_without_anything_leave_nothing(snapshot: Snapshot) -> None:
    pool = narrowed_to(snapshot, Query(stack=-1, interval=Interval(0, WHOLE))).pool
    assert (len(pool.tags.tag), len(pool.sites.stack), len(pool.outstanding)) == (0, 0, 0)


def test_a_socket_selects_what_belongs_to_it_and_to_its_requests() -> None:
    context = port().context
    assert context is not None
    requests, sockets = context.requests.requests, context.requests.sockets
    row = int(np.flatnonzero(sockets.closed_ns != NEVER)[-1])
    endpoint = int(sockets.endpoint[row])
    chosen = narrowed_to(port(), Query(endpoint=endpoint))
    assert chosen.context is not None
    found = chosen.context.attribution
    assert len(found.rule) == len(chosen.context.retention.group_of) == len(chosen.pool.outstanding) > 3
    assert all(int(each) == row for each in found.socket[found.socket >= 0])
    assert all(int(requests.socket[each]) == row for each in found.request[found.request >= 0])
    assert {each.endpoint for each in chosen.diagnosis.held_requests} == {endpoint}
    assert all(0 <= kind.site < len(chosen.pool.sites.stack) for kind in found.kinds)
    assert held(chosen)["AfdE"] == 1


def test_a_port_selects_its_requests_and_their_irps() -> None:
    chosen = narrowed_to(port(), Query(port=1))
    assert {each.port for each in chosen.diagnosis.held_requests} == {1}
    assert len(chosen.diagnosis.held_requests) == len(port().diagnosis.held_requests)
    assert held(chosen)["Irp"] > 0
    assert held(narrowed_to(port(), Query(port=2))) == {}


def test_a_driver_that_keeps_requests_selects_them(story: Story) -> None:
    story.diagnosis = everything_held()
    chosen = narrowed_to(story.make(), Query(keeper="keeper.sys"))
    assert [each.irp for each in chosen.diagnosis.held_requests] == [0x3000, 0x3001]
