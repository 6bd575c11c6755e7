"""What lowers a confidence, and by how much."""

from __future__ import annotations

import pytest

from analyzers.findings import ACCUSATIONS, Verdict
from analyzers.verdicts.confidence import Doubt, confidence, for_count


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
