"""At which numbers frees without allocations become a drain, and what was freed in it late frees."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from analyzers.drain import allocations_left_out, was_freed_late
from analyzers.pool_tables import PoolSnapshot
from analyzers.trends.bins import BINS
from analyzers.trends.history import STEPS, SiteHistory

STEP = 1 << 20


def pool(
    tail: int, *, load: int = 40, tags: int = 6, each: int = 4, frees: int = 60, pause: int = 0, busy: int = 64
) -> tuple[PoolSnapshot, int]:
    """So many tags of which ``each`` are allocated in every step of a load, but for a ``pause`` in its middle.

    Then ``frees`` are spread over a ``tail`` of steps, over ``busy`` of them at most. And the time of the last
    allocation.
    """
    made, freed = np.zeros((tags, STEPS), np.int32), np.zeros((tags, STEPS), np.int32)
    made[:, :load] = each
    made[:, load // 2 : load // 2 + pause] = 0
    np.add.at(freed[0], load + np.arange(frees) % min(tail, busy), 1)
    wide = np.zeros((tags, STEPS), np.int64)
    history = SiteHistory(
        made,
        freed,
        wide,
        freed,
        wide,
        np.zeros((tags, BINS), np.int32),
        STEP,
        load + tail,
        np.zeros((tags, STEPS), np.int32),
    )
    rows = np.arange(tags)
    made_up = SimpleNamespace(history=history, tags=SimpleNamespace(tag=rows), sites=SimpleNamespace(tag_row=rows))
    return cast(PoolSnapshot, made_up), load * STEP - 1


@pytest.mark.parametrize(
    ("enough", "too_few"),
    [
        ({"tail": 3}, {"tail": 2}),
        ({"tail": 10, "busy": 3}, {"tail": 10, "busy": 2}),
        ({"tail": 10, "frees": 20}, {"tail": 10, "frees": 19}),
        ({"tail": 10, "tags": 5}, {"tail": 10, "tags": 4}),
        ({"tail": 5, "each": 1}, {"tail": 4, "each": 1}),
        ({"tail": 11, "pause": 5}, {"tail": 10, "pause": 5}),
    ],
)
def test_it_takes_time_frees_and_allocations_that_were_due(enough: dict[str, int], too_few: dict[str, int]) -> None:
    assert allocations_left_out(*pool(**enough))
    assert not allocations_left_out(*pool(**too_few))


def test_where_every_allocation_failed_none_was_due() -> None:
    found, last_ns = pool(10)
    found.history.allocations[:] = 0
    assert not allocations_left_out(found, last_ns)


def test_tags_whose_load_has_ended_before_are_not_due() -> None:
    found, last_ns = pool(10)
    assert allocations_left_out(found, last_ns)
    found.history.allocations[2:, 36:] = 0
    assert not allocations_left_out(found, last_ns)


@pytest.mark.parametrize(
    ("before", "drained", "late"), [(66, 60, True), (67, 60, False), (40, 50, True), (40, 49, False)]
)
def test_late_frees_are_of_what_grew_by_a_third_and_half_of_it(before: int, drained: int, late: bool) -> None:
    made = np.array([before, 100 - before])
    assert was_freed_late(made, np.zeros(2, np.int64), drained) is late


@pytest.mark.parametrize(("count", "late"), [(24, True), (22, False)])
def test_few_blocks_are_no_growth(count: int, late: bool) -> None:
    assert was_freed_late(np.array([count // 2, count // 2]), np.zeros(2, np.int64), count) is late
