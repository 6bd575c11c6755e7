"""IRPs that may rest on a lookaside list, and what shows that they are on none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from analyzers.findings import Why
from analyzers.requests.tables import NEVER
from analyzers.trends.bins import EDGES
from tests.analyzers.holders.made import (
    EXACT,
    LISTED,
    MS,
    STEP,
    Block,
    MadeRequests,
    Request,
    RequestKind,
    T,
    U,
    changed,
    irp,
    loop,
)
from tests.analyzers.thread_events import IDLE, Switch

pytestmark = pytest.mark.unjitted

NONE_RETIRED, NEARLY_ALL, MOST = RequestKind(100, 0), RequestKind(100, 90), RequestKind(100, 89)


def burst(count: int, *, size: int = LISTED, cpu: int = 0, completed: int = 3 * MS) -> MadeRequests:
    """IRPs made at once and completed at one time; nothing new was needed since."""
    blocks = [Block(irp(number), STEP + number * 100, cpu=cpu, size=size) for number in range(count)]
    requests = [
        Request(irp(number), STEP + number * 100 + 50, completed + number, thread_user_ns=90 * MS)
        for number in range(count)
    ]
    return MadeRequests(requests, blocks)


def needing(
    scene: MadeRequests, times: Sequence[int], *, size: int = LISTED, cpu: int = 0, tag: bytes = b"Irp "
) -> MadeRequests:
    """More IRPs, of another thread's requests in flight, were made at these times."""
    more = [
        Block(irp(1_000 + number), time, U, tag, size, cpu=cpu) for number, time in enumerate(times)
    ]  # fmt: skip
    return replace(scene, blocks=[*scene.blocks, *more])


def off_list(scene: MadeRequests) -> list[bool]:
    found: list[bool] = scene.seen().off_list.tolist()
    return found


TO_THE_END = [time * MS for time in range(5, 100, 5)]


def test_irps_that_were_completed_when_no_new_one_was_needed_any_more_may_rest() -> None:
    assert off_list(burst(20)) == [False] * 20


def test_a_new_irp_of_that_size_and_cpu_shows_that_the_list_had_none() -> None:
    assert off_list(needing(burst(20), TO_THE_END)) == [True] * 20


@pytest.mark.parametrize(
    ("size", "cpu", "tag"), [(LISTED, 1, b"Irp "), (0x4C0, 0, b"Irp "), (LISTED, 0, b"IoSB"), (LISTED, 0, b"Irps")]
)
def test_one_of_another_size_or_cpu_or_tag_tells_nothing(size: int, cpu: int, tag: bytes) -> None:
    assert off_list(needing(burst(20), TO_THE_END, size=size, cpu=cpu, tag=tag)) == [False] * 20


def test_the_cpu_is_that_on_which_the_irp_was_taken_wherever_it_was_made_or_released() -> None:
    away = (Switch(10, 0, T, IDLE), Switch(STEP + 60_000, 0, IDLE, T), Switch(STEP + 60_005, 1, T, IDLE))
    scene = changed(replace(burst(20, cpu=1), events=away), issued_cpu=0)
    assert off_list(needing(scene, TO_THE_END, cpu=0)) == [True] * 20
    assert off_list(needing(scene, TO_THE_END, cpu=1)) == [False] * 20


def test_one_that_was_made_while_the_release_was_on_its_way_tells_nothing() -> None:
    scene = burst(20, completed=50 * MS)
    assert off_list(needing(scene, [10 * MS, 50 * MS + 90_000])) == [False] * 20
    assert off_list(needing(scene, [10 * MS, 50 * MS + 110_000])) == [True] * 20


def test_so_does_one_that_was_made_before_others_usually_are_released() -> None:
    slow = int(np.searchsorted(EDGES, 8 * MS))
    scene = replace(burst(20, completed=50 * MS), retired=[slow] * 30)
    assert off_list(needing(scene, [10 * MS, 62 * MS])) == [False] * 20
    assert off_list(needing(scene, [10 * MS, 63 * MS])) == [True] * 20


def test_irps_of_an_ended_thread_are_released_at_its_end() -> None:
    """Its user APCs are run down then, and the IRPs go back to their lists."""
    scene = changed(burst(20), exited_ns=50 * MS)
    assert off_list(needing(scene, [10 * MS, 49 * MS])) == [False] * 20
    assert off_list(needing(scene, [10 * MS, 51 * MS])) == [True] * 20


