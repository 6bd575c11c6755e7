"""How many held requests it takes to accuse anybody: a few may be on their way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzers.findings import Why
from analyzers.holders.held_groups import held_groups
from analyzers.verdicts.held_requests import believable
from tests.analyzers.holders.made import loop


@pytest.mark.parametrize(
    ("why", "steady", "fewest"),
    [(Why.USER_APC, True, 8), (Why.USER_APC, False, 48), (Why.DRIVER_KEPT, True, 4)],
)
def test_it_takes_more_user_apcs_and_most_where_they_came_at_once(why: Why, steady: bool, fewest: int) -> None:
    (group,) = held_groups(loop(60).holding(), lambda _: "")
    for count in (fewest, fewest - 1):
        held = replace(group, why=why, steady=steady, rows=group.rows[:count])
        assert believable(held, 0.0) is (count == fewest)
