"""Which outstanding allocations are older than their kind becomes."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.trends.bins import BINS, EDGES
from analyzers.trends.survivors import survivors


def lifetimes(numbers: dict[int, int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """So many freed within each bin."""
    result = np.zeros(BINS, np.int64)
    for place, count in numbers.items():
        result[place] = count
    return result


def old(count: int, age_ns: float = EDGES[40]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Outstanding ones of one age."""
    return np.full(count, int(age_ns), np.int64)


@pytest.mark.parametrize(("soon", "place"), [(95, 10), (94, 20)])
def test_the_usual_age_is_that_within_which_nineteen_of_twenty_are_freed(soon: int, place: int) -> None:
    found = survivors(lifetimes({10: soon, 20: 100 - soon}), old(0))
    assert found.usual_ns == EDGES[place + 1]


@pytest.mark.parametrize(("count", "place"), [(80, 10), (70, 20)])
def test_they_are_survivors_beyond_an_age_at_which_one_in_twenty_is_still_freed(count: int, place: int) -> None:
    """4 of the 84 that reached it, or 4 of 74."""
    found = survivors(lifetimes({10: 96, 20: 4}), old(count))
    assert found.age_ns == int(EDGES[place + 1] * 2)


@pytest.mark.parametrize(("times", "count"), [(2.2, 30), (1.8, 0)])
def test_they_are_older_than_twice_the_usual(times: float, count: int) -> None:
    assert survivors(lifetimes({10: 100}), old(30, EDGES[11] * times)).count == count
