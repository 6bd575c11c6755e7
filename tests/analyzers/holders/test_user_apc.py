"""Requests whose IRP is a user APC that its thread has not taken, and above all those whose IRP is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analyzers.findings import Why
from analyzers.holders import unknown, user_apc
from analyzers.holders.held import NOT_STEADY
from analyzers.holders.held_groups import held_groups
from analyzers.holders.user_apc import ALIKE, RULE
from analyzers.modules import KERNEL_NAME
from analyzers.requests.tables import NEVER, Completion, Finished
from tests.analyzers.holders.made import (
    AFD,
    BASE,
    EXACT,
    FILTER,
    MS,
    RUNS,
    STEP,
    SYSTEM,
    Block,
    MadeRequests,
    Request,
    RequestKind,
    T,
    U,
    both,
    changed,
    irp,
    loop,
    with_buffers,
)
from tests.analyzers.thread_events import IDLE, WAITING, Switch
from tracer.columns import UNKNOWN_ID, Who
from tracer.events.thread import WaitReason

pytestmark = pytest.mark.unjitted

RETIRED_SELDOM = (RequestKind(completed=100, retired=5),)


def test_a_thread_that_goes_on_in_user_mode_while_its_irps_stay_takes_no_user_apcs() -> None:
    scene = loop(40)
    assert scene.all_are(Why.USER_APC)
    assert set(scene.rules()[:39]) == {RULE}


@pytest.mark.parametrize("completion", [Completion.INLINE, Completion.ON_THE_CPU, Completion.ELSEWHERE])
def test_it_makes_no_difference_who_completed_them(completion: Completion) -> None:
    assert loop(40, completion=completion).all_are(Why.USER_APC)


@pytest.mark.parametrize(
    "columns",
    [
        {"thread_user_ns": 200 * MS},  # a socket operation, or opening or closing a file
        {"thread_user_ns": NEVER, "last_retired_ns": 200 * MS},  # a later special APC has run
    ],
)
def test_any_sign_of_user_mode_after_the_completion_tells(columns: dict[str, Any]) -> None:
    assert loop(40, **columns).all_are(Why.USER_APC)


def test_a_wait_in_user_mode_that_began_after_the_completion_tells() -> None:
    silent = loop(40, thread_user_ns=NEVER)
    for mode, why in ((1, Why.USER_APC), (0, Why.SPECIAL_APC)):
        waits = Switch(silent.at_ns - 1_000, 0, IDLE, T, WAITING, WaitReason.USER_REQUEST, mode)
        assert replace(silent, events=(*RUNS, waits)).all_are(why)


def test_an_irp_that_a_system_call_allocated_later_tells_where_its_stack_shows_the_kernel() -> None:
    """Below it there is no driver that asked for it, so the thread came from user mode."""
    silent = loop(40, thread_user_ns=NEVER)
    last = Block(BASE - 0x1000, silent.at_ns - 500, T, driver=KERNEL_NAME)
    told = replace(silent, blocks=[*silent.blocks, last])
    assert told.all_are(Why.USER_APC)
    for other in (replace(last, thread=U), replace(last, driver="contosoflt.sys"), replace(last, tag=b"IoSB")):
        assert replace(silent, blocks=[*silent.blocks, other]).all_are(Why.SPECIAL_APC)


def test_threads_of_the_kernel_are_never_in_user_mode() -> None:
    assert loop(40, process=SYSTEM).all_are(Why.SPECIAL_APC)
    assert loop(40, process=SYSTEM, last_retired_ns=200 * MS).all_are(Why.USER_APC)


def test_a_thread_that_was_in_user_mode_only_before_the_completion_may_be_in_the_kernel_still() -> None:
    scene = loop(40)
    middle = scene.requests[20].completed_ns
    whys = changed(scene, thread_user_ns=middle).whys()
    assert set(whys[21:]) == {Why.SPECIAL_APC}
    assert set(whys[:20]) == {Why.USER_APC}


def test_what_still_has_its_buffer_has_not_passed_stage_two() -> None:
    assert Why.USER_APC not in with_buffers(loop(40)).whys()


def test_a_buffer_that_was_made_and_is_gone_shows_that_stage_two_has_run() -> None:
    passed = loop(40, buffered=True, completion_routine=FILTER)
    assert passed.all_are(Why.USER_APC)


def test_a_closed_file_that_is_still_referred_to_shows_that_stage_two_has_not_run() -> None:
    scene = loop(40)
    assert Why.USER_APC not in changed(scene, cleaned_ns=scene.requests[0].completed_ns + 1).whys()[:30]


@pytest.mark.parametrize("how", [Finished.FILE_CLOSED, Finished.ENDPOINT_GONE])
def test_a_file_that_is_gone_shows_that_it_has_whatever_routine_saw_the_completion(how: Finished) -> None:
    assert loop(40, finished_by=how, completion_routine=FILTER, cleaned_ns=5 * MS).all_are(Why.USER_APC)


def test_where_a_routine_of_a_driver_saw_them_last_it_may_have_stopped_them_unless_all_of_the_kind_stay() -> None:
    passed = loop(40, completion_routine=AFD)
    assert Why.USER_APC not in passed.whys()
    assert replace(passed, kinds=RETIRED_SELDOM).all_are(Why.USER_APC)
    assert Why.USER_APC not in replace(passed, kinds=(RequestKind(completed=100, retired=6),)).whys()


def test_where_kernel_queues_are_not_logged_a_port_may_hold_them() -> None:
    assert replace(loop(40), seen_queues=False).all_are(Why.UNKNOWN)


def test_a_thread_that_has_ended_has_taken_its_user_apcs_with_it() -> None:
    scene = loop(40)
    assert Why.USER_APC not in changed(scene, exited_ns=scene.at_ns - 50_000).whys()
    assert Why.USER_APC not in changed(scene, exited_ns=5 * MS).whys()


@pytest.mark.parametrize("thread", [UNKNOWN_ID, IDLE])
def test_a_request_that_no_thread_is_known_to_have_issued_waits_for_none(thread: int) -> None:
    scene = loop(40, thread=thread)
    nobody = replace(scene, blocks=[replace(block, thread=UNKNOWN_ID) for block in scene.blocks])
    assert nobody.all_are(Why.LIST)


def test_the_thread_that_allocated_the_irp_is_the_issuer_where_no_event_tells_one() -> None:
    scene = changed(loop(40), thread=UNKNOWN_ID, process=UNKNOWN_ID, who=Who.UNKNOWN)
    found = scene.holding()
    assert set(found.evidence.requests.thread) == {T}
    assert found.is_held_by(Why.USER_APC).all()


def test_an_irp_that_a_driver_made_for_itself_waits_for_nobody() -> None:
    scene = loop(40)
    own = replace(scene, blocks=[replace(block, driver="contosoflt.sys") for block in scene.blocks])
    assert own.all_are(Why.LIST)


def test_irps_that_may_rest_on_a_list_are_not_accused() -> None:
    """A burst: the IRPs were all new, the requests retired without a pool event, and no new one was needed since."""
    blocks = [Block(irp(number), STEP + number * 1_000) for number in range(16)]
    requests = [
        Request(irp(number), STEP + number * 1_000 + 500, 2 * STEP + number, thread_user_ns=90 * MS)
        for number in range(16)
    ]
    assert MadeRequests(requests, blocks).all_are(Why.LIST)


def test_what_comes_from_before_all_cpus_events_are_there_is_not_judged() -> None:
    scene = loop(40)
    early = replace(scene, complete_from_ns=scene.requests[10].completed_ns + 1)
    assert set(early.whys()[:11]) == {Why.LIST}
    assert set(early.whys()[11:]) == {Why.USER_APC}


def test_one_that_only_others_show_to_be_on_no_list_is_held_with_these_and_not_by_itself() -> None:
    """The last one's IRP may have gone back to the list since: no new one was needed after it."""
    scene = loop(40)
    assert scene.rules()[39] == ALIKE
    assert replace(changed(scene, [39], kind=1), kinds=(RequestKind(), RequestKind())).whys()[39] is Why.UNKNOWN


