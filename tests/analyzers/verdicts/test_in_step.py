"""Which kinds of blocks one step of a program leaves behind together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.verdicts.in_step import among_steps, follows, in_step
from analyzers.verdicts.owners import Owners
from tests.analyzers.verdicts.judged import outstanding_at

I64 = np.ndarray[tuple[int], np.dtype[np.int64]]
STEPS, PERIOD = 200, 1_000_000


def _steps(offset: int, each: int = 1, *, jitter: int = 300_000, seed: int = 1) -> I64:
    """``each`` blocks of a kind in each of 200 steps, at an offset within the step; steps come at uneven times."""
    starts = np.arange(STEPS) * PERIOD + np.random.default_rng(7).integers(0, jitter, STEPS)
    inside = np.random.default_rng(seed).integers(0, 50, (STEPS, each))
    return np.sort((starts[:, np.newaxis] + offset + inside).ravel())


def _by_chance(count: int = STEPS, seed: int = 3) -> I64:
    return np.sort(np.random.default_rng(seed).integers(0, STEPS * PERIOD, count))


def _of(thread: int, births: I64) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.full(len(births), thread, np.uint32)


def _follow(first: I64, other: I64) -> bool:
    return follows(first, _of(8, first), other, _of(8, other))


def _without(births: I64, share: float, seed: int) -> I64:
    return births[np.random.default_rng(seed).random(len(births)) >= share]


@pytest.mark.parametrize("offset", [-400, 400])
@pytest.mark.parametrize("each", [1, 2, 4])
def test_so_many_of_one_kind_for_each_of_another_are_in_step(offset: int, each: int) -> None:
    assert _follow(_steps(0), _steps(offset, each))


def _even(offset: int) -> I64:
    """One in each step, at even times."""
    return np.arange(STEPS) * PERIOD + offset


@pytest.mark.parametrize(("more", "in_step"), [(18, True), (22, False)])
def test_their_numbers_may_differ_by_a_tenth(more: int, in_step: bool) -> None:
    twice = _even(500)[10 : 10 + more]
    assert _follow(_even(0), np.sort(np.concatenate([_even(400), twice]))) is in_step


@pytest.mark.parametrize(("late", "in_step"), [(28, True), (32, False)])
def test_seven_of_ten_steps_have_just_that_number(late: int, in_step: bool) -> None:
    """One that comes a step too late leaves two steps with another number."""
    others = _even(400)
    others[10 : 10 + 3 * late : 3] += PERIOD + 100
    assert _follow(_even(0), np.sort(others)) is in_step


@pytest.mark.parametrize(("each", "in_step"), [(4, True), (5, False)])
def test_four_for_each_are_a_part_and_five_are_a_list(each: int, in_step: bool) -> None:
    assert _follow(_steps(0), _steps(400, each)) is in_step


def test_more_than_four_for_each_are_a_list_that_grows() -> None:
    assert not _follow(_steps(0), _steps(400, 7))


def test_a_tenth_of_each_may_be_missing() -> None:
    assert _follow(_without(_steps(0), 0.1, 4), _without(_steps(400), 0.1, 5))


@pytest.mark.parametrize("seed", range(20))
def test_as_many_at_other_moments_are_not(seed: int) -> None:
    assert not _follow(_steps(0), _by_chance(seed=seed))
    assert not _follow(_by_chance(seed=seed), _by_chance(seed=seed + 100))


def test_a_fifth_more_are_not() -> None:
    births = _steps(0)
    assert not _follow(births, np.sort(np.concatenate([_steps(400), births[::5] + 500])))


def test_steps_of_many_threads_at_once_are_told_by_thread() -> None:
    starts = np.arange(STEPS) * 100
    threads = (starts // 100 % 10).astype(np.uint32)
    late = starts + 950
    assert follows(starts, threads, late, threads)


def test_what_some_steps_have_at_the_same_place_is_among_them() -> None:
    assert among_steps(_steps(0), _without(_steps(4000), 0.5, 4))
    assert among_steps(_steps(0), _without(_steps(-4000), 0.5, 4))


@pytest.mark.parametrize("seed", range(20))
def test_what_comes_at_any_place_in_them_is_not(seed: int) -> None:
    assert not among_steps(_steps(0), _by_chance(100, seed))


def test_blocks_of_one_time_may_have_been_made_in_either_order() -> None:
    births = _steps(0) // 1000 * 1000
    other = births + np.where(np.arange(STEPS) % 3 == 0, 1000, 0)
    assert _follow(births, other)
    assert _follow(other, births)


def _whose(thread: int | None, process: int | None = 4) -> Owners:
    return Owners(process, 1.0, thread, 1.0, 1)


def _found(*kinds: tuple[I64, Owners]) -> list[set[int]]:
    births = np.concatenate([made for made, _ in kinds])
    order = np.argsort(births, kind="stable")
    kind = np.repeat(np.arange(len(kinds)), [len(made) for made, _ in kinds])[order]
    threads = np.array([who.thread or 8 for _, who in kinds], np.uint32)[kind]
    outstanding = replace(outstanding_at(births[order]), thread=threads)
    rows = [np.flatnonzero(kind == number) for number in range(len(kinds))]
    return sorted(map(set, in_step(rows, [who for _, who in kinds], outstanding)), key=min)


def test_kinds_in_step_of_one_thread_are_one() -> None:
    assert _found(*((_steps(at * 400, seed=at), _whose(8)) for at in range(5))) == [{0, 1, 2, 3, 4}]


def test_the_same_rate_on_another_thread_is_another_matter() -> None:
    assert _found((_steps(0), _whose(8)), (_steps(400), _whose(12))) == [{0}, {1}]


def test_another_rate_on_the_same_thread_is_another_matter() -> None:
    assert _found((_steps(0), _whose(8)), (_by_chance(130), _whose(8))) == [{0}, {1}]


def test_what_is_nobodys_stays_alone() -> None:
    assert _found((_steps(0), _whose(None, None)), (_steps(400), _whose(None, None))) == [{0}, {1}]


@pytest.mark.parametrize(("share", "among"), [(0.36, True), (0.39, False)])
def test_among_steps_their_places_differ_by_less_than_three_tenths_of_a_step(share: float, among: bool) -> None:
    """From the tenth to the ninetieth of a hundred, which is four fifths of all places."""
    places = np.linspace(0, share * PERIOD, STEPS // 2).astype(np.int64)
    assert among_steps(_even(0), _even(100)[::2] + places) is among


@pytest.mark.parametrize(("twice", "among"), [(10, True), (13, False)])
def test_among_steps_nine_of_ten_are_the_only_one_of_theirs(twice: int, among: bool) -> None:
    others = _even(100)[::2]
    assert among_steps(_even(0), np.sort(np.concatenate([others, others[10 : 10 + twice] + 50]))) is among


def test_the_sixty_four_largest_kinds_of_a_thread_are_compared() -> None:
    """All are in step. The smallest first: the others are as many each."""
    kinds = [_even(at * 10)[: STEPS - 10 * (at < 6)] for at in range(70)]
    assert _found(*((births, _whose(8)) for births in kinds)) == [{at} for at in range(6)] + [set(range(6, 70))]


@pytest.mark.parametrize(("count", "among"), [(110, True), (90, False)])
def test_half_of_the_steps_have_a_block_from_the_pool_where_lists_hand_out_the_others(count: int, among: bool) -> None:
    births = [_even(0), np.concatenate([[10], _by_chance(count - 2), [STEPS * PERIOD - 10]])]
    threads = np.concatenate([_of(8, births[0]), _of(12, births[1])])
    made = np.concatenate(births)
    order = np.argsort(made, kind="stable")
    outstanding = replace(outstanding_at(made[order]), thread=threads[order])
    rows = [np.flatnonzero(threads[order] == thread) for thread in (8, 12)]
    found = in_step(rows, [_whose(8), _whose(None)], outstanding, listed={1})
    assert sorted(map(sorted, found)) == ([[0, 1]] if among else [[0], [1]])


@pytest.mark.parametrize(("later", "in_step"), [(90, True), (110, False)])
def test_kinds_that_are_born_together_for_less_than_half_of_their_time_are_not_told_to_be_in_step(
    later: int, in_step: bool
) -> None:
    """Of 200 steps the other kind has the last ones, and as many after them."""
    assert _follow(_even(0), _even(400) + later * PERIOD) is in_step
