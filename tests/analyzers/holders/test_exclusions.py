"""Possible reasons why requests stay, and what the evidence says of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from analyzers.findings import Cause, Explanation, Fits, Why, fits_first
from analyzers.holders.exclusions import explanations
from analyzers.holders.held_groups import held_groups
from analyzers.requests.tables import NEVER, Finished, Queued
from tests.analyzers.holders.made import FILTER, MS, MadeRequests, RequestKind, changed, loop, with_buffers

pytestmark = pytest.mark.unjitted

YES, NO, UNKNOWN = Fits.YES, Fits.NO, Fits.UNKNOWN
IN_PORT = loop(40, queued=Queued.WAITING, queued_ns=90 * MS)
IN_FLIGHT = replace(changed(loop(40), completed_ns=NEVER, cleaned_ns=5 * MS), at_ns=200 * MS)
STOPPED = with_buffers(loop(40, completion_routine=FILTER))
IN_ONE_CALL = with_buffers(loop(40, thread_user_ns=NEVER))

CASES: Mapping[Why, tuple[MadeRequests, Mapping[Cause, Fits]]] = {
    Why.USER_APC: (
        loop(40, finished_by=Finished.FILE_CLOSED),
        {
            Cause.USER_APC: YES,
            Cause.SPECIAL_APC: NO,
            Cause.PORT: NO,
            Cause.DRIVER_KEPT: NO,
            Cause.COMPLETION_STOPPED: NO,
            Cause.LIST: NO,
        },
    ),
    Why.PORT: (
        IN_PORT,
        {
            Cause.PORT: YES,
            Cause.USER_APC: NO,
            Cause.SPECIAL_APC: NO,
            Cause.DRIVER_KEPT: NO,
            Cause.COMPLETION_STOPPED: NO,
            Cause.LIST: NO,
        },
    ),
    Why.DRIVER_KEPT: (
        IN_FLIGHT,
        {
            Cause.DRIVER_KEPT: YES,
            Cause.USER_APC: NO,
            Cause.SPECIAL_APC: NO,
            Cause.PORT: NO,
            Cause.COMPLETION_STOPPED: NO,
            Cause.LIST: NO,
        },
    ),
    Why.COMPLETION_STOPPED: (
        STOPPED,
        {
            Cause.COMPLETION_STOPPED: YES,
            Cause.USER_APC: NO,
            Cause.SPECIAL_APC: NO,
            Cause.PORT: NO,
            Cause.DRIVER_KEPT: NO,
            Cause.LIST: NO,
        },
    ),
    Why.SPECIAL_APC: (
        IN_ONE_CALL,
        {
            Cause.SPECIAL_APC: YES,
            Cause.USER_APC: NO,
            Cause.PORT: NO,
            Cause.DRIVER_KEPT: NO,
            Cause.COMPLETION_STOPPED: UNKNOWN,
            Cause.LIST: NO,
        },
    ),
}


def told(scene: MadeRequests) -> dict[str, Explanation]:
    (group,) = held_groups(scene.holding(), lambda _: "")
    found = explanations(group, "because")
    assert len({each.why for each in found}) == len(found)
    assert [each.says for each in found if each.fits is YES] == ["because"]
    return {each.why: each for each in found}


@pytest.mark.parametrize("why", CASES)
def test_each_holder_excludes_the_others_as_far_as_the_trace_can_tell(why: Why) -> None:
    scene, expected = CASES[why]
    assert scene.all_are(why)
    assert {cause: each.fits for cause, each in told(scene).items()} == expected


@pytest.mark.parametrize("why", CASES)
def test_what_is_not_known_says_what_would_tell_and_what_is_known_needs_nothing(why: Why) -> None:
    for each in told(CASES[why][0]).values():
        assert bool(each.told_apart_by) == (each.fits is UNKNOWN)
        assert each.says


def test_without_queue_events_a_port_is_not_excluded() -> None:
    found = told(replace(IN_ONE_CALL, seen_queues=False))[Cause.PORT]
    assert (found.fits, "KQUEUE" in found.told_apart_by) == (UNKNOWN, True)


def test_a_user_apc_that_nothing_but_user_mode_shows_excludes_special_ones_by_that() -> None:
    found = told(loop(40))
    assert (found[Cause.SPECIAL_APC].fits, "user mode" in found[Cause.SPECIAL_APC].says) == (NO, True)
    assert found[Cause.COMPLETION_STOPPED].fits is NO


def test_where_the_trace_tells_of_routines_and_none_was_called_none_stopped_it() -> None:
    assert told(IN_ONE_CALL)[Cause.COMPLETION_STOPPED].fits is UNKNOWN
    assert told(replace(IN_ONE_CALL, seen_routines=True))[Cause.COMPLETION_STOPPED].fits is NO


def test_a_buffer_that_is_gone_shows_that_a_special_apc_has_run() -> None:
    gone = told(replace(loop(40, buffered=True), kinds=(RequestKind(100, 5),)))
    assert gone[Cause.SPECIAL_APC].says == "it has run: their files or buffers are gone"


def test_where_more_than_one_reason_is_left_each_of_them_fits() -> None:
    """Without queue events the IRPs may be user APCs or lie in a port; the one that is excluded is said to be."""
    (group,) = held_groups(replace(loop(40), seen_queues=False).holding(), lambda _: "")
    found = {each.why: each.fits for each in explanations(group)}
    assert group.why is Why.UNKNOWN
    assert [cause for cause, fits in found.items() if fits is YES] == [Cause.USER_APC, Cause.PORT]
    assert {found[cause] for cause in (Cause.SPECIAL_APC, Cause.DRIVER_KEPT, Cause.COMPLETION_STOPPED)} == {NO}


def test_the_fitting_ones_come_first_then_those_that_nobody_knows() -> None:
    made = [Explanation(Cause.PORT, each, "") for each in (NO, UNKNOWN, YES, NO)]
    assert [each.fits for each in fits_first(made)] == [YES, UNKNOWN, NO, NO]


def test_what_is_true_of_a_part_is_counted() -> None:
    some = changed(loop(40), slice(0, 30), finished_by=Finished.FILE_CLOSED)
    found = told(some)
    assert found[Cause.SPECIAL_APC].says == "it has run: the files or buffers of 30 of 40 are gone"
    assert found[Cause.DRIVER_KEPT].says == "their drivers completed all of them"
