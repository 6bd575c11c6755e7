"""Other threads unpack compressed buffers, where there are enough of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.tracer.etl.small import small_trace
from tests.tracer.traces import Everything, read
from tracer.etl import reading


def said(found: Everything) -> dict[str, dict[str, list[Any]]]:
    return {kind: {name: column.tolist() for name, column in table.items()} for kind, table in found.tables.items()}


@pytest.mark.parametrize("threads", [2, 3, 8, 20])
@pytest.mark.parametrize(("from_bytes", "compressed", "helped"), [(0, True, 1), (1 << 20, True, 0), (0, False, 0)])
def test_they_are_there_for_many_compressed_bytes_and_change_nothing(
    from_bytes: int, compressed: bool, helped: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(small_trace(compressed=compressed, events=400))
    alone = read(path, threads=1)
    made: list[int] = []
    make = reading._pool

    def pool(helpers: int) -> ThreadPoolExecutor:
        made.append(helpers)
        return make(helpers)

    monkeypatch.setattr(reading, "_pool", pool)
    monkeypatch.setattr(reading, "_HELPED_BYTES", from_bytes)
    together = read(path, threads=threads)
    assert made == [min(threads - 1, 7)] * helped
    assert said(together) == said(alone)
    assert together.damage == alone.damage
