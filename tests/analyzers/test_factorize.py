"""What is counted in few distinct values is what counting them one by one gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import factorize
from analyzers.factorize import most_often

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 1, 5, 70_000, 0xFFFFFFFF])), max_size=40)


@pytest.mark.parametrize("dense", [0, 16, 1 << 20])
@given(pairs=PAIRS)
def test_what_a_group_has_most_often_is_the_least_of_those_that_it_has_so_often(
    pairs: list[tuple[int, int]], dense: int
) -> None:
    group, ids = np.array([each for each, _ in pairs], np.int64), np.array([each for _, each in pairs], np.uint32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factorize, "_DENSE", dense)
        most, count = most_often(group, ids)
    expected = []
    for number in sorted({each for each, _ in pairs}):
        counts = Counter(each for of, each in pairs if of == number)
        expected.append(min((-often, each) for each, often in counts.items()))
    assert list(zip((-count).tolist(), most.tolist(), strict=True)) == expected
