"""How many survivors lost events explain: with half as many again as the session tells, and with chance."""

from __future__ import annotations

import pytest

from analyzers.loss_model import LossRate


def test_a_tenth_of_the_events_explains_up_to_a_fifth_of_the_survivors() -> None:
    """150 of 1,000 at the largest rate, and four standard deviations of that."""
    assert LossRate(0.1).explained(1_000) == pytest.approx(199.2, abs=0.1)
    assert LossRate(0.0).explained(1_000) == 0


@pytest.mark.parametrize(("groups", "explained"), [(2, 199.2), (3, 158.1)])
def test_what_three_other_groups_keep_is_the_rate_of_pool_events(groups: int, explained: float) -> None:
    assert LossRate(0.1, (0.1,) * groups).explained(1_000) == pytest.approx(explained, abs=0.1)


def test_beyond_two_standard_deviations_a_loss_is_not_the_likely_explanation() -> None:
    """150 frees and as many allocations: their difference varies by the root of 300."""
    assert LossRate(0.1).hardly(1_000, 1_000, 0) == pytest.approx(184.7, abs=0.1)
    assert LossRate(0.1).hardly(1_000, 1_000, 50) == pytest.approx(134.7, abs=0.1)
