"""Groups by chance, many of each kind: leaks are accused, and what only looks like one never is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzers.findings import Verdict
from analyzers.loss_model import LossRate
from analyzers.verdicts.birth_pattern import BirthPattern, Span
from analyzers.verdicts.confidence import confidence
from analyzers.verdicts.groups import Group
from analyzers.verdicts.judgement import judge_all
from tests.analyzers.verdicts.judged import NO_LIFETIMES, group_of, is_accused, judged, outstanding_at
from tests.analyzers.verdicts.lives import CLEAN, LEAKS, NEVER, Lives, Story, pure_growth

SEEDS = 60


@pytest.mark.parametrize("story", CLEAN, ids=lambda story: story.__name__)
def test_what_only_looks_like_a_leak_is_never_accused(story: Story) -> None:
    accused = [seed for seed in range(SEEDS) if is_accused(story(np.random.default_rng(seed)))]
    assert accused == []


@pytest.mark.parametrize("story", LEAKS, ids=lambda story: story.__name__)
def test_a_leak_beside_freed_siblings_is_a_missing_free(story: Story) -> None:
    right = sum(judged(story(np.random.default_rng(seed))).verdict is Verdict.MISSING_FREE for seed in range(SEEDS))
    assert right >= 0.9 * SEEDS


def test_what_grows_to_the_end_and_is_never_freed_is_growth() -> None:
    found = [judged(pure_growth(np.random.default_rng(seed))).verdict for seed in range(SEEDS)]
    assert set(found) == {Verdict.GROWTH}


def test_growth_without_frees_is_not_accused_where_the_file_overwrote_its_beginning() -> None:
    lives = pure_growth(np.random.default_rng(1))
    group = group_of(lives)
    later = replace(group, history=replace(group.history, start_ns=group.history.step_ns))
    span = Span(group.history.step_ns, int(lives.length) + group.history.step_ns)
    births = lives.births() + group.history.step_ns
    [found] = judge_all([later], outstanding_at(births), span, 0.0)
    assert found.verdict is Verdict.UNKNOWN
    assert "overwrote its beginning" in found.why


def _error_path(length: float = 1e9) -> Lives:
    made = np.linspace(0.02, 0.98, 40) * length
    return Lives(made, np.full(40, NEVER), length)


def _siblings_at_another_place() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    lifetimes = NO_LIFETIMES.copy()
    lifetimes[3:6] = 200
    return lifetimes


def test_an_error_path_that_never_frees_is_judged_by_its_drivers_other_places() -> None:
    lives = _error_path()
    group = group_of(lives, siblings=_siblings_at_another_place())
    [found] = judge_all([group], outstanding_at(lives.births()), Span(0, int(lives.length)), 0.0)
    assert found.verdict is Verdict.MISSING_FREE
    assert found.survivors.freed == 600


def test_seven_allocations_are_too_few_to_accuse() -> None:
    made = np.linspace(0.1, 0.9, 7) * 1e9
    found = judged(Lives(made, np.full(7, NEVER), 1e9))
    assert found.verdict is Verdict.UNKNOWN
    assert "too few" in found.why


def test_a_program_that_ended_before_the_trace_is_still_accused() -> None:
    random = np.random.default_rng(5)
    made = np.sort(random.uniform(0, 0.75e9, 600))
    freed = np.where(random.uniform(0, 1, 600) < 0.2, NEVER, made + 1e5)
    found = judged(Lives(made, freed, 1e9))
    assert (found.verdict, found.birth_pattern) == (Verdict.MISSING_FREE, BirthPattern.ENDED)


def test_survivors_that_lost_frees_explain_are_not_accused() -> None:
    random = np.random.default_rng(6)
    made = np.sort(random.uniform(0, 1e9, 4000))
    freed = np.where(random.uniform(0, 1, 4000) < 0.05, NEVER, made + 1e5)
    lives = Lives(made, freed, 1e9)
    assert judged(lives).verdict is Verdict.MISSING_FREE
    cleared = judged(lives, reported=0.05)
    assert cleared.verdict is Verdict.UNKNOWN
    assert "lost events explain" in cleared.why


def test_a_leak_stands_out_from_what_lost_frees_leave_everywhere() -> None:
    random = np.random.default_rng(7)
    groups, births = [], []
    for share in (0.10, 0.11, 0.10, 0.12, 0.35):
        made = np.sort(random.uniform(0, 1e9, 1000))
        lives = Lives(made, np.where(random.uniform(0, 1, 1000) < share, NEVER, made + 1e5), 1e9)
        groups.append(group_of(lives))
        births.append(lives.births())
    starts = np.cumsum([0, *map(len, births)])
    shifted = [_at(group, int(start)) for group, start in zip(groups, starts[:-1], strict=True)]
    found = judge_all(shifted, outstanding_at(np.concatenate(births)), Span(0, 1_000_000_000), 0.2)
    assert [each.verdict for each in found] == [Verdict.UNKNOWN] * 4 + [Verdict.MISSING_FREE]


def _at(group: Group, start: int) -> Group:
    return replace(group, rows=group.rows + start)


def _with_losses(forgotten: int, lost: int) -> Lives:
    """Of 4,000 allocations every so many are kept; the lost frees of others were all replaced."""
    made = np.linspace(0, 0.999e9, 4000)
    freed = made + 1e5
    freed[:: 4000 // forgotten] = NEVER
    freed[1 :: 4000 // lost] += 1e5
    return Lives(made, freed, 1e9)


@pytest.mark.parametrize(("forgotten", "verdict"), [(40, Verdict.MISSING_FREE), (20, Verdict.UNKNOWN)])
def test_what_the_loss_may_but_hardly_does_explain_is_accused_with_little_confidence(
    forgotten: int, verdict: Verdict
) -> None:
    lives = _with_losses(forgotten, 50)
    group = group_of(lives, unmatched=50.0, replaced=50)
    [found] = judge_all([group], outstanding_at(lives.births()), Span(0, int(lives.length)), 0.02)
    assert found.verdict is verdict
    if verdict is Verdict.MISSING_FREE:
        assert found.explained == found.survivors.count
        assert confidence(verdict, [], count=found.survivors.count, explained=found.explained).value < 0.5


def test_what_was_replaced_is_no_survivor_that_the_loss_left() -> None:
    rate = LossRate(0.02)
    assert rate.hardly(4000, 50.0, 30) == rate.hardly(4000, 50.0, 0) - 30
    assert rate.hardly(4000, 50.0, 0) < rate.explained(4000, 50.0)


def _long_lived(random: np.random.Generator) -> tuple[Lives, list[float]]:
    """Nine of ten live shortly, one lives for hours; as many of these, from before the trace, are freed all along."""
    length = 1e11
    made = np.sort(random.uniform(0, length, 1_000))
    freed = made + random.exponential(length / 1_000, 1_000)
    freed[random.random(1_000) < 0.1] = NEVER
    return Lives(made, freed, length), (random.uniform(0, 1, 100) * length).tolist()


def test_what_lives_longer_than_the_trace_is_no_leak_where_as_many_older_ones_are_freed() -> None:
    stories = [_long_lived(np.random.default_rng(seed)) for seed in range(SEEDS)]
    cleared = {judged(lives, older=older).verdict for lives, older in stories}
    assert cleared == {Verdict.TRANSIENT}
    assert {judged(lives).verdict for lives, _ in stories} == {Verdict.MISSING_FREE}


def test_a_full_cache_that_gives_up_one_older_than_the_trace_for_each_new_one_does_not_grow() -> None:
    made = np.linspace(0.01, 0.99, 80) * 1e9
    lives = Lives(made, np.full(80, NEVER), 1e9)
    assert judged(lives).verdict is Verdict.GROWTH
    assert judged(lives, older=made.tolist()).verdict is Verdict.TRANSIENT


def test_older_blocks_that_go_soon_after_the_start_do_not_clear_a_leak() -> None:
    lives, _ = _long_lived(np.random.default_rng(1))
    soon = np.linspace(0, 0.002, 100) * lives.length
    assert judged(lives, older=soon.tolist()).verdict is Verdict.MISSING_FREE


def test_frees_whose_allocation_was_lost_do_not_clear_a_leak() -> None:
    lives, older = _long_lived(np.random.default_rng(1))
    assert judged(lives, older=older[:66]).verdict is Verdict.TRANSIENT
    assert judged(lives, older=older[:66], reported=0.02).verdict is Verdict.MISSING_FREE


def _free_list(random: np.random.Generator) -> Lives:
    """Blocks that are used again, and made only when all are in use: ever more rarely, as 1/time."""
    count = int(random.integers(60, 400))
    made = np.sort(1e9 * 50 ** (random.random(count) - 1))
    return Lives(made, np.full(count, NEVER), 1e9)


def test_what_grows_ever_more_slowly_is_a_cache() -> None:
    stories = [_free_list(np.random.default_rng(seed)) for seed in range(SEEDS)]
    assert sum(judged(lives).verdict is Verdict.CACHE for lives in stories) >= 0.95 * SEEDS


def test_a_start_with_much_after_which_it_goes_on_evenly_is_growth() -> None:
    made = np.sort(np.concatenate([np.linspace(0.005, 0.02, 80), np.linspace(0.03, 0.99, 120)]) * 1e9)
    assert judged(Lives(made, np.full(200, NEVER), 1e9)).verdict is Verdict.GROWTH


@pytest.mark.parametrize(("count", "verdict"), [(15, Verdict.UNKNOWN), (16, Verdict.GROWTH)])
def test_it_takes_sixteen_to_tell_growth_where_none_is_freed(count: int, verdict: Verdict) -> None:
    made = np.linspace(0.02, 0.98, count) * 1e9
    assert judged(Lives(made, np.full(count, NEVER), 1e9)).verdict is verdict


def test_a_leak_by_many_ways_is_seen_where_no_way_shows_enough_of_it() -> None:
    """Five places in a driver's code, of each of which eight are left; rows of the outstanding table by turns."""
    made = np.linspace(0.02, 0.9, 40) * 1e9
    places = []
    for place in range(5):
        kept, short = made[place::5], np.linspace(0.01, 0.99, 20) * 1e9
        lives = Lives(np.concatenate([kept, short]), np.concatenate([np.full(8, NEVER), short + 1e5]), 1e9)
        places.append(replace(group_of(lives), rows=np.arange(place, 40, 5)))
    [found] = judge_all(places, outstanding_at(made.astype(np.int64)), Span(0, 10**9), 0.0)
    assert (found.verdict, found.survivors.count, len(found.group.sites)) == (Verdict.MISSING_FREE, 40, 5)
    others = [replace(each, driver=f"{number}.sys") for number, each in enumerate(places)]
    alone = judge_all(others, outstanding_at(made.astype(np.int64)), Span(0, 10**9), 0.0)
    assert {each.verdict for each in alone} == {Verdict.TRANSIENT}


