"""Made traces of conditions from public reports, which are not part of this repository: callers and drivers that go."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.findings import Finding, Verdict
from analyzers.snapshot import Snapshot
from tests.analyzers.against_truth import analysed

CASES = Path(__file__).parents[2] / "../shared/cases"


def _seen(name: str) -> tuple[Snapshot, Finding]:
    path = CASES / f"{name}.etl"
    if not path.is_file():
        pytest.skip("the made traces are not on this machine (../shared/cases)")
    snapshot = analysed(path)
    [finding] = snapshot.diagnosis.findings
    return snapshot, finding


def test_a_library_s_caller_is_accused() -> None:
    _, finding = _seen("library-driver-caller-leaks")
    assert (finding.driver, finding.count) == ("WFPSampler.sys", 800)
    found = finding.separates
    assert found is not None
    assert (found.frame.module, found.kept_with, found.kept, found.freed_with, found.freed) == (
        "WFPSampler.sys", 800, 800, 0, 800,
    )  # fmt: skip


def test_an_unloaded_driver_is_accused() -> None:
    _, finding = _seen("driver-unloaded")
    assert (finding.driver, finding.verdict, finding.count) == ("plugin.sys", Verdict.MISSING_FREE, 40)
    assert finding.confidence >= 0.8
    assert finding.unloaded_ns == 974_586_300


def test_the_first_driver_at_a_base_is_accused_and_named_everywhere() -> None:
    snapshot, finding = _seen("driver-replaced-at-base-leaks")
    assert (finding.driver, finding.count) == ("drvA.sys", 300)
    sites = snapshot.pool.sites
    modules = [{frame.module for frame in snapshot.names.frames(stack)} for stack in sites.stack.tolist()]
    assert sorted(zip(sites.driver, ("drvA.sys" in each for each in modules), strict=True)) == [
        ("drvA.sys", True), ("drvB.sys", False), ("nt", False),
    ]  # fmt: skip
    assert "drvA.sys" in snapshot.pool.tags.driver


def test_the_second_driver_at_a_base_is_accused_of_its_own() -> None:
    snapshot, finding = _seen("driver-replaced-at-base")
    assert (finding.driver, finding.verdict, finding.count) == ("drvB.sys", Verdict.GROWTH, 300)
    assert [each.name for each in snapshot.pool.by_driver] == ["drvB.sys"]
