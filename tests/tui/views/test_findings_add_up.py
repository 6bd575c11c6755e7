"""What a finding says and what the rows say that it leads to is the same, in the views and in the document."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzers.findings import OF_REQUESTS, Finding
from analyzers.pooltag import tag_hex
from analyzers.selection.query import Query
from analyzers.selection.requests import requests_of
from analyzers.selection.select import select
from analyzers.snapshot import Snapshot
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tui.json_documents.findings import StackParts, cleared_part, findings_part
from tui.views.findings import _step
from tui.views.scene import narrowed_to

LEAKS = (
    "winsock-loop", "missing-free", "undrained-port", "undrained-port-event", "undrained-port-posts", "two-holders",
    "driver-never-completes", "driver-stops-completion", "starved-thread", "endpoint-never-cleaned", "irp-leak",
    "slow-leak", "two-leaks", "worker-leak", "registry-leak", "groups-in-step", "growth",
)  # fmt: skip
POOL_ONLY = Settings(context_switches=False, ready_threads=False, irp_events=False, afd_events=False)
LESS = {"pool": POOL_ONLY, "bare": Settings(stacks=StackMode.NONE)}
SESSIONS = [
    pytest.param(scenario, settings, id=f"{name}-{scenario}")
    for i, scenario in enumerate(LEAKS)
    for name, settings in (("all", Settings()), list(LESS.items())[i % 2])
]
"""Each leak in a whole session, and in turn in one of pool events alone or without stacks."""


def _read(path: Path, scenario: str, settings: Settings) -> Snapshot:
    simulate(scenario, 4, settings).write(path / "t.etl")
    return analysed(path / "t.etl")


def _counts(snapshot: Snapshot) -> dict[tuple[int, bool], tuple[int, int]]:
    """Outstanding allocations and bytes by tag, added up from the rows themselves."""
    pool = snapshot.pool
    tag_row = pool.sites.tag_row[pool.outstanding.site]
    return {
        (int(pool.tags.tag[row]), bool(pool.tags.paged[row])): (
            int(np.count_nonzero(tag_row == row)),
            int(pool.outstanding.size[tag_row == row].sum()),
        )
        for row in np.unique(tag_row).tolist()
    }


def _of_groups(finding: Finding) -> dict[tuple[int, bool], tuple[int, int]]:
    told: dict[tuple[int, bool], tuple[int, int]] = {}
    for share in finding.groups:
        count, size = told.get((share.tag, share.paged), (0, 0))
        told[share.tag, share.paged] = count + share.count, size + share.bytes
    return told


def _check(snapshot: Snapshot, finding: Finding) -> None:
    inside = narrowed_to(snapshot, Query(finding=finding.rank))
    assert _counts(inside) == _of_groups(finding)
    assert _of_groups(finding)[finding.tag, finding.paged] == (finding.count, finding.bytes)
    assert int(inside.pool.sites.outstanding_count.sum()) == len(inside.pool.outstanding)
    assert int(inside.pool.tags.outstanding_bytes.sum()) == int(inside.pool.outstanding.size.sum())
    step = _step(finding)
    there = narrowed_to(snapshot, step.scope)
    if finding.verdict in OF_REQUESTS:
        assert len(there.diagnosis.held_requests) == len(requests_of(finding, snapshot.diagnosis.held_requests))
    else:
        assert _counts(there) == _of_groups(finding)


@pytest.mark.parametrize(("scenario", "settings"), SESSIONS)
def test_the_rows_that_a_finding_opens_add_up_to_it(scenario: str, settings: Settings, tmp_path: Path) -> None:
    snapshot = _read(tmp_path, scenario, settings)
    for finding in snapshot.diagnosis.findings:
        _check(snapshot, finding)
    part = findings_part(snapshot, StackParts(snapshot.names))
    for told, finding in zip(part, snapshot.diagnosis.findings, strict=True):
        shares = told["groups"]
        assert isinstance(shares, list)
        own = [(each["count"], each["bytes"]) for each in shares if each["tag_hex"] == told["tag_hex"]]
        assert (
            tuple(map(sum, zip(*own, strict=True))) == (told["count"], told["bytes"]) == (finding.count, finding.bytes)
        )


def test_a_selection_keeps_the_rows_of_its_findings(tmp_path: Path) -> None:
    snapshot = _read(tmp_path, "two-leaks", Settings())
    for finding in snapshot.diagnosis.findings:
        chosen = select(snapshot, Query(drivers=(finding.driver,)))
        [same] = [each for each in chosen.diagnosis.findings if each.rank == finding.rank]
        _check(chosen, same)


@pytest.mark.parametrize("scenario", ["steady-server", "missing-free", "two-leaks"])
def test_the_rows_that_a_cleared_group_opens_add_up_to_it(scenario: str, tmp_path: Path) -> None:
    snapshot = _read(tmp_path, scenario, Settings())
    cleared = [group for group in snapshot.diagnosis.cleared if group.count]
    assert cleared
    for group in cleared:
        inside = narrowed_to(snapshot, _step(group).scope)
        assert _counts(inside) == {(group.tag, group.paged): (group.count, group.bytes)}
        assert [(each.known_by, each.count) for each in inside.diagnosis.cleared] == [(group.known_by, group.count)]
        assert not inside.diagnosis.findings


def test_two_cleared_groups_of_one_tag_and_driver_lead_to_different_rows(tmp_path: Path) -> None:
    snapshot = _read(tmp_path, "steady-server", Settings())
    seen: dict[tuple[int, bool, str], list[set[int]]] = {}
    for group in snapshot.diagnosis.cleared:
        seen.setdefault((group.tag, group.paged, group.driver), []).append(set(group.rows.tolist()))
    [several, *_] = [rows for rows in seen.values() if len(rows) > 1]
    assert not set.intersection(*several)


@pytest.mark.parametrize("scenario", ["steady-server", "missing-free"])
def test_groups_and_findings_of_a_tag_are_all_of_its_allocations(scenario: str, tmp_path: Path) -> None:
    snapshot = _read(tmp_path, scenario, Settings())
    diagnosis = snapshot.diagnosis
    rows = [*(each.rows for each in diagnosis.findings), *(each.rows for each in diagnosis.cleared)]
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(snapshot.pool.outstanding)))


def test_the_document_tells_cleared_groups_of_one_tag_apart_and_their_counts_add_up(tmp_path: Path) -> None:
    snapshot = _read(tmp_path, "steady-server", Settings())
    told = cleared_part(snapshot)
    for row, tag in enumerate(snapshot.pool.tags.tag.tolist()):
        mine = [
            each for each in told if each["tag_hex"] == tag_hex(tag) and each["paged"] == snapshot.pool.tags.paged[row]
        ]
        assert sum(each["count"] for each in mine) == snapshot.pool.tags.outstanding_count[row]  # type: ignore[misc]
    apart = [(each["tag_hex"], str(each["frame"]), each["process_id"], each["verdict"], each["why"]) for each in told]
    assert len(set(apart)) == len(apart)
    assert any(each["frame"] is not None for each in told)


def test_a_selection_keeps_the_rows_of_its_cleared_groups(tmp_path: Path) -> None:
    snapshot = _read(tmp_path, "steady-server", Settings())
    chosen = select(snapshot, Query(drivers=("afd.sys",)))
    assert chosen.diagnosis.cleared
    for group in chosen.diagnosis.cleared:
        assert _counts(narrowed_to(chosen, _step(group).scope)) == {
            (group.tag, group.paged): (group.count, group.bytes)
        }
