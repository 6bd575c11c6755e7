"""How much the length of a trace takes from a confidence."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.findings import Verdict
from analyzers.verdicts.confidence import confidence, is_likely
from analyzers.verdicts.lengths import held_weight, length_weight
from tests.analyzers.verdicts.judged import judged
from tests.analyzers.verdicts.lives import NEVER, Lives

SECOND = 1e9


def _growth(seconds: float, count: int = 300) -> Lives:
    made = np.linspace(0.001, 0.999, count) * seconds * SECOND
    return Lives(made, np.full(count, NEVER), seconds * SECOND)


def _leak(seconds: float, lifetime: float, share: float = 0.2) -> Lives:
    random = np.random.default_rng(3)
    made = np.linspace(0.001, 0.999, 3_000) * seconds * SECOND
    freed = np.where(random.random(3_000) < share, NEVER, made + lifetime * SECOND * random.uniform(0.5, 1.0, 3_000))
    return Lives(made, freed, seconds * SECOND)


def _surest(lives: Lives, verdict: Verdict) -> float:
    """The confidence where nothing but its length speaks against it."""
    found = judged(lives)
    assert found.verdict is verdict
    weight = length_weight(found, starting=False)
    return confidence(verdict, [weight], count=found.survivors.count, explained=0.0).value


@pytest.mark.parametrize(("seconds", "most"), [(0.05, 0.5), (0.5, 0.5), (2.0, 0.5), (3.0, 0.5)])
def test_growth_in_a_trace_of_seconds_is_no_likelier_than_a_start(seconds: float, most: float) -> None:
    assert _surest(_growth(seconds, 3_000), Verdict.GROWTH) <= most
    assert "has just started" in length_weight(judged(_growth(seconds)), starting=False).says


def test_growth_gets_surer_with_the_length_and_from_ten_minutes_on_that_is_no_doubt() -> None:
    sure = [_surest(_growth(seconds), Verdict.GROWTH) for seconds in (0.1, 1, 10, 60, 300, 600, 7_200)]
    assert sure == sorted(sure)
    assert sure[0] == sure[1] < 0.5 < sure[2]
    assert sure[-2] == sure[-1] > sure[-3] + 0.02
    assert not length_weight(judged(_growth(600)), starting=False).says


def test_a_leak_beside_freed_siblings_gets_surer_with_the_number_of_usual_lifetimes() -> None:
    sure = [_surest(_leak(600, 600 / times), Verdict.MISSING_FREE) for times in (8, 20, 100, 10_000)]
    assert sure == sorted(sure)
    assert sure[0] < 0.96
    assert sure[-1] > sure[0] + 0.02
    assert "times as long as others usually live" in length_weight(judged(_leak(600, 75)), starting=False).says
    assert not length_weight(judged(_leak(600, 0.06)), starting=False).says


def test_a_drain_of_a_usual_lifetime_leaves_a_twentieth_of_what_a_start_fills_up() -> None:
    found = judged(_leak(600, 75))
    usual = found.survivors.usual_ns
    assert "only" in length_weight(found, starting=False).says
    drained = [length_weight(found, starting=False, drained_ns=int(part * usual)).factor for part in (0, 0.2, 1, 2, 9)]
    assert drained == sorted(drained)
    assert drained[0] == length_weight(found, starting=False).factor
    assert drained[2] / drained[-1] == pytest.approx(0.95, abs=0.001)
    assert "only" not in length_weight(found, starting=False, drained_ns=usual).says


def test_after_n_usual_lifetimes_one_part_in_n_and_one_is_doubted() -> None:
    found = judged(_leak(600, 75))
    lifetimes = found.seen_ns / found.survivors.usual_ns
    assert length_weight(found, starting=False).factor == pytest.approx(lifetimes / (lifetimes + 1))


def test_in_a_long_trace_a_leak_keeps_its_confidence() -> None:
    assert _surest(_leak(60, 0.001), Verdict.MISSING_FREE) > 0.9


def test_in_fifty_milliseconds_a_second_sort_that_lives_longer_is_not_seen() -> None:
    found = judged(_leak(0.05, 0.00001))
    weight = length_weight(found, starting=False)
    assert 0.75 < weight.factor < 0.8
    assert "live longer may yet be freed" in weight.says


def test_few_freed_siblings_beside_many_that_stay_count_for_little() -> None:
    few, many = (_surest(_leak(2.0, 0.0005, share), Verdict.MISSING_FREE) for share in (0.98, 0.4))
    assert few < 0.9
    assert many > few + 0.05


def test_a_program_that_has_just_started_may_still_be_filling_up() -> None:
    found = judged(_growth(7_200))
    weight = length_weight(found, starting=True)
    assert weight.factor == 0.7
    assert "started" in weight.says


@pytest.mark.parametrize(("seconds", "likely"), [(3.0, False), (4.5, True)])
def test_growth_is_likely_where_the_trace_shows_more_than_three_seconds_of_it(seconds: float, likely: bool) -> None:
    assert is_likely(_surest(_growth(seconds), Verdict.GROWTH)) is likely


def test_a_leak_beside_freed_siblings_is_likely_in_the_shortest_trace_and_no_more() -> None:
    assert 0.6 < _surest(_leak(0.01, 0.000001), Verdict.MISSING_FREE) < 0.9


@pytest.mark.parametrize(("seconds", "factor"), [(0.001, 0.7), (0.01, 0.7), (0.1, 0.8), (1.0, 0.9), (60.0, 1.0)])
def test_who_takes_held_requests_may_come_when_the_trace_is_over(seconds: float, factor: float) -> None:
    weight = held_weight(Verdict.UNDRAINED_PORT, int(seconds * SECOND))
    assert weight.factor == pytest.approx(factor)
    assert ("may yet be released" in weight.says) is (factor < 0.97)


def test_of_what_nobody_knows_who_holds_it_growth_is_as_unsure_as_of_any_other() -> None:
    known, unknown = (held_weight(verdict, int(SECOND)) for verdict in (Verdict.PENDING_APC, Verdict.GROWTH))
    assert unknown.factor == pytest.approx(length_weight(judged(_growth(1.0)), starting=False).factor, abs=0.01)
    assert unknown.factor < known.factor


@pytest.mark.parametrize(("seconds", "says"), [(4.5, True), (5.5, False)])
def test_a_second_sort_is_not_worth_a_word_from_five_seconds_on(seconds: float, says: bool) -> None:
    weight = length_weight(judged(_leak(seconds, seconds / 10_000)), starting=False)
    assert bool(weight.says) is says