def test_after_the_last_new_irp_as_many_as_lists_hold_may_have_come_to_rest() -> None:
    """New ones were needed up to the end only where the last is no longer ago than twice the longest pause."""
    early = [4 * MS + number * 100_000 for number in range(20)]
    assert off_list(needing(burst(20), early)) == [False] * 20
    assert off_list(needing(burst(32), early)) == [False] * 32
    assert off_list(needing(burst(33), early)) == [True] * 33
    assert off_list(needing(burst(20), [35 * MS, 37 * MS])) == [True] * 20
    assert off_list(needing(burst(20), [33 * MS, 35 * MS])) == [False] * 20


@pytest.mark.parametrize(("count", "rest"), [(48, True), (49, False)])
def test_far_more_than_lists_hold_do_not_rest_even_if_no_new_one_was_needed(count: int, rest: bool) -> None:
    assert off_list(burst(count)) == [not rest] * count


@pytest.mark.parametrize(("count", "rest"), [(32, True), (33, False)])
def test_more_of_a_size_that_no_list_has_than_lists_hold_do_not_rest(count: int, rest: bool) -> None:
    """Fewer may be of a list that Windows has tuned."""
    assert off_list(burst(count, size=EXACT)) == [not rest] * count


@pytest.mark.parametrize("size", [0x118, 0x1F0, 0x4C0])
def test_the_sizes_of_irps_with_1_4_and_14_stack_locations_may_rest(size: int) -> None:
    assert off_list(burst(20, size=size)) == [False] * 20


def test_a_size_of_which_one_was_used_again_is_that_of_a_list_too() -> None:
    """Windows tunes them: the IRP was made long before its request was issued."""
    scene = burst(40, size=EXACT)
    used_again = Request(irp(900), 50 * MS, 51 * MS, U)
    old = Block(irp(900), STEP, U, size=EXACT, cpu=7)
    again = replace(scene, requests=[*scene.requests, used_again], blocks=[*scene.blocks, old])
    assert off_list(again) == [False] * 41


@pytest.mark.parametrize(("count", "believed"), [(2, False), (3, True)])
def test_one_or_two_irps_on_no_list_may_be_chance(count: int, believed: bool) -> None:
    assert off_list(needing(burst(count), TO_THE_END)) == [believed] * count


def test_three_speak_for_the_later_ones_of_their_thread() -> None:
    proven, listed = needing(burst(3), TO_THE_END), burst(10, completed=60 * MS)
    requests = [replace(each, irp=each.irp + 0x10_0000, issued_cpu=5) for each in listed.requests]
    blocks = [replace(each, address=each.address + 0x10_0000) for each in listed.blocks]
    scene = replace(proven, requests=[*proven.requests, *requests], blocks=[*proven.blocks, *blocks])
    assert off_list(scene) == [True] * 13
    early = [replace(each, completed_ns=each.issued_ns + 1) for each in requests]
    assert off_list(replace(scene, requests=[*proven.requests, *early])) == [True] * 3 + [False] * 10
    others = [replace(each, thread=U) for each in requests]
    assert off_list(replace(scene, requests=[*proven.requests, *others])) == [True] * 3 + [False] * 10


@pytest.mark.parametrize(
    ("kind", "count", "rest"), [(NEARLY_ALL, 16, True), (NEARLY_ALL, 17, False), (MOST, 16, False)]
)
def test_the_few_that_are_left_of_a_kind_nearly_all_of_which_were_retired_are_taken_to_rest(
    kind: RequestKind, count: int, rest: bool
) -> None:
    scene = needing(replace(burst(count), kinds=(kind,)), TO_THE_END)
    assert off_list(scene) == [not rest] * count


def test_far_too_many_of_a_kind_of_which_hardly_any_was_retired_do_not_rest_on_whatever_lists() -> None:
    """Taken on 49 CPUs, one each, which no list shows to be empty."""
    scene = burst(49)
    spread = replace(scene, requests=[replace(each, issued_cpu=cpu) for cpu, each in enumerate(scene.requests)])
    assert off_list(replace(spread, kinds=(NONE_RETIRED,))) == [True] * 49
    assert off_list(spread) == [False] * 49
    assert off_list(changed(replace(spread, kinds=(NONE_RETIRED,)), [0], thread=U)) == [False] * 49


def test_what_rests_is_nobodys_fault() -> None:
    assert burst(20).all_are(Why.LIST)
    assert needing(replace(burst(16), kinds=(NEARLY_ALL,)), TO_THE_END).all_are(Why.LIST)


def test_a_request_in_flight_or_an_irp_from_before_the_trace_is_not_asked() -> None:
    scene = loop(40, completed_ns=NEVER)
    assert off_list(scene) == [False] * 40
    assert off_list(replace(loop(40), blocks=())) == [False] * 40
