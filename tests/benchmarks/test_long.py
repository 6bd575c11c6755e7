"""What the section about a long trace says of its measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.generate import Expected
from benchmarks.pipeline import Effort
from benchmarks.plan import QUICK
from benchmarks.sections import long
from benchmarks.traces import Traces

PLAN = replace(QUICK.sized(1 << 20), long=2 << 20)


@pytest.mark.parametrize(("share", "peak", "kept"), [(0.87, 1, (True, True)), (0.83, 1 << 40, (False, False))])
def test_a_long_trace_takes_as_much_for_a_record_as_a_short_one_and_no_more_memory(
    share: float, peak: int, kept: tuple[bool, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Path] = []

    def apart(_function: object, path: Path, _warm_up: Path, expected: Expected) -> Effort:
        assert path.exists()
        measured.append(path)
        is_long = expected.bytes > 3 << 19
        cpu = expected.records / 1e6 / (share if is_long else 1.0)
        return Effort(cpu, peak if is_long else 1, pinned=not is_long)

    monkeypatch.setattr(long, "apart", apart)
    memory, rate = long.rows(PLAN, Traces(tmp_path))
    assert (memory.passed, rate.passed) == kept
    assert rate.ratio == pytest.approx(share)
    assert "not pinned" in rate.note
    assert sorted({path.exists() for path in measured}) == [False, True]  # the long one is gone
    assert len(measured) == 6
