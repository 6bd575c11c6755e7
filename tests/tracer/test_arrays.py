"""Different values of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tracer import arrays
from tracer.arrays import unique


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
