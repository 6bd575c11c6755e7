"""A second thread unpacks compressed buffers, where there are enough of them."""

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


@pytest.mark.parametrize(("from_bytes", "compressed", "helpers"), [(0, True, 1), (1 << 20, True, 0), (0, False, 0)])
def test_it_is_there_for_many_compressed_bytes_and_changes_nothing(
    from_bytes: int, compressed: bool, helpers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.etl"
    path.write_bytes(small_trace(compressed=compressed, events=400))
    alone = read(path, threads=1)
    made: list[ThreadPoolExecutor] = []
    make = reading._helper

    def helper() -> ThreadPoolExecutor:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(reading, "_helper", helper)
    monkeypatch.setattr(reading, "_HELPED_BYTES", from_bytes)
    both = read(path, threads=2)
    assert len(made) == helpers
    assert said(both) == said(alone)
    assert both.damage == alone.damage
