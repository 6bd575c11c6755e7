"""Requests whose special kernel APC has not run: bounded, inside one call in the kernel or of a starved thread."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import Cause, Fits, Why
from analyzers.holders import special_apc
from analyzers.holders.exclusions import explanations
from analyzers.holders.held_groups import held_groups
from analyzers.holders.special_apc import IN_ONE_CALL, STARVED
from analyzers.requests.tables import NEVER, Completion, Finished
from tests.analyzers.holders.made import (
    AFD,
    MS,
    RUNS,
    MadeRequests,
    RequestKind,
    T,
    U,
    changed,
    loop,
    with_buffers,
)
from tests.analyzers.thread_events import IDLE, PREEMPTED, WAITING, Ready, Switch
from tracer.events.thread import WaitReason

pytestmark = pytest.mark.unjitted

SILENT = {"thread_user_ns": NEVER}


def starving(scene: MadeRequests, *, readied: bool = True) -> MadeRequests:
    """The thread is put off its CPU before its first request is completed and gets none since."""
    first = scene.requests[0].completed_ns
    out = Switch(first - 20_000, 0, U, T, PREEMPTED if readied else WAITING, WaitReason.WR_RESOURCE, 1)
    return replace(scene, events=(*RUNS, out), at_ns=200 * MS)


def test_a_thread_that_was_ready_all_the_time_and_got_no_cpu_could_not_take_them() -> None:
    scene = starving(loop(8, **SILENT))
    assert scene.all_are(Why.SPECIAL_APC)
    assert set(scene.rules()) == {STARVED}


def test_a_thread_that_waits_in_user_mode_is_not_starved() -> None:
    """A special kernel APC interrupts any such wait."""
    assert Why.SPECIAL_APC not in starving(loop(8, **SILENT), readied=False).whys()


def test_a_starved_thread_whose_requests_passed_stage_two_is_no_reason() -> None:
    assert Why.SPECIAL_APC not in starving(loop(8, finished_by=Finished.FILE_CLOSED, **SILENT)).whys()


def test_buffers_that_stay_while_the_thread_is_not_seen_in_user_mode_are_held_in_one_kernel_call() -> None:
    scene = with_buffers(loop(8, **SILENT))
    assert scene.all_are(Why.SPECIAL_APC)
    assert set(scene.rules()) == {IN_ONE_CALL}


def test_irps_on_no_list_are_too_where_others_completed_them() -> None:
    assert loop(40, **SILENT).all_are(Why.SPECIAL_APC)
    assert loop(40, completion=Completion.INLINE, **SILENT).all_are(Why.UNKNOWN)


def test_a_thread_that_nothing_tells_of_may_be_anywhere() -> None:
    assert replace(loop(40, **SILENT), events=()).all_are(Why.UNKNOWN)


@pytest.mark.parametrize(("mode", "why"), [(0, Why.SPECIAL_APC), (1, Why.UNKNOWN)])
def test_a_thread_that_waits_since_before_is_in_the_kernel_only_by_a_wait_of_the_kernel(mode: int, why: Why) -> None:
    scene = loop(40, **SILENT)
    waits = Switch(scene.requests[0].completed_ns - 20_000, 0, IDLE, T, WAITING, WaitReason.EXECUTIVE, mode)
    seen_readies = Ready(scene.requests[0].completed_ns, U)
    found = replace(scene, events=(*RUNS, waits, seen_readies)).whys()
    assert set(found[:30]) == {why}


def test_any_sign_of_user_mode_excludes_it() -> None:
    """Returning to user mode with APCs disabled is a bug check, and any other return delivers them."""
    assert Why.SPECIAL_APC not in with_buffers(loop(40)).whys()
    assert Why.SPECIAL_APC not in loop(40).whys()


def test_a_later_request_of_the_thread_that_was_retired_excludes_it() -> None:
    assert Why.SPECIAL_APC not in with_buffers(loop(40, last_retired_ns=200 * MS, **SILENT)).whys()


def test_a_driver_whose_routine_saw_them_last_may_have_stopped_them_unless_all_of_the_kind_stay() -> None:
    passed = with_buffers(loop(8, completion_routine=AFD, **SILENT))
    assert passed.all_are(Why.UNKNOWN)
    assert replace(passed, kinds=(RequestKind(100, 5),)).all_are(Why.SPECIAL_APC)


def test_what_was_just_completed_is_on_its_way() -> None:
    scene = with_buffers(loop(8, **SILENT))
    soon = replace(scene, at_ns=scene.requests[0].completed_ns + 100_000)
    assert soon.whys()[0] is Why.IN_FLIGHT


def test_it_says_what_the_thread_did_since() -> None:
    scene = with_buffers(loop(8, **SILENT))
    (group,) = held_groups(scene.holding(), lambda _: "")
    since, buffers = special_apc.evidence(group)
    assert since.says.startswith(f"thread {T} has run on CPU 0 ever since")
    assert buffers.says.startswith("their buffers are still there")


def test_a_group_holds_the_requests_of_one_thread() -> None:
    scene = with_buffers(changed(loop(16, **SILENT), slice(8, None), thread=U))
    groups = held_groups(replace(scene, events=(*RUNS, Switch(11, 1, U, IDLE))).holding(), lambda _: "")
    assert [(group.why, group.thread, len(group)) for group in groups] == [
        (Why.SPECIAL_APC, T, 8),
        (Why.SPECIAL_APC, U, 8),
    ]


def test_a_thread_that_has_not_run_since_has_queued_no_user_apc_and_filled_no_list() -> None:
    (group,) = held_groups(starving(loop(8, **SILENT)).holding(), lambda _: "")
    found = {each.why: each for each in explanations(group, "because")}
    assert found[Cause.USER_APC].fits is found[Cause.LIST].fits is Fits.NO
    assert "have not run, and" in found[Cause.USER_APC].says
    assert "has not finished these" in found[Cause.LIST].says
