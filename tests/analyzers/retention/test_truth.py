"""On simulated traces, what holds requests retains what was leaked, to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analyzers.findings import Apc, Kept
from analyzers.retention.graph import Retention
from analyzers.retention.nodes import Node, NodeKind
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import analysed

MACHINES = {
    "one-cpu": Settings(iterations=60, cpus=1),
    "two-cpus-x86": Settings(iterations=60, cpus=2, pointer_size=4),
    "four-cpus-keyed": Settings(iterations=50, cpus=4, stacks=StackMode.KEYED, compressed=True),
    "many-cpus": Settings(iterations=70, cpus=33, frequency=1_818_300),
    "no-stacks": Settings(iterations=60, cpus=8, stacks=StackMode.NONE),
}
HOLDERS = {NodeKind.PENDING_APC, NodeKind.PORT, NodeKind.DRIVER_KEPT, NodeKind.HELD}


def retention_of(simulation: Simulation, path: Path) -> Retention:
    simulation.write(path)
    context = analysed(path).context
    assert context is not None
    return context.retention


def holder_of(leak: dict[str, Any]) -> Node:
    """The node of what holds a leak's requests."""
    if leak["apc"] is not None:
        return Node(NodeKind.PENDING_APC, (leak["process_id"], leak["thread_id"], str(Apc(leak["apc"]))))
    if leak["port"] is not None:
        return Node(NodeKind.PORT, (1,))
    return Node(NodeKind.DRIVER_KEPT, (leak["driver"], str(Kept(leak["kept"]))))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("seed", [1, 20])
def test_the_user_apcs_of_the_looping_thread_retain_exactly_what_it_leaked(
    machine: str, seed: int, tmp_path: Path
) -> None:
    simulation = simulate("winsock-loop", seed, MACHINES[machine])
    (leak,) = simulation.truth["leaks"]
    kept = retention_of(simulation, tmp_path / "loop.etl")
    assert leak["retained_bytes"] > 0
    assert kept.retained(holder_of(leak)) == leak["retained_bytes"]


@pytest.mark.parametrize("scenario", ["undrained-port-event", "driver-stops-completion", "two-holders"])
def test_ports_and_drivers_retain_exactly_what_was_leaked(scenario: str, tmp_path: Path) -> None:
    simulation = simulate(scenario, 4, Settings(iterations=60))
    kept = retention_of(simulation, tmp_path / "held.etl")
    for leak in simulation.truth["leaks"]:
        assert kept.retained(holder_of(leak)) == leak["retained_bytes"] > 0


def test_nothing_is_held_where_the_loop_waits_alertably(tmp_path: Path) -> None:
    simulation = simulate("winsock-loop-fixed", 3, Settings(iterations=40))
    kept = retention_of(simulation, tmp_path / "fixed.etl")
    assert [node for node in kept.graph.nodes if node.kind in HOLDERS] == []
