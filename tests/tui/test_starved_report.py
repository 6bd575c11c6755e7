"""A report about a starved thread says nothing twice, and nothing that another of its sentences denies."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.snapshot import Snapshot
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed
from tui.report.explain import explanation


def _explained(path: Path, seed: int) -> tuple[Snapshot, str]:
    simulate("starved-thread", seed, Settings()).write(path / "t.etl")
    snapshot = analysed(path / "t.etl")
    [finding] = snapshot.diagnosis.findings
    return snapshot, " ".join(" ".join(line.plain for line in explanation(snapshot, finding, top=3, width=400)).split())


@pytest.mark.parametrize("seed", [0, 4])
def test_what_is_said_of_a_starved_thread_agrees_with_itself(seed: int, tmp_path: Path) -> None:
    snapshot, said = _explained(tmp_path, seed)
    [finding] = snapshot.diagnosis.findings
    held, irps = len(snapshot.diagnosis.held_requests), finding.count
    assert irps < held  # the others come from lookaside lists
    assert f"{irps} were allocated in this trace, the others came from lookaside lists" in said
    assert "user APC, not known" not in said
    assert "or inside one long kernel call" not in said
    threads = [node.label for node in finding.path if node.kind == "thread"]
    assert [label.split(",")[0] for label in threads] == [f"thread {finding.thread_id}"]
    [leaf] = [node.label for node in finding.path if node.kind == "allocations"]
    assert leaf.startswith(f"{irps} ×") or leaf.endswith(f", of {irps}")
