"""The index of buffers knows when each begins, packed or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracer.etl.small import small_trace
from tracer.etl import buffers
from tracer.etl.file import EtlFile

pytestmark = pytest.mark.unjitted


def first_times(folder: Path, *, compressed: bool) -> list[int]:
    path = folder / "t.etl"
    path.write_bytes(small_trace(compressed=compressed))
    with EtlFile.open(path) as source:
        times: list[int] = source.index.buffers["first_time"].tolist()
        return times


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_compressed_buffers_begin_when_plain_ones_do(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = first_times(tmp_path, compressed=False)
    monkeypatch.setattr(buffers, "_MOST_AT_ONCE", at_once)
    assert first_times(tmp_path, compressed=True) == plain
    assert len(set(plain)) > 2 * 3
