"""Real traces hold no pool events: nobody is accused, and nothing breaks."""

from __future__ import annotations

from pathlib import Path

from tests.analyzers.against_truth import analysed


def test_no_real_trace_without_pool_events_has_a_finding(samples: Path) -> None:
    for path in sorted(samples.glob("*.etl")):
        snapshot = analysed(path, threads=2)
        assert snapshot.pool.totals.allocations == 0, path.name
        assert snapshot.diagnosis.findings == (), path.name
        assert len(snapshot.diagnosis.held_requests) == 0, path.name
