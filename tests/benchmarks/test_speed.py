"""What the section about speed says of its measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.pool_tables import PoolTotals
from benchmarks.pipeline import Passage, Speed
from benchmarks.plan import QUICK
from benchmarks.sections import speed
from benchmarks.traces import Traces

_TOTALS = PoolTotals(0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(("verdicts", "kept"), [(0.9, True), (1.1, False)])
def test_verdicts_are_held_against_reading_and_matching_on_two_cores_and_on_one(
    verdicts: float, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = Passage(batches=0.6, feed=0.3, snapshot=0.1, verdicts=verdicts, cpu=1.5, totals=_TOTALS, records=1)
    measured = Speed(read=0.1, total=1.0, verdicts=verdicts, best=best, pinned=True)
    monkeypatch.setattr(speed, "apart", lambda *_: measured)
    rows = list(speed.rows(QUICK.sized(1 << 20), Traces(tmp_path)))
    found = [(row.name, row.ratio, row.passed) for row in rows if row.name.startswith("verdicts")]
    assert found == [("verdicts, 2 cores", verdicts, kept), ("verdicts, 1 core", verdicts, kept)]
