"""What lowers a confidence, and by how much."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzers.findings import ACCUSATIONS, Verdict
from analyzers.policy import CALIBRATION
from analyzers.verdicts.confidence import Doubt, Weight, base, calibrated, confidence, for_count, is_likely, is_said


@pytest.mark.parametrize("doubt", Doubt)
def test_every_doubt_lowers_the_product_by_its_factor_and_says_why(doubt: Doubt) -> None:
    plain = confidence(Verdict.MISSING_FREE, [], count=100, explained=0.0)
    doubted = confidence(Verdict.MISSING_FREE, [doubt], count=100, explained=0.0)
    product = base(Verdict.MISSING_FREE) * for_count(100) * doubt.factor
    assert doubted.value == pytest.approx(calibrated(Verdict.MISSING_FREE, product), abs=0.001)
    assert doubted.value < plain.value or plain.value == CALIBRATION.most
    assert doubted.doubts == (doubt.says,)


@pytest.mark.parametrize("verdict", sorted(ACCUSATIONS))
def test_what_is_more_doubtful_is_never_surer(verdict: Verdict) -> None:
    values = [calibrated(verdict, product / 100) for product in range(1, 100)]
    assert values == sorted(values)
    assert 0 < values[0] < values[-1] <= CALIBRATION.most < 0.99
    assert values[30] < values[60] < values[90]


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


def test_where_lost_events_explain_half_of_it_nearly_half_of_the_product_is_gone() -> None:
    lossy = confidence(Verdict.MISSING_FREE, [], count=100, explained=50.0).value
    product = base(Verdict.MISSING_FREE) * for_count(100) * 0.55
    assert lossy == pytest.approx(calibrated(Verdict.MISSING_FREE, product), abs=0.001)


def test_more_allocations_make_it_surer() -> None:
    counts = (8, 12, 50, 1_000)
    values = [for_count(count) for count in counts]
    assert values == sorted(values)
    assert values[0] < 0.85
    assert values[-1] > 0.99


@pytest.mark.parametrize("verdict", sorted(ACCUSATIONS))
def test_where_lost_events_explain_more_than_half_of_it_it_is_said_up_to_one_half(verdict: Verdict) -> None:
    found = confidence(verdict, [], count=1_000, explained=501.0).value
    assert found == (0.42 if verdict is Verdict.GROWTH else 0.5)
    sure = confidence(Verdict.MISSING_FREE, [], count=100, explained=90.0)
    assert sure.value < 0.5
    assert "may explain up to 90 of the 100" in sure.doubts[0]


EXPLAINS = {Doubt.SENDS, Doubt.RUNNING, Doubt.ONE_LOST, Doubt.MAY_REST}
"""Doubts that say why it need be no leak of the accused at all."""


@pytest.mark.parametrize("doubt", Doubt)
def test_growth_of_fifty_blocks_is_likely_beside_any_one_doubt_but_those_that_explain_it(doubt: Doubt) -> None:
    """Where others of the kind are freed it is beside each, but for what looks the same: a loss, lookaside lists."""
    grows = confidence(Verdict.GROWTH, [doubt], count=50, explained=0.0).value
    missing = confidence(Verdict.MISSING_FREE, [doubt], count=50, explained=0.0).value
    assert is_likely(missing) is (doubt not in {Doubt.ONE_LOST, Doubt.MAY_REST})
    assert is_likely(grows) is (doubt not in EXPLAINS)


def test_what_is_hardly_ever_right_is_not_said() -> None:
    assert is_said(0.2)
    assert not is_said(0.199)
    doubts: list[Doubt | Weight] = [Weight(0.01, "")]
    assert not is_said(confidence(Verdict.MISSING_FREE, doubts, count=12, explained=0.0).value)