def test_where_hardly_any_is_freed_older_ones_count_from_the_age_of_survivors_on() -> None:
    """A few are freed, at all ages up to nearly the trace's length; many more older ones are, all along."""
    random = np.random.default_rng(5)
    made = np.sort(random.uniform(0, 1e9, 800))
    freed = np.where(random.random(800) < 0.06, made + random.uniform(0, 1.0, 800) * 1e9, NEVER)
    lives, older = Lives(made, freed, 1e9), (random.uniform(0, 1, 800) * 1e9).tolist()
    assert judged(lives).verdict is Verdict.MISSING_FREE
    assert judged(lives, older=older).verdict is Verdict.TRANSIENT


@pytest.mark.parametrize(("older", "verdict"), [(44, Verdict.TRANSIENT), (36, Verdict.GROWTH)])
def test_older_ones_clear_a_group_where_they_are_half_as_many_as_stay(older: int, verdict: Verdict) -> None:
    made = np.linspace(0.01, 0.99, 80) * 1e9
    lives = Lives(made, np.full(80, NEVER), 1e9)
    assert judged(lives, older=np.linspace(0.01e9, 0.99e9, older).tolist()).verdict is verdict


@pytest.mark.parametrize(("freed", "all_stay"), [(27, True), (21, False)])
def test_young_ones_go_with_the_others_where_none_of_the_newest_two_dozen_survivors_was_followed_by_a_free(
    freed: int, all_stay: bool
) -> None:
    """One stays of each step of the history. Some of the first steps are freed, and one that was made beside the
    so-many newest survivor."""
    step, steps = 1 << 20, 60
    stays = (np.arange(steps) + 0.5) * step
    short = np.repeat(stays[:10] + 10, 2)
    lives = Lives(
        np.concatenate([stays, short, [0.0]]),
        np.concatenate([np.full(steps, NEVER), short + 4 * step, [4 * step]]),
        steps * step,
    )
    survivors = judged(lives).survivors.count
    assert 0 < survivors < steps
    lives.made[-1] = stays[survivors - freed] + 10
    lives.freed[-1] = lives.made[-1] + 4 * step
    found = judged(lives)
    assert found.survivors.count == survivors
    assert (found.young, found.undecided) == ((steps - survivors, 0) if all_stay else (0, steps - survivors))


