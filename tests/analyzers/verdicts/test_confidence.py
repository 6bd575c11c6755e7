"""What lowers a confidence, and by how much."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzers.findings import ACCUSATIONS, Verdict
from analyzers.verdicts.confidence import Doubt, Weight, base, confidence, for_count, is_likely, is_said


@pytest.mark.parametrize("doubt", Doubt)
def test_every_doubt_lowers_the_confidence_and_says_why(doubt: Doubt) -> None:
    plain = confidence(Verdict.MISSING_FREE, [], count=100, explained=0.0)
    doubted = confidence(Verdict.MISSING_FREE, [doubt], count=100, explained=0.0)
    assert doubted.value == pytest.approx(plain.value * doubt.factor, abs=0.001)
    assert doubted.value < plain.value
    assert doubted.doubts == (doubt.says,)


@pytest.mark.parametrize("verdict", sorted(ACCUSATIONS))
def test_nothing_is_ever_certain(verdict: Verdict) -> None:
    assert 0.5 < confidence(verdict, [], count=1_000_000, explained=0.0).value < 1.0


def test_a_verdict_starts_at_the_confidence_that_the_documentation_tells() -> None:
    text = (Path(__file__).parents[3] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"It starts at (.*?), is\s", text, re.DOTALL)
    told = {
        verdict: float(value)
        for value, verdicts in re.findall(r"([0-9.]+) \(([^)]*)\)", sentence)
        for verdict in re.findall(r"`([a-z-]+)`", verdicts)
    }
    assert told == {str(verdict): base(verdict) for verdict in ACCUSATIONS}


def test_small_numbers_may_be_chance() -> None:
    assert [round(for_count(count), 2) for count in (1, 8, 50)] == [0.66, 0.83, 0.96]


def test_where_lost_events_explain_half_of_it_a_third_of_the_confidence_is_gone() -> None:
    sure, lossy = (confidence(Verdict.MISSING_FREE, [], count=100, explained=lost).value for lost in (0.0, 50.0))
    assert lossy / sure == pytest.approx(0.65, abs=0.01)


def test_more_allocations_make_it_surer() -> None:
    counts = (8, 12, 50, 1_000)
    values = [for_count(count) for count in counts]
    assert values == sorted(values)
    assert values[0] < 0.85
    assert values[-1] > 0.99


def test_where_lost_events_explain_most_of_it_the_confidence_is_below_a_half() -> None:
    sure = confidence(Verdict.MISSING_FREE, [], count=100, explained=90.0)
    assert sure.value < 0.5
    assert "may explain up to 90 of the 100" in sure.doubts[0]


EXPLAINS = {Doubt.SENDS, Doubt.RUNNING, Doubt.ONE_LOST}
"""Doubts that say why it need be no leak of the accused at all."""


@pytest.mark.parametrize("doubt", Doubt)
def test_growth_of_fifty_blocks_is_likely_beside_any_one_doubt_but_those_that_explain_it(doubt: Doubt) -> None:
    """Where others of the kind are freed it is beside each, but for a loss that looks the same."""
    grows = confidence(Verdict.GROWTH, [doubt], count=50, explained=0.0).value
    missing = confidence(Verdict.MISSING_FREE, [doubt], count=50, explained=0.0).value
    assert is_likely(missing) is (doubt is not Doubt.ONE_LOST)
    assert is_likely(grows) is (doubt not in EXPLAINS)


def test_growth_of_twelve_blocks_in_the_shortest_trace_is_said_beside_two_doubts_and_not_beside_three() -> None:
    short = Weight(0.45, "")
    doubts: list[Doubt | Weight] = [short, Doubt.NO_STACKS, Doubt.WRAPPED]
    assert is_said(confidence(Verdict.GROWTH, doubts, count=12, explained=0.0).value)
    assert not is_said(confidence(Verdict.GROWTH, [*doubts, Doubt.NO_DRIVER], count=12, explained=0.0).value)
