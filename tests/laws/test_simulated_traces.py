"""What the simulated kernel plays breaks no law, on any machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.laws.running import broken_by

MACHINES = (
    Settings(iterations=30, cpus=1),
    Settings(iterations=30, pointer_size=4, stacks=StackMode.KEYED),
    Settings(iterations=100, cpus=2, think_ns=60_000),
    Settings(iterations=25, cpus=8, think_ns=6_000_000, varied=True),
    Settings(iterations=60, cpus=4, varied=True, stacks=StackMode.NONE),
)
SPREAD = [(scenario, (i + step) % len(MACHINES)) for i, scenario in enumerate(SCENARIOS) for step in (0, 2)]
"""Each scenario on two machines, each machine with many scenarios."""


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_a_scenario_breaks_no_law(scenario: str, tmp_path: Path) -> None:
    assert broken_by(simulate(scenario, 1, Settings(iterations=40)), tmp_path / "trace.etl") == ""


@pytest.mark.repeats
@pytest.mark.parametrize(("scenario", "machine"), SPREAD)
def test_a_scenario_breaks_no_law_on_another_machine(scenario: str, machine: int, tmp_path: Path) -> None:
    assert broken_by(simulate(scenario, 2 + machine, MACHINES[machine]), tmp_path / "trace.etl") == ""