def test_a_request_that_owns_its_buffer_tells_nothing_of_the_lists_of_others() -> None:
    """What a driver keeps lies beside what was retired: the IRPs of these may rest."""
    kept = with_buffers(loop(40, thread_user_ns=200 * MS, completion_routine=FILTER))
    after = Request(irp(90), 79 * MS, 80 * MS, thread_user_ns=200 * MS, kind=1)
    scene = replace(kept, requests=[*kept.requests, after], blocks=[*kept.blocks, Block(irp(90), MS, cpu=3)])
    assert replace(scene, kinds=(RequestKind(), RequestKind()), at_ns=90 * MS).whys()[40] is Why.LIST


def test_later_ones_of_the_thread_and_kind_are_held_too_as_user_apcs_are_taken_in_order() -> None:
    """Their IRPs come from a list that was filled before the trace, so that the pool is silent about them."""
    scene = loop(41)
    silent = replace(scene, blocks=[block for number, block in enumerate(scene.blocks) if number != 30])
    assert silent.rules()[30] == ALIKE
    assert silent.all_are(Why.USER_APC)


def test_just_completed_ones_of_the_thread_and_kind_are_held_with_the_others() -> None:
    scene = loop(40)
    soon = replace(scene, at_ns=scene.requests[-1].completed_ns + 50_000)
    assert soon.rules()[-1] == ALIKE
    assert changed(soon, [39], kind=-1).whys()[-1] is Why.IN_FLIGHT


