"""Whole simulated traces: who is accused, and what that does not depend on."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.findings import ACCUSATIONS, Diagnosis, EventRef, Evidence, Finding, PendingApcs, ThreadSince, Verdict
from analyzers.pooltag import tag_hex
from analyzers.snapshot import Snapshot
from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import analysed, rewritten

CLEAN = [name for name, scenario in SCENARIOS.items() if "nothing leaks" in scenario.summary]
LEAKING = [name for name in SCENARIOS if name not in CLEAN]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulation, Snapshot]:
    simulation = simulate("winsock-loop", 11, Settings(iterations=60))
    path = tmp_path_factory.mktemp("loop") / "loop.etl"
    simulation.write(path)
    return simulation, analysed(path)


def _diagnosed(simulation: Simulation, path: Path) -> Diagnosis:
    simulation.write(path)
    return analysed(path).diagnosis


@pytest.mark.parametrize("scenario", CLEAN)
def test_nothing_is_accused_where_nothing_leaks(scenario: str, tmp_path: Path) -> None:
    found = _diagnosed(simulate(scenario, 21, Settings()), tmp_path / "clean.etl")
    assert found.findings == ()
    assert found.cleared


@pytest.mark.parametrize("scenario", LEAKING)
def test_the_first_finding_names_verdict_and_culprit(scenario: str, tmp_path: Path) -> None:
    simulation = simulate(scenario, 22, Settings())
    first = _diagnosed(simulation, tmp_path / "leaking.etl").findings[0]
    assert any(_is_about(first, leak) for leak in simulation.truth["leaks"])


def _is_about(finding: Finding, leak: dict[str, object]) -> bool:
    tags, threads = leak["tags"], leak["thread_id"]
    assert isinstance(tags, list)
    culprit = finding.driver == leak["driver"] or finding.thread_id == threads
    return finding.verdict == leak["verdict"] and tag_hex(finding.tag) in tags and culprit


def test_the_loop_that_never_takes_its_apcs_is_told_in_full(loop: tuple[Simulation, Snapshot]) -> None:
    simulation, snapshot = loop
    [leak] = simulation.truth["leaks"]
    [finding] = snapshot.diagnosis.findings
    assert (finding.verdict, finding.driver, finding.process) == (Verdict.PENDING_APC, "afd.sys", "client.exe")
    assert (finding.process_id, finding.thread_id) == (leak["process_id"], leak["thread_id"])
    assert finding.retained_bytes == leak["bytes"]
    assert [node.kind for node in finding.path][:2] == ["process", "thread"]
    assert "pending-apc" in [node.kind for node in finding.path]
    assert 0.8 < finding.confidence < 1
    assert any(each.inferred for each in finding.evidence)
    low, high = finding.bytes_per_hour_interval
    assert low <= finding.bytes_per_hour <= high


def test_every_pending_request_is_listed_and_no_other(loop: tuple[Simulation, Snapshot]) -> None:
    simulation, snapshot = loop
    [leak] = simulation.truth["leaks"]
    found = snapshot.diagnosis.pending_apcs
    assert {(each.irp, each.match_id) for each in found} == {(i["irp"], i["id"]) for i in leak["pending_irps"]}
    assert {each.since for each in found} == {ThreadSince.RAN}
    assert sum(each.retained_bytes for each in found) == leak["bytes"]


_EVIDENCE = {
    "stacks": {"stacks": StackMode.NONE},
    "context switches": {"context_switches": False},
    "IRP events": {"irp_events": False},
    "AFD events": {"afd_events": False},
}


@pytest.mark.repeats
@pytest.mark.parametrize("scenario", LEAKING)
def test_taking_evidence_away_never_accuses_somebody_else(scenario: str, tmp_path: Path) -> None:
    whole = simulate(scenario, 23, Settings())
    before = _diagnosed(whole, tmp_path / "whole.etl").findings
    tags = {tag for leak in whole.truth["leaks"] for tag in leak["tags"]}
    for missing, without in _EVIDENCE.items():
        less = simulate(scenario, 23, dataclasses.replace(Settings(), **without))  # type: ignore[arg-type]
        after = _diagnosed(less, tmp_path / "less.etl").findings
        assert {tag_hex(finding.tag) for finding in after} <= tags, missing
        assert all(_is_no_stronger(each, before) for each in after), missing


_STRENGTH = (Verdict.GROWTH, Verdict.MISSING_FREE, Verdict.PENDING_APC)


def _is_no_stronger(finding: Finding, before: tuple[Finding, ...]) -> bool:
    """Whether an earlier finding has a stronger verdict, or the same one at least as surely."""
    rank = _STRENGTH.index(finding.verdict)
    others = [(_STRENGTH.index(each.verdict), each.confidence) for each in before]
    return any(other > rank or (other == rank and sure >= finding.confidence) for other, sure in others)


def _essence(diagnosis: Diagnosis) -> tuple[object, ...]:
    """Everything but where in the file the events lie."""
    told = _without_places(diagnosis)
    return told.findings, told.cleared, tuple(told.pending_apcs)


def _without_places(diagnosis: Diagnosis) -> Diagnosis:
    def bare(event: EventRef) -> EventRef:
        return dataclasses.replace(event, offset=0, cpu=0)

    def without_cpu(each: Evidence) -> Evidence:
        says = re.sub(r"\bCPU \d+", "a CPU", each.says)
        return dataclasses.replace(each, says=says, events=tuple(map(bare, each.events)))

    findings = tuple(
        dataclasses.replace(
            finding,
            evidence=tuple(map(without_cpu, finding.evidence)),
            stack=0,
        )
        for finding in diagnosis.findings
    )
    pending = PendingApcs.of(
        dataclasses.replace(each, issued=bare(each.issued), completed=bare(each.completed), says="")
        for each in diagnosis.pending_apcs
    )
    return dataclasses.replace(diagnosis, findings=findings, pending_apcs=pending)


@pytest.mark.repeats
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scenario=st.sampled_from(["winsock-loop", "missing-free", "two-leaks", "endpoint-never-cleaned", "sawtooth-cache"]),
    window=st.sampled_from([1 << 14, 1 << 16, 1 << 18, 1 << 22]),
    buffer_size=st.sampled_from([2048, 8192, 0x10000]),
    shift=st.integers(0, 40),
    threads=st.sampled_from([1, 2]),
)
def test_findings_do_not_depend_on_windows_buffers_or_the_numbering_of_cpus(
    scenario: str, window: int, buffer_size: int, shift: int, threads: int, tmp_path: Path
) -> None:
    simulation = simulate(scenario, 24, Settings(iterations=50))
    moved = [dataclasses.replace(record, cpu=record.cpu + shift) for record in simulation.records]
    path, other = tmp_path / "one.etl", tmp_path / "other.etl"
    simulation.write(path)
    other.write_bytes(rewritten(simulation, moved, buffer_size, processors=simulation.settings.cpus + shift))
    plain = analysed(path).diagnosis
    again = analysed(other, window_bytes=window, threads=threads).diagnosis
    assert _essence(again) == _essence(plain)


def test_cleared_groups_are_never_accusations_and_all_say_why(loop: tuple[Simulation, Snapshot]) -> None:
    cleared = loop[1].diagnosis.cleared
    assert cleared
    assert not {each.verdict for each in cleared} & ACCUSATIONS
    assert all(each.why for each in cleared)
