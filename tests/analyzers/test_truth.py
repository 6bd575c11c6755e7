"""On simulated traces the analysis is the truth, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tests.analyzers.against_truth import analysed, assert_agrees, drawn, rewritten, simulation_of

GROUPS, SEEDS_EACH = 20, 10


@pytest.mark.repeats
@pytest.mark.parametrize("group", range(GROUPS))
def test_the_pool_part_of_200_simulated_traces_is_their_truth(group: int, tmp_path: Path) -> None:
    path = tmp_path / "simulated.etl"
    for seed in range(group * SEEDS_EACH, (group + 1) * SEEDS_EACH):
        simulation = simulation_of(seed)
        simulation.write(path)
        assert_agrees(analysed(path), simulation)


@pytest.mark.repeats
def test_the_seeds_reach_every_kind_of_trace() -> None:
    scenarios, settings = zip(*(drawn(seed) for seed in range(GROUPS * SEEDS_EACH)), strict=True)
    assert set(scenarios) == set(SCENARIOS)
    assert {(each.pointer_size, each.compressed) for each in settings} == {(4, False), (4, True), (8, False), (8, True)}
    assert {1, 2, 64} <= {each.cpus for each in settings}
    assert {each.stacks for each in settings} == set(StackMode)
    pools = [simulation_of(seed).truth["pool"] for seed in range(12)]
    for count in ("replaced_without_free", "frees_without_allocation", "matched", "outstanding_count"):
        assert any(pool[count] for pool in pools), count


def test_the_truth_is_found_where_only_the_rundown_at_the_end_tells_names(tmp_path: Path) -> None:
    simulation = simulate("winsock-loop", 5, Settings(iterations=20, stacks=StackMode.NONE))
    at_start = {0x0303, 0x0503, 0x1403}
    records = [record for record in simulation.records if record.hook not in at_start]
    assert len(records) < len(simulation.records)
    path = tmp_path / "end-only.etl"
    path.write_bytes(rewritten(simulation, records, 0x10000))
    assert_agrees(analysed(path), simulation)


@pytest.mark.unjitted
@pytest.mark.parametrize("mode", StackMode)
def test_a_tiny_trace_is_its_truth(mode: StackMode, tmp_path: Path) -> None:
    simulation = simulate("missing-free", 3, Settings(iterations=4, cpus=2, stacks=mode, stray_frees=4))
    path = tmp_path / "tiny.etl"
    simulation.write(path)
    assert_agrees(analysed(path), simulation)