def test_others_of_the_thread_are_of_another_kind_and_stay_what_they_are() -> None:
    scene = loop(41)
    silent = replace(scene, blocks=[block for number, block in enumerate(scene.blocks) if number != 30])
    kinds = (RequestKind(), RequestKind())
    assert replace(changed(silent, [30], kind=1), kinds=kinds).whys()[30] is Why.LIST
    other = changed(silent, [30], thread=U)
    assert other.whys()[30] is Why.LIST


def resting_first(retired: int) -> MadeRequests:
    """An IRP that was completed before those that are held, and of whose size no new one was needed since."""
    scene = loop(40, first=5)
    early = Request(irp(90), STEP, STEP + 1_000, issued_cpu=3, thread_user_ns=scene.at_ns - 1)
    resting = Block(irp(90), STEP - 10_000, cpu=3)
    kinds = (RequestKind(completed=100, retired=retired),)
    return replace(scene, requests=[early, *scene.requests], blocks=[resting, *scene.blocks], kinds=kinds)


def test_earlier_ones_are_held_too_where_hardly_any_of_the_kind_was_retired() -> None:
    assert resting_first(retired=5).whys()[0] is Why.USER_APC
    assert resting_first(retired=7).whys()[0] is Why.LIST


def test_earlier_ones_whose_irps_come_from_a_list_filled_before_the_trace_are_held_too() -> None:
    scene = resting_first(retired=50)
    assert replace(scene, blocks=scene.blocks[1:]).whys()[0] is Why.USER_APC


def test_an_innocent_thread_is_not_drawn_in() -> None:
    guilty = loop(40)
    innocent = loop(1, first=50, thread=U, cpu=2)
    assert both(guilty, innocent).whys() == [Why.USER_APC] * 40 + [Why.LIST]


def test_each_guilty_thread_is_a_group_of_its_own() -> None:
    scene = both(loop(40), loop(20, first=60, thread=U, size=EXACT))
    groups = held_groups(scene.holding(), lambda _: "")
    assert [(group.thread, len(group), group.why) for group in groups] == [
        (T, 40, Why.USER_APC),
        (U, 20, Why.USER_APC),
    ]


@pytest.mark.parametrize(
    ("retired", "before", "taken"), [(50, 100, True), (49, 100, False), (50, 13, True), (50, 12, False)]
)
def test_a_thread_that_retired_most_of_them_takes_the_young_ones_next_time(
    retired: int, before: int, taken: bool
) -> None:
    """Young: younger than three quarters of the trace; these are of its last 80 ms, after so many steps of 2 ms."""
    scene = loop(40, first=before)
    (group,) = held_groups(replace(scene, kinds=(RequestKind(100, retired),)).holding(), lambda _: "")
    assert user_apc.taken_now_and_then(group) is taken


def test_its_evidence_says_what_was_seen_of_files_and_buffers() -> None:
    scene = loop(40, finished_by=Finished.FILE_CLOSED)
    (group,) = held_groups(changed(scene, slice(10), buffered=True).holding(), lambda _: "")
    says = {each.rule: each.says for each in user_apc.evidence(group)}
    assert says["file-gone"].startswith("the files of 30 of 40")
    assert "of 10 of 40 were freed" in says["buffer-gone"]
    assert "after each of the completions" in says["user-mode-since"]


@pytest.mark.parametrize(
    ("scene", "left", "doubt"),
    [
        (replace(loop(40), events=()), 0.9, "no context switch"),
        (replace(loop(40), at_ns=210 * MS), 0.55, "keep coming"),
        (loop(40, finished_by=Finished.FILE_CLOSED, completion_routine=FILTER), 0.7, "driver's routine"),
        (loop(40, who=Who.CONTEXT_SWITCH), 0.95, "inferred"),
    ],
)
def test_what_weakens_it_is_a_doubt_that_leaves_a_part_of_the_confidence(
    scene: MadeRequests, left: float, doubt: str
) -> None:
    (group,) = held_groups(scene.holding(), lambda _: "")
    assert [(factor, doubt in says) for factor, says in user_apc.doubts(group)] == [(left, True)]
    assert unknown.doubts(replace(group, steady=False))[0] == (0.7, NOT_STEADY)


def test_where_nothing_tells_what_holds_them_the_thread_that_is_not_seen_is_a_doubt_too() -> None:
    (group,) = held_groups(replace(loop(40), events=()).holding(), lambda _: "")
    assert [factor for factor, says in unknown.doubts(group) if "no context switch" in says] == [0.95]


def test_a_strong_case_has_no_doubt() -> None:
    (group,) = held_groups(loop(40).holding(), lambda _: "")
    assert user_apc.doubts(group) == []
    assert np.array_equal(group.rows, np.arange(40))
