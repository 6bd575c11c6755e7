"""What the simulated kernel plays breaks no law, on any machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.laws.running import broken_by


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_a_scenario_breaks_no_law(scenario: str, tmp_path: Path) -> None:
    assert broken_by(simulate(scenario, 1, Settings(iterations=40)), tmp_path / "trace.etl") == ""


@pytest.mark.repeats
@pytest.mark.parametrize(
    ("seed", "settings"),
    [
        (2, Settings(iterations=30, cpus=1)),
        (3, Settings(iterations=30, pointer_size=4, stacks=StackMode.KEYED)),
        (4, Settings(iterations=150, cpus=2, think_ns=60_000)),
        (5, Settings(iterations=25, cpus=8, think_ns=6_000_000, varied=True)),
        (6, Settings(iterations=60, cpus=4, varied=True, stacks=StackMode.NONE)),
    ],
)
@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_a_scenario_breaks_no_law_on_another_machine(
    scenario: str, seed: int, settings: Settings, tmp_path: Path
) -> None:
    assert broken_by(simulate(scenario, seed, settings), tmp_path / "trace.etl") == ""
