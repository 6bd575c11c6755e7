"""On simulated traces of the loop, the delivery of the pending APCs would release what was leaked, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.activity import Activity
from analyzers.analysis import Analysis
from analyzers.apcs.packets import packets_of
from analyzers.apcs.pending import pending_rows
from analyzers.requests.tracker import Requests
from analyzers.retention.attribution import attribute
from analyzers.retention.graph import Retention, build
from analyzers.tags import TagNames
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tracer.etl.file import EtlFile

MACHINES = {
    "one-cpu": Settings(iterations=60, cpus=1),
    "two-cpus-x86": Settings(iterations=60, cpus=2, pointer_size=4),
    "four-cpus-keyed": Settings(iterations=50, cpus=4, stacks=StackMode.KEYED, compressed=True),
    "many-cpus": Settings(iterations=70, cpus=33, frequency=1_818_300),
    "no-stacks": Settings(iterations=60, cpus=8, stacks=StackMode.NONE),
}


def retention_of(simulation: Simulation, path: Path) -> Retention:
    simulation.write(path)
    with EtlFile.open(path) as source:
        analysis, requests, activity = Analysis(source, TagNames.load()), Requests(), Activity()
        for batch in source.batches(Analysis.KINDS | Requests.KINDS | Activity.KINDS):
            analysis.feed(batch)
            requests.feed(batch)
            activity.feed(batch)
        snapshot = analysis.snapshot()
        names, running = analysis._names, analysis._running
        seen = requests.snapshot(names.threads, running)
    pool = snapshot.pool
    pending = pending_rows(seen, activity, snapshot.at_ns, packets_of(pool, seen.requests)).rows
    found = attribute(pool.outstanding, pool.sites, pool.tags, seen.requests, seen.sockets, pending)

    def module_of(address: int) -> str:
        module = names.modules.find(address)
        return module.name if module is not None else ""

    return build(pool, seen.requests, seen.sockets, pending, found, names.process, module_of)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("seed", [1, 20])
def test_the_pending_apcs_of_the_looping_thread_retain_exactly_what_it_leaked(
    machine: str, seed: int, tmp_path: Path
) -> None:
    simulation = simulate("winsock-loop", seed, MACHINES[machine])
    leak = simulation.truth["leaks"][0]
    kept = retention_of(simulation, tmp_path / "loop.etl")
    assert leak["bytes"] > 0
    assert kept.retained(kept.pending(leak["process_id"], leak["thread_id"])) == leak["bytes"]


def test_no_apc_retains_anything_where_the_loop_takes_its_apcs(tmp_path: Path) -> None:
    simulation = simulate("winsock-loop-fixed", 3, Settings(iterations=40))
    kept = retention_of(simulation, tmp_path / "fixed.etl")
    assert [node for node in kept.graph if node.kind == "pending-apc"] == []
