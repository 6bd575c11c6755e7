"""Held requests: as columns and one by one, and on simulated traces those of the truth."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from analyzers.findings import (
    NO_HELD_REQUESTS,
    OF_REQUESTS,
    SINCE_CODES,
    WHYS,
    Apc,
    Diagnosis,
    EventRef,
    Finding,
    HeldRequest,
    HeldRequests,
    ThreadSince,
    Why,
    codes_of,
)
from fixtures.demo import DEMO_TRACE
from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed

Document = dict[str, Any]
ISSUED, COMPLETED = EventRef(2_000, "irp", 1, 4_096), EventRef(3_000, "irp", 2, 8_192)
NEARLY_ALL: Final = 0.97
ROUNDED: Final = 0.005
"""Parts that nothing joins to their request with certainty, as a block that an interrupt allocated."""
LEAKING = [name for name, scenario in SCENARIOS.items() if "nothing leaks" not in scenario.summary]


def held(irp: int, **other: Any) -> HeldRequest:
    """A request that a user APC holds, but for what is said otherwise."""
    usual: Document = {
        "match_id": 7, "why": Why.USER_APC, "thread_id": 88, "process_id": 4330, "process": "client.exe",
        "issued_ns": 2_000, "completed_ns": 3_000, "age_ns": 500, "since": ThreadSince.RAN, "says": "ran on",
        "endpoint": 0, "port": 0, "driver": "afd.sys", "retained_bytes": 1_024, "rule": "completed-not-retired",
        "inferred": True, "issued": ISSUED, "completed": COMPLETED,
    }  # fmt: skip
    return HeldRequest(irp=irp, **{**usual, **other})


REQUESTS = [
    held(0x1000),
    held(0x2001, why=Why.PORT, port=2, since=ThreadSince.WAITED, inferred=False, endpoint=0xFFFF_9A80_00AF_0000),
    held(0x1000, why=Why.DRIVER_KEPT, thread_id=99, completed_ns=None, completed=None, driver="contosodev.sys"),
]


def columns_say(requests: HeldRequests, row: int) -> Document:
    """What the columns tell of one; the rest is told by the one that is made."""
    plain = ("irp", "match_id", "thread_id", "process_id", "issued_ns", "age_ns", "endpoint", "port", "retained_bytes")
    completed = requests.completed_ns[row].item()
    return {
        **{name: getattr(requests, name)[row].item() for name in plain},
        "completed_ns": None if completed == -1 else completed,
        "why": WHYS[requests.why[row]],
        "process": requests.processes[requests.process[row]],
        "since": SINCE_CODES[requests.since[row]],
        "driver": requests.drivers[requests.driver[row]],
        "rule": requests.rules[requests.rule[row]],
    }


def told(request: HeldRequest) -> Document:
    only_made = {"says", "issued", "completed", "inferred"}
    return {field.name: getattr(request, field.name) for field in fields(request) if field.name not in only_made}


def test_columns_and_what_is_made_of_them_say_the_same_in_an_analysis() -> None:
    requests = analysed(DEMO_TRACE).diagnosis.held_requests
    assert len(requests) > 100
    for row, request in enumerate(requests):
        assert columns_say(requests, row) == told(request)
        assert request.issued.time_ns == request.issued_ns
        assert (None if request.completed is None else request.completed.time_ns) == request.completed_ns
        assert request.says


def test_columns_and_what_they_were_made_of_say_the_same() -> None:
    requests = HeldRequests.of(REQUESTS)
    assert [columns_say(requests, row) for row in range(3)] == [told(each) for each in REQUESTS]
    assert list(requests) == REQUESTS


def test_some_of_them_are_taken_by_slice_mask_and_place() -> None:
    requests = HeldRequests.of(REQUESTS)
    assert list(requests[1:]) == REQUESTS[1:]
    assert list(requests.take(np.array([True, False, True]))) == [REQUESTS[0], REQUESTS[2]]
    assert list(requests.take(np.array([2, 0]))) == [REQUESTS[2], REQUESTS[0]]
    assert requests.take(np.array([2, 0])).thread_id.tolist() == [99, 88]
    assert requests[-1] == REQUESTS[2]


def test_those_that_an_apc_holds_are_taken_and_each_says_which_kind() -> None:
    special = held(0x3000, why=Why.SPECIAL_APC)
    requests = HeldRequests.of([*REQUESTS, special])
    assert list(requests.by_apc()) == [REQUESTS[0], special]
    assert [each.apc for each in requests] == [Apc.USER, None, None, Apc.SPECIAL_KERNEL]


def test_equal_ones_are_equal_and_hash_alike() -> None:
    requests = HeldRequests.of(REQUESTS)
    assert requests == HeldRequests.of(REQUESTS)
    assert hash(requests) == hash(HeldRequests.of(REQUESTS))
    assert requests != HeldRequests.of(REQUESTS[:2])
    assert HeldRequests.of(()) == NO_HELD_REQUESTS == ()
    assert "irp=4096" in repr(requests)


def test_that_of_an_irp_is_found_by_the_time_of_its_issue() -> None:
    requests = HeldRequests.of([held(0x1000, issued_ns=5), held(0x1000, issued_ns=6), held(0x2000, issued_ns=5)])
    found = requests.find(0x1000, 6)
    assert found is not None
    assert (found.irp, found.issued_ns) == (0x1000, 6)
    assert requests.find(0x2000, 6) is None
    assert requests.find(0x3000, 5) is None


def test_texts_get_codes_in_the_order_in_which_they_come() -> None:
    codes, texts = codes_of(["b", "a", "b"])
    assert (codes.tolist(), texts) == ([0, 1, 0], ("b", "a"))


@pytest.fixture(
    scope="module", params=[(scenario, varied) for scenario in LEAKING for varied in (False, True)], ids=str
)
def leaking(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Document], Diagnosis]:
    """What the truth says that leaks, and the diagnosis; pytest asks one trace all before it goes on to the next."""
    scenario, varied = request.param
    return played(scenario, tmp_path_factory.mktemp("leaking"), varied=varied)


def played(scenario: str, folder: Path, *, varied: bool = False) -> tuple[list[Document], Diagnosis]:
    simulation = simulate(scenario, 41, Settings(varied=varied))
    simulation.write(folder / "trace.etl")
    return simulation.truth["leaks"], analysed(folder / "trace.etl").diagnosis


@pytest.mark.repeats
def test_they_are_those_of_the_truth_with_their_holder_thread_and_times(
    leaking: tuple[list[Document], Diagnosis],
) -> None:
    leaks, diagnosis = leaking
    truth = {(each["irp"], each["issued_ns"]): each for leak in leaks for each in leak["held_requests"]}
    found = {(each.irp, each.issued_ns): each for each in diagnosis.held_requests}
    both = truth.keys() & found.keys()
    assert len(both) >= NEARLY_ALL * len(truth)
    assert len(both) >= NEARLY_ALL * len(found)
    right = [
        key
        for key in both
        if (found[key].why, found[key].thread_id, found[key].completed_ns)
        == (truth[key]["why"], truth[key]["thread_id"], truth[key]["completed_ns"])
    ]
    assert len(right) >= NEARLY_ALL * len(truth)


@pytest.mark.repeats
def test_each_leak_of_requests_is_a_finding_that_names_its_thread_and_retains_what_it_leaked(
    leaking: tuple[list[Document], Diagnosis],
) -> None:
    of_truth, diagnosis = leaking
    findings = [each for each in diagnosis.findings if each.verdict in OF_REQUESTS]
    leaks = [each for each in of_truth if each["verdict"] in OF_REQUESTS]
    assert sorted(map(_of_finding, findings)) == sorted(map(_of_leak, leaks))
    for finding in findings:
        (leak,) = [leak for leak in leaks if _of_leak(leak) == _of_finding(finding)]
        assert finding.retained_bytes == pytest.approx(leak["retained_bytes"], rel=ROUNDED)
        assert finding.apc is not Apc.SPECIAL_KERNEL or finding.confidence <= 0.5


def _of_finding(finding: Finding) -> tuple[str, ...]:
    """Verdict, kind of APC, how it is kept, process and thread."""
    return tuple(map(str, (finding.verdict, finding.apc, finding.kept, finding.process_id, finding.thread_id)))


def _of_leak(leak: Document) -> tuple[str, ...]:
    return tuple(map(str, (leak["verdict"], leak["apc"], leak["kept"], leak["process_id"], leak["thread_id"])))


@pytest.mark.repeats
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name not in LEAKING])
def test_where_nothing_leaks_nothing_is_held_but_what_a_port_is_about_to_give(scenario: str, tmp_path: Path) -> None:
    _, diagnosis = played(scenario, tmp_path)
    assert {each.why for each in diagnosis.held_requests} <= {Why.PORT}
