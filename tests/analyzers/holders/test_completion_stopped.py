"""Requests whose completion a driver's routine stopped for good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import Kept, Why
from analyzers.holders import completion_stopped
from analyzers.holders.completion_stopped import RULE, SEVERAL
from analyzers.holders.held import NOT_STEADY
from analyzers.holders.held_groups import held_groups
from analyzers.requests.tables import NEVER, Finished
from tests.analyzers.holders.made import (
    AFD,
    EXACT,
    FILTER,
    MODULES,
    MS,
    OTHER_PROGRAM,
    UNKNOWN_ROUTINE,
    MadeRequests,
    RequestKind,
    U,
    both,
    changed,
    loop,
    with_buffers,
)

pytestmark = pytest.mark.unjitted


def driver_of(routine: int) -> str:
    return MODULES.get(routine, "")


def test_buffers_that_stay_after_the_thread_was_in_user_mode_show_that_stage_two_was_stopped() -> None:
    scene = with_buffers(loop(20, completion_routine=FILTER))
    assert scene.all_are(Why.COMPLETION_STOPPED)
    assert set(scene.rules()) == {RULE}


def test_so_do_files_that_are_closed_and_still_referred_to() -> None:
    scene = loop(40, completion_routine=FILTER, size=EXACT)
    closed = changed(scene, cleaned_ns=scene.requests[-1].completed_ns + 100)
    assert replace(closed, at_ns=closed.at_ns + 20 * MS).all_are(Why.COMPLETION_STOPPED)


def test_a_file_that_others_may_refer_to_shows_nothing_of_irps_that_may_rest() -> None:
    """A reference that was never given up keeps the file of requests that were retired long ago."""
    few = loop(20, completion_routine=FILTER)
    resting = replace(changed(few, cleaned_ns=few.requests[-1].completed_ns + 100), at_ns=200 * MS)
    assert resting.all_are(Why.LIST)


def test_an_open_file_shows_nothing() -> None:
    scene = loop(20, completion_routine=FILTER)
    assert Why.COMPLETION_STOPPED not in replace(scene, kinds=(RequestKind(100, 29),)).whys()


def test_a_thread_that_may_be_in_the_kernel_still_has_a_special_apc_left() -> None:
    assert with_buffers(loop(20, thread_user_ns=NEVER)).all_are(Why.SPECIAL_APC)


def test_where_no_routine_was_called_nobody_stopped_it() -> None:
    scene = with_buffers(loop(20))
    assert scene.all_are(Why.COMPLETION_STOPPED)
    assert replace(scene, seen_routines=True).all_are(Why.UNKNOWN)


def test_where_queues_are_not_logged_a_port_may_hold_it_before_stage_two() -> None:
    assert replace(with_buffers(loop(20, completion_routine=FILTER)), seen_queues=False).all_are(Why.UNKNOWN)


def test_a_file_that_is_gone_shows_that_the_completion_went_on() -> None:
    scene = with_buffers(loop(40, completion_routine=FILTER, finished_by=Finished.FILE_CLOSED))
    assert scene.all_are(Why.USER_APC)


def test_a_routine_of_a_driver_that_others_of_the_kind_got_through_stopped_those_that_stay() -> None:
    """User APCs are taken in order: where the thread's later ones of the kind go, none is left."""
    stays = loop(40, completion_routine=FILTER)
    through = replace(stays, kinds=(RequestKind(100, 31),))
    assert through.all_are(Why.COMPLETION_STOPPED)
    assert set(through.rules()) == {SEVERAL}
    assert replace(stays, kinds=(RequestKind(100, 29),)).all_are(Why.UNKNOWN)


@pytest.mark.parametrize(("count", "why"), [(12, Why.COMPLETION_STOPPED), (11, Why.UNKNOWN)])
def test_a_few_that_stay_may_be_chance(count: int, why: Why) -> None:
    assert replace(loop(count, completion_routine=FILTER), kinds=(RequestKind(100, 60),)).whys()[0] is why


def of_two_programs(routine: int) -> MadeRequests:
    mine = loop(40, completion_routine=routine)
    return both(mine, loop(40, first=100, thread=U, process=OTHER_PROGRAM, size=EXACT, completion_routine=routine))


@pytest.mark.parametrize("routine", [AFD, UNKNOWN_ROUTINE])
def test_of_windows_own_drivers_and_unknown_ones_it_takes_several_programs(routine: int) -> None:
    """In one program it may be that some of its requests have a completion routine."""
    kinds = (RequestKind(100, 60),)
    assert replace(loop(40, completion_routine=routine), kinds=kinds).all_are(Why.UNKNOWN)
    assert replace(of_two_programs(routine), kinds=kinds).all_are(Why.COMPLETION_STOPPED)
    assert replace(of_two_programs(routine), kinds=(RequestKind(100, 29),)).all_are(Why.UNKNOWN)


def test_several_programs_have_another_driver_in_common_however_few_got_through() -> None:
    kinds = (RequestKind(100, 20),)
    assert replace(loop(40, completion_routine=FILTER), kinds=kinds).all_are(Why.UNKNOWN)
    assert replace(of_two_programs(FILTER), kinds=kinds).all_are(Why.COMPLETION_STOPPED)


def test_an_irp_that_a_driver_made_itself_is_its_own_affair() -> None:
    scene = with_buffers(loop(20, completion_routine=FILTER))
    own = [replace(block, driver="contosoflt.sys") for block in scene.blocks]
    assert Why.COMPLETION_STOPPED not in replace(scene, blocks=own).whys()


def test_the_driver_of_the_last_routine_is_named() -> None:
    scene = with_buffers(loop(20, completion_routine=FILTER))
    (group,) = held_groups(scene.holding(), driver_of)
    assert (group.driver, group.kept, len(group)) == ("contosoflt.sys", Kept.COMPLETION_STOPPED, 20)
    assert [each.rule for each in completion_stopped.evidence(group)] == [RULE, "routine-called", "user-mode-since"]
    assert completion_stopped.doubts(group) == []
    assert completion_stopped.doubts(replace(group, steady=False)) == [(0.7, NOT_STEADY)]


def test_where_no_event_names_a_routine_the_driver_that_was_called_last_is_named_with_a_doubt() -> None:
    scene = with_buffers(loop(20, last_routine=FILTER))
    (group,) = held_groups(scene.holding(), driver_of)
    assert group.driver == "contosoflt.sys"
    assert [(factor, "no event shows" in says) for factor, says in completion_stopped.doubts(group)] == [(0.85, True)]


def test_irps_alone_are_a_doubt() -> None:
    scene = replace(loop(40, completion_routine=FILTER), kinds=(RequestKind(100, 60),))
    (group,) = held_groups(scene.holding(), driver_of)
    assert [(factor, "the IRPs stay" in says) for factor, says in completion_stopped.doubts(group)] == [(0.75, True)]
