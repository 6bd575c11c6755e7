"""How many held requests it takes to accuse anybody: a few may be on their way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import Why
from analyzers.holders.held_groups import held_groups
from analyzers.verdicts.held_requests import believable
from tests.analyzers.holders.made import EXACT, LISTED, STEP, Source, T, both, changed, loop


@pytest.mark.parametrize(
    ("why", "steady", "fewest"),
    [(Why.USER_APC, True, 8), (Why.USER_APC, False, 49), (Why.DRIVER_KEPT, True, 4)],
)
def test_it_takes_more_user_apcs_and_most_where_they_came_at_once(why: Why, steady: bool, fewest: int) -> None:
    (group,) = held_groups(loop(60).holding(), lambda _: "")
    for count in (fewest, fewest - 1):
        held = replace(group, why=why, steady=steady, rows=group.rows[:count])
        assert believable(held, 0.0) is (count == fewest)


def test_what_came_at_once_counts_by_processor_and_size_as_lookaside_lists_take_it() -> None:
    two_lists = both(loop(40, size=LISTED), loop(40, 40, size=EXACT))
    one_list = loop(80, size=LISTED)
    for scene, is_believed in ((two_lists, False), (one_list, True)):
        (group,) = held_groups(scene.holding(), lambda _: "")
        held = replace(group, why=Why.USER_APC, steady=False, at_once=True)
        assert len(held) == 80
        assert believable(held, 0.0) is is_believed
        assert believable(replace(held, at_once=False), 0.0)
        assert believable(replace(held, steady=True), 0.0)


@pytest.mark.parametrize("at_once", [False, True])
def test_requests_that_are_made_at_once_are_a_burst_however_they_are_completed(at_once: bool) -> None:
    scene = loop(60)
    if at_once:
        blocks = [replace(block, time_ns=STEP) for block in scene.blocks]
        scene = replace(changed(scene, issued_ns=STEP + 1_000), blocks=blocks)
    (group,) = held_groups(scene.holding(), lambda _: "")
    assert group.why is Why.USER_APC
    assert (group.steady, group.at_once) == (not at_once, at_once)


@pytest.mark.parametrize(("inserted", "thread", "is_believed"), [(0, T, True), (400, T, False), (400, T + 4, True)])
def test_user_apcs_may_be_requests_of_a_port_that_lost_the_event(inserted: int, thread: int, is_believed: bool) -> None:
    scene = replace(loop(60), sources=[Source(thread, inserted=inserted, taken=inserted)])
    (group,) = held_groups(scene.holding(), lambda _: "")
    assert group.why is Why.USER_APC
    assert believable(group, 0.1) is is_believed
    assert believable(group, 0.0)
