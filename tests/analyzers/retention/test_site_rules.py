"""When the allocations of a site are a part of requests or sockets: as many at each, and rare elsewhere."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from analyzers.pool_tables import SiteTable
from analyzers.retention.site_rules import Tally, lifted


def tally(*numbers: int) -> Tally:
    """One site with so many candidates at each owner."""
    owner = np.repeat(np.arange(len(numbers)), numbers).astype(np.int32)
    return Tally.of(np.zeros(len(owner), np.int32), owner, 1)


@pytest.mark.parametrize(
    ("numbers", "regular"),
    [([1] * 9 + [2], True), ([1] * 8 + [2] * 2, False), ([4] * 10, True), ([5] * 10, False)],
)
def test_a_part_is_the_same_small_number_at_nine_of_ten_owners(numbers: list[int], regular: bool) -> None:
    assert tally(*numbers).regular().tolist() == [regular]


@pytest.mark.parametrize(("claimed", "covers"), [(11, True), (12, False)])
def test_candidates_are_nine_tenths_of_all_that_is_there(claimed: int, covers: bool) -> None:
    assert tally(*[1] * 10).covers(np.array([claimed])).tolist() == [covers]


@pytest.mark.parametrize(
    ("outstanding", "share", "is_lifted"),
    [(44, 0.9, True), (46, 0.9, False), (10, 0.81, True), (10, 0.79, False)],
)
def test_such_an_allocation_is_outstanding_half_as_often_elsewhere(
    outstanding: int, share: float, is_lifted: bool
) -> None:
    sites = cast(SiteTable, SimpleNamespace(outstanding_count=np.array([outstanding]), allocations=np.array([100])))
    assert lifted(sites, np.array([share])).tolist() == [is_lifted]
