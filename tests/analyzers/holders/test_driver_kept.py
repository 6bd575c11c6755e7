"""Requests that their driver never completes, and those that are only in flight."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analyzers.findings import Kept, Why
from analyzers.holders import driver_kept
from analyzers.holders.driver_kept import OUTLIVES, OVERDUE
from analyzers.holders.held import NOT_STEADY
from analyzers.holders.held_groups import held_groups
from analyzers.requests.tables import NEVER
from analyzers.trends.bins import EDGES
from tests.analyzers.holders.made import (
    AFD,
    BASE,
    FILE,
    FILTER,
    MODULES,
    MS,
    STEP,
    Block,
    MadeRequests,
    Request,
    RequestKind,
    both,
    changed,
    irp,
    loop,
)
from tracer.columns import UNKNOWN_ID

pytestmark = pytest.mark.unjitted

QUICK = (RequestKind(100, 100, latency=[5] * 100),)
"""Others of the kind are completed within some microseconds."""


def in_flight(count: int, **columns: Any) -> MadeRequests:
    """Requests to a driver that has completed none, at even times up to the end."""
    scene = loop(count, completed_ns=NEVER, file_object=FILE, last_routine=FILTER, **columns)
    return replace(scene, kinds=QUICK)


def closed(scene: MadeRequests, ago: int) -> MadeRequests:
    """The last handle of their file was closed so long before the end, when there had been no more for a while."""
    at_ns = scene.at_ns + 60 * MS
    return replace(changed(scene, cleaned_ns=at_ns - ago), at_ns=at_ns)


def test_a_request_whose_file_was_closed_should_have_been_cancelled() -> None:
    scene = closed(in_flight(5), 51 * MS)
    assert scene.all_are(Why.DRIVER_KEPT)
    assert set(scene.rules()) == {OVERDUE}


def test_so_should_one_whose_thread_ended() -> None:
    scene = replace(in_flight(5), at_ns=100 * MS)
    assert changed(scene, exited_ns=49 * MS).all_are(Why.DRIVER_KEPT)


def test_a_driver_that_was_told_just_now_may_be_on_it() -> None:
    assert closed(in_flight(5), 49 * MS).all_are(Why.IN_FLIGHT)


@pytest.mark.parametrize(("many", "why"), [(12, Why.DRIVER_KEPT), (11, Why.IN_FLIGHT)])
def test_a_driver_that_let_many_pass_is_not_on_it(many: int, why: Why) -> None:
    late = closed(in_flight(many), 51 * MS)
    young = Request(irp(900), late.at_ns - 30 * MS, last_routine=FILTER, file_object=FILE + 0x100)
    young = replace(young, cleaned_ns=late.at_ns - MS)
    assert replace(late, requests=[*late.requests, young]).whys()[-1] is why
    other = replace(young, last_routine=AFD)
    assert replace(late, requests=[*late.requests, other]).whys()[-1] is Why.IN_FLIGHT


@pytest.mark.parametrize(("ago", "why"), [(21, Why.DRIVER_KEPT), (19, Why.IN_FLIGHT)])
def test_many_need_less_time_to_show_that_it_is_not(ago: int, why: Why) -> None:
    assert closed(in_flight(12), ago * MS).all_are(why)


def test_a_file_that_is_open_tells_nobody_to_end() -> None:
    assert in_flight(2).all_are(Why.IN_FLIGHT)


def test_a_driver_that_made_the_irp_itself_and_an_unknown_caller_are_another_matter() -> None:
    scene = closed(in_flight(5), 51 * MS)
    own = replace(scene, blocks=[replace(block, driver="contosoflt.sys") for block in scene.blocks])
    assert own.all_are(Why.IN_FLIGHT)
    nobody = [replace(block, thread=UNKNOWN_ID) for block in scene.blocks]
    assert changed(replace(scene, blocks=nobody), thread=UNKNOWN_ID).all_are(Why.IN_FLIGHT)


def test_ever_more_on_one_file_that_outlive_their_kind_are_kept() -> None:
    scene = in_flight(40)
    assert scene.all_are(Why.DRIVER_KEPT)
    assert set(scene.rules()) == {OUTLIVES}


@pytest.mark.parametrize(("each", "why"), [(1, Why.IN_FLIGHT), (2, Why.IN_FLIGHT), (3, Why.DRIVER_KEPT)])
def test_long_polls_are_one_or_two_on_each_file_and_none(each: int, why: Why) -> None:
    """One that waits for its client, its data or its event, as long as that takes."""
    scene = in_flight(42)
    files = 42 // each
    requests = [replace(one, file_object=FILE + 0x100 * (row % files)) for row, one in enumerate(scene.requests)]
    assert replace(scene, requests=requests).all_are(why)


def test_ever_more_are_those_of_one_driver() -> None:
    scene = in_flight(40)
    several = [replace(one, last_routine=FILTER + 0x100 * (row % 4)) for row, one in enumerate(scene.requests)]
    assert replace(scene, requests=several).all_are(Why.IN_FLIGHT)


def test_requests_of_no_known_file_have_none_in_common() -> None:
    assert changed(in_flight(40), file_object=0).all_are(Why.IN_FLIGHT)


def test_a_number_that_was_issued_at_the_start_and_stays_is_none() -> None:
    """Listening sockets and notifications: all at once, or all in the first part of the trace."""
    scene = in_flight(40)
    burst = [replace(each, issued_ns=STEP + 2_000 + row * 1_000) for row, each in enumerate(scene.requests)]
    blocks = [Block(each.irp, each.issued_ns - 500) for each in burst]
    assert replace(scene, requests=burst, blocks=blocks).all_are(Why.IN_FLIGHT)


@pytest.mark.parametrize(("pause", "why"), [(9, Why.DRIVER_KEPT), (19, Why.IN_FLIGHT)])
def test_so_is_one_that_was_filled_step_by_step_and_stays(pause: int, why: Why) -> None:
    """Accepts that a server has outstanding, for one: no more come, long before the end (in percent of the trace)."""
    scene = loop(40, completed_ns=NEVER, last_routine=FILTER)
    last = scene.requests[-1].issued_ns
    assert replace(scene, kinds=QUICK, at_ns=last * 100 // (100 - pause)).all_are(why)


@pytest.mark.parametrize(("count", "why"), [(12, Why.DRIVER_KEPT), (11, Why.IN_FLIGHT)])
def test_a_dozen_on_one_file_is_the_least_that_is_called_ever_more(count: int, why: Why) -> None:
    scene = loop(count, completed_ns=NEVER, last_routine=FILTER)
    assert replace(scene, kinds=QUICK).all_are(why)


def test_those_of_a_kind_that_takes_that_long_are_none() -> None:
    """Most of the others took longer than the oldest has been waiting."""
    slow = int(np.searchsorted(EDGES, 400 * MS))
    assert replace(in_flight(40), kinds=(RequestKind(100, 100, latency=[slow] * 100),)).all_are(Why.IN_FLIGHT)


def test_where_none_of_the_kind_was_ever_completed_ever_more_are_kept() -> None:
    assert changed(in_flight(40), kind=-1).all_are(Why.DRIVER_KEPT)


def test_the_youngest_of_them_are_kept_only_once_they_are_older_than_others_become() -> None:
    """95 % of the others take about 16 ms; what is older than twice that has outlived them, and shows the driver."""
    usual = int(np.searchsorted(EDGES, 16 * MS))
    scene = replace(in_flight(60), kinds=(RequestKind(100, 100, latency=[usual] * 100),))
    scene = replace(scene, at_ns=scene.requests[-1].issued_ns + 1 * MS)
    whys = np.array(scene.whys())
    age = np.array([scene.at_ns - each.issued_ns for each in scene.requests])
    assert set(whys[age > EDGES[usual + 1]]) == {Why.DRIVER_KEPT}
    assert set(whys[age < EDGES[usual]]) == {Why.IN_FLIGHT}


def test_the_driver_that_has_them_is_the_last_that_was_called() -> None:
    scene = closed(in_flight(40), 55 * MS)
    (group,) = held_groups(scene.holding(), lambda routine: MODULES.get(routine, ""))
    assert (group.driver, group.kept, len(group)) == ("contosoflt.sys", Kept.NEVER_COMPLETED, 40)
    found = {each.rule: each.says for each in driver_kept.evidence(group)}
    assert found[OVERDUE] == "their files were closed since"
    assert found["others-completed"] == "100 others of the kind were completed"
    assert "thread-ended" not in found


def test_each_driver_is_a_group_of_its_own() -> None:
    one, other = closed(in_flight(20), 55 * MS), closed(in_flight(20, first=50), 55 * MS)
    scene = both(one, changed(other, last_routine=AFD, file_object=BASE))
    scene = changed(scene, cleaned_ns=30 * MS)
    groups = held_groups(scene.holding(), lambda routine: MODULES.get(routine, ""))
    assert sorted((group.driver, len(group)) for group in groups) == [("afd.sys", 20), ("contosoflt.sys", 20)]


def test_open_files_are_a_doubt_and_so_is_an_end_before_the_traces() -> None:
    for scene, doubts in ((in_flight(40), [0.6]), (closed(in_flight(40), 55 * MS), [])):
        (group,) = held_groups(scene.holding(), lambda _: "")
        assert [factor for factor, says in driver_kept.doubts(group) if "still open" in says] == doubts
        assert (0.8, NOT_STEADY) in driver_kept.doubts(replace(group, steady=False))
