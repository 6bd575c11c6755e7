"""The laws over traces of both writers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.accuracy.truth import Leak
from fixtures.simulate import Simulation
from tests.laws import (
    on_ids,
    on_memory,
    on_ports,
    on_sockets,
    on_stacks,
    on_stage_two,
    on_threads,
    on_truth,
    on_user_apcs,
)
from tests.laws.events import Held, Truth, read
from tests.laws.law import broken, report
from tests.laws.requests import Story, followed

ALL_LAWS = (on_ids, on_memory, on_ports, on_sockets, on_stacks, on_stage_two, on_threads, on_truth, on_user_apcs)
"""Their import puts the laws on the list."""


def held_in(leaks: Iterable[Mapping[str, Any]]) -> tuple[Held, ...]:
    """The held requests of a truth document's leaks."""
    return tuple(
        Held(each["irp"], each["why"], each["thread_id"], each["issued_ns"], each["completed_ns"])
        for leak in leaks
        for each in leak["held_requests"]
    )


def held_in_a_script(leaks: Iterable[Leak], story: Story) -> tuple[Held, ...]:
    """The same of a scripted trace, whose truth gives the IRPs alone: each is held in its latest use."""
    latest = {request.irp: request for request in story.requests}
    return tuple(
        Held(irp, leak.why or "unknown", latest[irp].thread, latest[irp].issued.at_ns, None)
        for leak in leaks
        for irp in leak.held | leak.unseen
        if irp in latest
    )


def truth_of(simulation: Simulation) -> Truth:
    """What the simulator knows."""
    functions = {int(address, 16): name.split("!")[-1] for address, name in simulation.truth["functions"].items()}
    sequence: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for place, record in enumerate(simulation.records):
        sequence[record.time, record.cpu, record.hook or record.id].append(place)
    return Truth(held_in(simulation.truth["leaks"]), functions, sequence)


def broken_by(simulation: Simulation, path: Path) -> str:
    """What a simulated trace breaks, in words; empty where it breaks nothing."""
    simulation.write(path)
    return report(broken(followed(read(path, truth_of(simulation)))))


def broken_by_script(data: bytes, leaks: Iterable[Leak], path: Path) -> str:
    """What a scripted trace breaks, in words."""
    path.write_bytes(data)
    story = followed(read(path))
    logged = replace(story.logged, held=held_in_a_script(leaks, story))
    return report(broken(replace(story, logged=logged)))