@pytest.mark.parametrize(("count", "verdict"), [(48, Verdict.TRANSIENT), (56, Verdict.MISSING_FREE)])
def test_where_the_others_live_for_a_third_of_the_trace_two_dozen_old_ones_tell_a_leak(
    count: int, verdict: Verdict
) -> None:
    """Of 48 that stay 22 are so old that no other will be freed, of 56 there are 26."""
    made, others = np.linspace(0.001, 0.999, count) * 1e9, np.linspace(0, 0.999, 200) * 1e9
    freed = np.concatenate([np.full(count, NEVER), others + 0.33e9])
    assert judged(Lives(np.concatenate([made, others]), freed, 1e9)).verdict is verdict


@pytest.mark.parametrize(("freed", "verdict"), [(9, Verdict.GROWTH), (11, Verdict.MISSING_FREE)])
def test_that_such_allocations_are_freed_is_said_from_ten_of_them_on(freed: int, verdict: Verdict) -> None:
    kept, others = np.linspace(0.02, 0.98, 40) * 1e9, np.linspace(0.1, 0.9, freed) * 1e9
    lives = Lives(np.concatenate([kept, others]), np.concatenate([np.full(40, NEVER), others + 1e5]), 1e9)
    assert judged(lives).verdict is verdict


@pytest.mark.parametrize(("allocations", "verdict"), [(48, Verdict.UNKNOWN), (52, Verdict.MISSING_FREE)])
def test_what_others_keep_tells_how_much_was_lost_where_they_made_fifty(allocations: int, verdict: Verdict) -> None:
    """A tenth of theirs stays, and 33 % of the leak's; by the session's own count a loss might leave that too."""
    groups: list[Group] = []
    births: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for count, share in ((1_000, 0.33), *[(allocations, 0.1)] * 4):
        made = np.linspace(0, 0.999e9, count)
        lives = Lives(made, np.where(np.arange(count) * share % 1 < share, NEVER, made + 1e5), 1e9)
        groups.append(_at(group_of(lives), sum(len(each) for each in births)))
        births.append(lives.births())
    found = judge_all(groups, outstanding_at(np.concatenate(births)), Span(0, 1_000_000_000), 0.2)
    assert found[0].verdict is verdict
