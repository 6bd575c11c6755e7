"""The idle process asks for nothing: what interrupts make while it has the CPU is never laid to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.findings import Verdict
from benchmarks.accuracy import from_kernel
from benchmarks.accuracy.spoilings import Spoiling
from tests.analyzers.against_truth import analysed


@pytest.mark.parametrize("spoiling", [Spoiling.LOST_EVENTS, Spoiling.NO_REQUESTS])
def test_what_was_made_while_a_cpu_was_idle_is_nobodys(spoiling: Spoiling, tmp_path: Path) -> None:
    data, _ = from_kernel.play("undrained-port", 1, spoiling)
    (tmp_path / "t.etl").write_bytes(data)
    told = analysed(tmp_path / "t.etl").diagnosis
    assert told.findings
    assert all(finding.process_id for finding in told.findings if not finding.driver)
    if spoiling is Spoiling.LOST_EVENTS:
        assert any("while a CPU was idle" in group.why for group in told.cleared if group.verdict is Verdict.UNKNOWN)
