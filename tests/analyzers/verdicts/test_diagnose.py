"""Whole simulated traces: who is accused, and what that does not depend on."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.findings import (
    ACCUSATIONS,
    OF_REQUESTS,
    Accused,
    Apc,
    Diagnosis,
    EventRef,
    Evidence,
    Finding,
    HeldRequests,
    Verdict,
    Why,
)
from analyzers.pooltag import tag_hex
from analyzers.snapshot import Snapshot
from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import analysed, rewritten
from tests.analyzers.verdicts.scripted_pool import FIRST, POOL, SECOND, PoolScript

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
    assert any(_is_about(first, leak) and first.verdict == leak["verdict"] for leak in simulation.truth["leaks"])


def _is_about(finding: Finding, leak: dict[str, Any]) -> bool:
    """Whether tag and culprit are the leak's."""
    if tag_hex(finding.tag) not in leak["tags"] or finding.accused != leak["accused"]:
        return False
    if finding.accused is Accused.DRIVER:
        return bool(finding.driver == leak["driver"])
    return bool(finding.process_id == leak["process_id"])


def test_the_loop_that_never_waits_alertably_is_told_in_full(loop: tuple[Simulation, Snapshot]) -> None:
    simulation, snapshot = loop
    [leak] = simulation.truth["leaks"]
    [finding] = snapshot.diagnosis.findings
    assert (finding.verdict, finding.apc, finding.process) == (Verdict.PENDING_APC, Apc.USER, "client.exe")
    assert (finding.accused, finding.driver) == (Accused.PROCESS, "afd.sys")
    assert (finding.process_id, finding.thread_id) == (leak["process_id"], leak["thread_id"])
    assert finding.retained_bytes == leak["retained_bytes"]
    assert [node.kind for node in finding.path][:2] == ["process", "thread"]
    assert "pending-apc" in [node.kind for node in finding.path]
    assert 0.7 < finding.confidence < 0.9
    assert any(doubt.startswith("the trace shows") for doubt in finding.doubts)
    assert any(each.inferred for each in finding.evidence)
    low, high = finding.bytes_per_hour_interval
    assert low <= finding.bytes_per_hour <= high


def test_every_held_request_is_listed_and_no_other(loop: tuple[Simulation, Snapshot]) -> None:
    simulation, snapshot = loop
    [leak] = simulation.truth["leaks"]
    found = snapshot.diagnosis.held_requests
    assert {(each.irp, each.issued_ns) for each in found} == {
        (each["irp"], each["issued_ns"]) for each in leak["held_requests"]
    }
    assert {each.why for each in found} == {Why.USER_APC}
    assert sum(each.retained_bytes for each in found) == leak["retained_bytes"]


_EVIDENCE: dict[str, dict[str, Any]] = {
    "stacks": {"stacks": StackMode.NONE},
    "stacks of frees": {"free_stacks": False},
    "context switches": {"context_switches": False},
    "ready threads": {"ready_threads": False},
    "IRP events": {"irp_events": False},
    "AFD events": {"afd_events": False},
    "kernel queues": {"kernel_queues": False},
}
_SPREAD = [
    (scenario, list(_EVIDENCE)[(i + step) % len(_EVIDENCE)]) for i, scenario in enumerate(LEAKING) for step in (0, 2, 3)
]
"""Each scenario without three kinds, one at a time; each kind is taken from a dozen scenarios."""


@pytest.mark.repeats
@pytest.mark.parametrize(("scenario", "missing"), _SPREAD)
def test_taking_evidence_away_never_accuses_somebody_else(scenario: str, missing: str, tmp_path: Path) -> None:
    less = simulate(scenario, 23, dataclasses.replace(Settings(), **_EVIDENCE[missing]))
    leaks = less.truth["leaks"]
    for finding in _diagnosed(less, tmp_path / "less.etl").findings:
        assert any(_accuses_no_other(finding, leak) for leak in leaks), finding


def _accuses_no_other(finding: Finding, leak: dict[str, Any]) -> bool:
    """Whether a finding, which may be a weaker one, is about a leak and names nobody who has no part in it."""
    if tag_hex(finding.tag) not in leak["tags"]:
        return False
    if finding.accused is Accused.DRIVER:
        return finding.driver in {"", leak["driver"]}
    return finding.process_id in {None, leak["process_id"]}


def _essence(diagnosis: Diagnosis) -> tuple[object, ...]:
    """Everything but where in the file the events lie."""
    told = _without_places(diagnosis)
    return told.findings, told.cleared, tuple(told.held_requests)


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
            user_stack=0,
        )
        for finding in diagnosis.findings
    )
    held = HeldRequests.of(
        dataclasses.replace(
            each, issued=bare(each.issued), completed=None if each.completed is None else bare(each.completed), says=""
        )
        for each in diagnosis.held_requests
    )
    return dataclasses.replace(diagnosis, findings=findings, held_requests=held)


@pytest.mark.repeats
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scenario=st.sampled_from(
        ["winsock-loop", "undrained-port", "two-leaks", "endpoint-never-cleaned", "groups-in-step", "sawtooth-cache"]
    ),
    irp_events=st.booleans(),
    window=st.sampled_from([1 << 14, 1 << 16, 1 << 18, 1 << 22]),
    buffer_size=st.sampled_from([2048, 8192, 0x10000]),
    shift=st.integers(0, 40),
    threads=st.sampled_from([1, 2]),
)
def test_findings_do_not_depend_on_windows_buffers_or_the_numbering_of_cpus(
    scenario: str, irp_events: bool, window: int, buffer_size: int, shift: int, threads: int, tmp_path: Path
) -> None:
    simulation = simulate(scenario, 24, Settings(iterations=50, irp_events=irp_events))
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


def test_special_apcs_are_said_at_a_half_where_nothing_else_speaks_against_them(tmp_path: Path) -> None:
    found = _diagnosed(simulate("starved-thread", 25, Settings()), tmp_path / "starved.etl").findings
    assert [(each.verdict in OF_REQUESTS, each.apc) for each in found] == [(True, Apc.SPECIAL_KERNEL)]
    assert found[0].confidence == 0.5


def test_a_likely_finding_comes_before_a_larger_one_that_is_not(tmp_path: Path) -> None:
    """In two seconds growth may be a start; of the smaller leak's kind others are freed."""
    script = PoolScript()
    script.image(0, "start", FIRST, "first.sys")
    script.image(0, "start", SECOND, "second.sys")
    script.stay(200, b"Grow", (*POOL, FIRST + 0x100))
    script.stay(40, b"Leak", (*POOL, SECOND + 0x100))
    script.come_and_go(300, b"Leak", (*POOL, SECOND + 0x100))
    likely, larger = script.analysed(tmp_path).diagnosis.findings
    assert (likely.driver, larger.driver) == ("second.sys", "first.sys")
    assert likely.confidence >= 0.5 > larger.confidence
    assert likely.confidence * likely.bytes < larger.confidence * larger.bytes
