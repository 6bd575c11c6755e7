"""Different values of an array, and which are among a few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tracer import arrays
from tracer.arrays import is_among, unique


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.uint8, np.float64, np.bool_])
@pytest.mark.parametrize("length", [0, 1, 2, 700, 1 << 17])
def test_it_gives_what_numpy_gives(dtype: Any, length: int) -> None:
    values = np.random.default_rng(length).integers(0, 300, length).astype(dtype)
    given = values.copy()
    found = unique(values)
    assert (found == np.unique(values)).all()
    assert found.dtype == values.dtype
    assert (values == given).all()


def test_many_values_are_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_MANY", 2)
    asked: list[int] = []
    monkeypatch.setattr(np, "unique", lambda values: asked.append(len(values)))
    unique(np.arange(3))
    unique(np.arange(2))
    assert asked == [3]


@pytest.mark.parametrize("few", [[], [7], [3, 1, 3, 299], [2**32 - 1, 0]])
def test_those_that_are_among_a_few_are_as_numpy_says(few: list[int]) -> None:
    values = np.append(np.arange(300, dtype=np.uint32), np.uint32(2**32 - 1))
    for each in (values, values[::-1], values[:0]):
        assert (is_among(each, few) == np.isin(each, few)).all()
        assert is_among(each, few).dtype == np.bool_
