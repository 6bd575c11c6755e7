"""What a finding says and what the rows say that it leads to is the same, in the views and in the document."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzers.findings import OF_REQUESTS, Finding
from analyzers.snapshot import Snapshot
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tui.filters import Filters
from tui.findings.held import requests_of
from tui.json_documents.findings import findings_part
from tui.selection import select
from tui.views.findings import _step
from tui.views.narrowing import narrowed
from tui.views.scope import Scope

LEAKS = (
    "winsock-loop", "missing-free", "undrained-port", "undrained-port-event", "undrained-port-posts", "two-holders",
    "driver-never-completes", "driver-stops-completion", "starved-thread", "endpoint-never-cleaned", "irp-leak",
    "slow-leak", "two-leaks", "worker-leak", "registry-leak", "groups-in-step", "growth",
)  # fmt: skip
POOL_ONLY = Settings(context_switches=False, ready_threads=False, irp_events=False, afd_events=False)


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
    inside = narrowed(snapshot, Scope(finding=finding.rank))
    assert _counts(inside) == _of_groups(finding)
    assert _of_groups(finding)[finding.tag, finding.paged] == (finding.count, finding.bytes)
    assert int(inside.pool.sites.outstanding_count.sum()) == len(inside.pool.outstanding)
    assert int(inside.pool.tags.outstanding_bytes.sum()) == int(inside.pool.outstanding.size.sum())
    step = _step(finding, snapshot)
    there = narrowed(snapshot, step.scope)
    if finding.verdict in OF_REQUESTS:
        assert len(there.diagnosis.held_requests) == len(requests_of(finding, snapshot.diagnosis.held_requests))
    else:
        assert _counts(there) == _of_groups(finding)


@pytest.mark.parametrize(
    "settings", [Settings(), POOL_ONLY, Settings(stacks=StackMode.NONE)], ids=("all", "pool", "bare")
)
@pytest.mark.parametrize("scenario", LEAKS)
def test_the_rows_that_a_finding_opens_add_up_to_it(scenario: str, settings: Settings, tmp_path: Path) -> None:
    snapshot = _read(tmp_path, scenario, settings)
    for finding in snapshot.diagnosis.findings:
        _check(snapshot, finding)
    for told, finding in zip(findings_part(snapshot), snapshot.diagnosis.findings, strict=True):
        shares = told["groups"]
        assert isinstance(shares, list)
        own = [(each["count"], each["bytes"]) for each in shares if each["tag_hex"] == told["tag_hex"]]
        assert (
            tuple(map(sum, zip(*own, strict=True))) == (told["count"], told["bytes"]) == (finding.count, finding.bytes)
        )


def test_a_selection_keeps_the_rows_of_its_findings(tmp_path: Path) -> None:
    snapshot = _read(tmp_path, "two-leaks", Settings())
    for finding in snapshot.diagnosis.findings:
        chosen = select(snapshot, Filters(drivers=(finding.driver,)))
        [same] = [each for each in chosen.diagnosis.findings if each.rank == finding.rank]
        _check(chosen, same)
