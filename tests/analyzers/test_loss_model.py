"""How many survivors lost events explain: with half as many again as the session tells, and with chance."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from analyzers.loss_model import LossRate, Share, replaced_share, share_of, without_sign
from analyzers.pool_tables import PoolSnapshot


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


@pytest.mark.parametrize(("replaced", "possible"), [(0, 136.6), (100, 36.6), (200, 0.0)])
def test_of_frees_alone_as_many_may_be_lost_and_those_that_show_left_no_survivor(
    replaced: int, possible: float
) -> None:
    """A little more than a tenth of 1,000, and two standard deviations of that."""
    assert LossRate(0.1).possible(1_000, replaced) == pytest.approx(possible, abs=0.1)
    assert LossRate(0.0).possible(1_000, replaced) == 0


def test_a_share_lies_in_its_interval_which_is_wider_where_events_are_lost_in_a_row() -> None:
    single, runs = (share_of(20, 200, 2.0, in_a_row) for in_a_row in (1, 10))
    assert runs.low < single.low < single.likely == 0.1 < single.high < runs.high
    assert share_of(0, 0, 2.0, 1) == Share(0.0, 0.0, 1.0)
    assert share_of(0, 400, 2.0, 1).high == pytest.approx(4 / 404, abs=0.001)


def _pool(**counts: float) -> PoolSnapshot:
    """Counters of a pool; ``again``: addresses handed out again after their free."""
    whole = {"matched": 0, "replaced": 0, "kept": 0, "again": 0} | counts
    made = whole["matched"] + whole["replaced"] + whole["kept"]
    signs = SimpleNamespace(in_session=0, addresses=made - whole["replaced"] - whole["again"])
    totals = SimpleNamespace(
        allocations=made, frees=whole["matched"], matched=whole["matched"], outstanding_count=whole["kept"],
        replaced_without_free=whole["replaced"],
    )  # fmt: skip
    return cast(PoolSnapshot, SimpleNamespace(totals=totals, signs=signs))


@pytest.mark.parametrize(("again", "share"), [(99, 0.01), (100, 0.091), (900, 0.011)])
def test_where_many_addresses_are_handed_out_again_these_tell_the_share_of_lost_frees(again: int, share: float) -> None:
    assert replaced_share(_pool(matched=990, replaced=10, again=again)) == pytest.approx(share, abs=0.001)


@pytest.mark.parametrize(
    ("allocations", "counts", "explained"),
    [
        (400, {"matched": 450, "kept": 1}, 8),  # a hundredth at most
        (400, {"matched": 450, "kept": 1, "again": 5_000}, 1),  # five thousand addresses without a sign
        (400, {"matched": 9_000, "kept": 1}, 1),  # hardly a survivor anywhere
        (1, {"matched": 450, "kept": 1}, 0),
    ],
)
def test_so_many_of_an_unloaded_drivers_blocks_a_loss_without_any_sign_explains(
    allocations: int, counts: dict[str, float], explained: int
) -> None:
    assert without_sign(_pool(**counts), allocations, 1) == explained
