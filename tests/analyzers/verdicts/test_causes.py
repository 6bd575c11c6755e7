"""Who asked is the culprit, and one cause is one finding: on simulated traces without the events of requests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzers.findings import Accused, Cause, Finding, Fits, Verdict
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed

POOL_ONLY = Settings(
    free_stacks=False, context_switches=False, ready_threads=False, irp_events=False, afd_events=False,
    kernel_queues=False, user_stacks=1.0,
)  # fmt: skip
"""What the kernel flags POOL, PROC_THREAD and LOADER record, with stacks on allocations."""


def _seen(scenario: str, path: Path, settings: Settings = POOL_ONLY) -> tuple[Snapshot, list[dict[str, Any]]]:
    simulation = simulate(scenario, 31, settings)
    simulation.write(path / "trace.etl")
    return analysed(path / "trace.etl"), simulation.truth["leaks"]


def _tags(finding: Finding) -> list[str]:
    return [tag_text(share.tag) for share in finding.groups]


def _that_fit(finding: Finding, fits: Fits) -> set[str]:
    return {each.why for each in finding.explanations if each.fits is fits}


@pytest.mark.parametrize("scenario", ["overlapped-receive", "winsock-loop", "send-loop"])
def test_irps_are_laid_to_the_thread_and_the_modules_that_asked(scenario: str, tmp_path: Path) -> None:
    snapshot, [leak] = _seen(scenario, tmp_path)
    [finding] = snapshot.diagnosis.findings
    assert (finding.verdict, finding.accused, finding.driver) == (Verdict.GROWTH, Accused.PROCESS, "")
    assert (finding.process_id, finding.thread_id) == (leak["process_id"], leak["thread_id"])
    assert _tags(finding) == ["Irp "]
    assert {Cause.USER_APC, Cause.PORT} <= _that_fit(finding, Fits.YES)
    assert Cause.SPECIAL_APC in _that_fit(finding, Fits.NO)
    assert finding.user_stack >= 0
    [calls] = [each.says for each in finding.evidence if each.rule == "user-modules"]
    assert "mswsock.dll, ws2_32.dll" in calls


def test_irps_files_and_sockets_that_stay_together_are_one_finding(tmp_path: Path) -> None:
    snapshot, [leak] = _seen("undrained-port", tmp_path)
    [finding] = snapshot.diagnosis.findings
    assert (finding.accused, finding.process_id) == (Accused.PROCESS, leak["process_id"])
    assert {"Irp ", "File", "AfdE", "AfdC", "IoCc"} == set(_tags(finding))
    assert _tags(finding)[0] == "Irp "
    assert _that_fit(finding, Fits.YES) == {Cause.PORT, Cause.DRIVER_KEPT, Cause.COMPLETION_STOPPED}
    assert finding.retained_bytes == sum(share.bytes for share in finding.groups) > finding.bytes


def test_what_several_drivers_hang_on_a_file_is_laid_to_who_opened_it(tmp_path: Path) -> None:
    snapshot, [leak] = _seen("groups-in-step", tmp_path)
    [finding] = snapshot.diagnosis.findings
    assert (finding.accused, finding.driver, finding.process_id) == (Accused.PROCESS, "", leak["process_id"])
    assert sorted(_tags(finding)) == ["CtSs", "CtTb", "File"]
    assert _tags(finding)[0] == "File"
    assert finding.retained_bytes == leak["bytes"]
    assert _that_fit(finding, Fits.YES) == {Cause.REFERENCE}


def test_two_leaks_of_two_drivers_stay_two(tmp_path: Path) -> None:
    snapshot, leaks = _seen("two-leaks", tmp_path)
    assert {finding.driver for finding in snapshot.diagnosis.findings} == {leak["driver"] for leak in leaks}
    assert all(finding.accused is Accused.DRIVER for finding in snapshot.diagnosis.findings)


def test_irps_that_a_driver_made_itself_are_its_own(tmp_path: Path) -> None:
    snapshot, [leak] = _seen("irp-leak", tmp_path)
    [finding] = snapshot.diagnosis.findings
    assert (finding.accused, finding.driver) == (Accused.DRIVER, leak["driver"])
    assert _that_fit(finding, Fits.YES) == {Cause.MISSING_FREE}


def test_sockets_that_were_closed_and_stay_are_laid_to_their_program(tmp_path: Path) -> None:
    snapshot, [leak] = _seen("endpoint-never-cleaned", tmp_path, replace(Settings(), context_switches=False))
    [finding] = snapshot.diagnosis.findings
    assert (finding.verdict, finding.accused, finding.driver) == (Verdict.MISSING_FREE, Accused.PROCESS, "")
    assert finding.process == leak["process"]
    assert _that_fit(finding, Fits.YES) == {Cause.REFERENCE}


def test_nobody_is_named_where_irps_of_several_programs_grow_alike(tmp_path: Path) -> None:
    snapshot, leaks = _seen("two-holders", tmp_path)
    [finding] = snapshot.diagnosis.findings
    assert (finding.accused, finding.process_id, finding.thread_id) == (Accused.PROCESS, None, None)
    [told] = [each.says for each in finding.evidence if each.rule == "passed-on"]
    assert all(leak["process"] in told for leak in leaks)
