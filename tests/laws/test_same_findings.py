"""Findings do not depend on how a session or a reader cuts the same events into pieces."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pytest

from analyzers.findings import Diagnosis, EventRef, HeldRequest
from analyzers.retention.nodes import NodeKind
from fixtures.etl.records import Record
from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import analysed, rewritten

_ROUNDS: Final = 40
_MACHINE: Final = 16
"""Processors of the larger machine that events are spread over."""
Conclusions = tuple[tuple[Any, ...], ...]


def conclusions(diagnosis: Diagnosis, *, words: bool = True) -> Conclusions:
    """Everything that a diagnosis says, but where in the file its evidence lies and which ids stacks and sites got.

    Without ``words`` no sentence either: some name a processor.
    """
    findings = [
        dataclasses.replace(
            found,
            stack=-1,
            user_stack=-1,
            path=tuple(
                dataclasses.replace(each, id=each.id.rpartition(":")[0]) if each.kind is NodeKind.ALLOCATIONS else each
                for each in found.path
            ),
            confidence=round(found.confidence, 9),
            evidence=tuple(
                dataclasses.replace(each, says=each.says if words else "", events=()) for each in found.evidence
            ),
            doubts=found.doubts if words else (),
            explanations=tuple(
                dataclasses.replace(each, says=each.says if words else "") for each in found.explanations
            ),
        )
        for found in diagnosis.findings
    ]
    held = [_without_places(each) for each in diagnosis.held_requests]
    if not words:
        held = [dataclasses.replace(each, says="") for each in held]
    cleared = [each if words else dataclasses.replace(each, why="") for each in diagnosis.cleared]
    return tuple(findings), tuple(sorted(held, key=str)), tuple(sorted(cleared, key=str))


def _without_places(held: HeldRequest) -> HeldRequest:
    return dataclasses.replace(
        held, issued=_nowhere(held.issued), completed=_nowhere(held.completed) if held.completed is not None else None
    )


def _nowhere(event: EventRef) -> EventRef:
    return dataclasses.replace(event, offset=0, cpu=0)


@lru_cache(maxsize=2)
def played(scenario: str, seed: int) -> Simulation:
    keyed = StackMode.KEYED if seed % 2 else StackMode.PLAIN
    return simulate(scenario, seed, Settings(iterations=_ROUNDS, cpus=4, stacks=keyed, buffer_size=0x2000))


def moved(records: Sequence[Record], to: Sequence[int]) -> list[Record]:
    """The same events with other numbers for their processors."""
    return [dataclasses.replace(record, cpu=to[record.cpu]) for record in records]


def diagnosed(path: Path, data: bytes, **reading: int) -> Diagnosis:
    path.write_bytes(data)
    return analysed(path, **reading).diagnosis


def assert_cut_alike(simulation: Simulation, path: Path) -> None:
    """Whatever the buffers are, and however much of the file is read at once."""
    records = simulation.records
    first = conclusions(diagnosed(path, rewritten(simulation, records, 0x40000)))
    small = rewritten(simulation, records, 0x1000, flush_ns=1_000_000)
    assert conclusions(diagnosed(path, simulation.data)) == first, "as the simulator wrote it"
    assert conclusions(diagnosed(path, simulation.data, window_bytes=1)) == first, "read buffer by buffer"
    assert conclusions(diagnosed(path, small, window_bytes=0x4000, threads=2)) == first, "small buffers, two threads"


def assert_spread_alike(simulation: Simulation, seed: int, path: Path) -> None:
    """On whichever processors of a larger machine it all happens."""
    records, cpus = simulation.records, simulation.settings.cpus
    spread = random.Random(f"cpus {simulation.scenario} {seed}").sample(range(_MACHINE), cpus)
    first, other = (
        conclusions(diagnosed(path, rewritten(simulation, each, 0x2000, processors=_MACHINE)), words=False)
        for each in (records, moved(records, spread))
    )
    assert other == first, f"on processors {spread} instead of the first {cpus}"


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if not name.endswith("-fixed")])
def test_findings_are_the_same_however_the_events_are_cut_into_pieces(scenario: str, tmp_path: Path) -> None:
    assert_cut_alike(played(scenario, 1), tmp_path / "cut.etl")


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if not name.endswith("-fixed")])
def test_findings_are_the_same_on_whichever_processors_it_happens(scenario: str, tmp_path: Path) -> None:
    assert_spread_alike(played(scenario, 1), 1, tmp_path / "spread.etl")


@pytest.mark.repeats
@pytest.mark.parametrize("scenario", [name for i, name in enumerate(SCENARIOS) if name.endswith("-fixed") or i % 2])
def test_findings_are_the_same_with_another_seed(scenario: str, tmp_path: Path) -> None:
    assert_cut_alike(played(scenario, 2), tmp_path / "cut.etl")
    assert_spread_alike(played(scenario, 2), 2, tmp_path / "spread.etl")
