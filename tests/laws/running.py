"""The laws over traces of both writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fixtures.simulate import Simulation
from tests.laws import on_ids, on_memory, on_ports, on_sockets, on_stage_two, on_threads, on_truth, on_user_apcs
from tests.laws.events import Held, read
from tests.laws.law import broken, report
from tests.laws.requests import followed

ALL_LAWS = (on_ids, on_memory, on_ports, on_sockets, on_stage_two, on_threads, on_truth, on_user_apcs)
"""Their import puts the laws on the list."""


def held_in(leaks: Iterable[Mapping[str, Any]]) -> tuple[Held, ...]:
    """The held requests of a truth document's leaks."""
    return tuple(
        Held(each["irp"], each["why"], each["thread_id"], each["issued_ns"], each["completed_ns"])
        for leak in leaks
        for each in leak["held_requests"]
    )


def broken_by(simulation: Simulation, path: Path) -> str:
    """What a simulated trace breaks, in words; empty where it breaks nothing."""
    simulation.write(path)
    functions = {int(address, 16): name.split("!")[-1] for address, name in simulation.truth["functions"].items()}
    return report(broken(followed(read(path, held_in(simulation.truth["leaks"]), functions))))
