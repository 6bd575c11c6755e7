"""Requests and sockets of simulated traces, compared with what the simulator knows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzers.requests.tables import NEVER, Finished, Queued, RequestSnapshot
from analyzers.requests.tracker import Requests
from analyzers.scheduling import CpuTimeline
from analyzers.threads import Threads
from fixtures.settings import Settings
from fixtures.simulate import Simulation, simulate
from tests.analyzers.requests.script import plain
from tracer.etl.file import WINDOW_BYTES, EtlFile


def snapshot(path: Path, window_bytes: int = WINDOW_BYTES) -> RequestSnapshot:
    """The snapshot at the end of a trace."""
    with EtlFile.open(path, window_bytes=window_bytes, threads=1) as source:
        requests, threads = Requests(), Threads()
        timeline = CpuTimeline(threads)
        for batch in source.batches(CpuTimeline.KINDS | Requests.KINDS):
            timeline.stamp(batch)
            requests.feed(batch)
            if "thread" in batch.tables:
                threads.feed(batch.tables["thread"])
        return requests.snapshot(timeline)


def written(simulation: Simulation, directory: Path) -> Path:
    path = directory / "trace.etl"
    simulation.write(path)
    return path


def irps(held: Iterable[dict[str, Any]]) -> list[int]:
    return sorted(request["irp"] for request in held)


@pytest.mark.parametrize(("cpus", "pointer_size"), [(1, 8), (2, 4), (8, 8)])
def test_the_requests_whose_apcs_never_ran_are_left_and_no_others(cpus: int, pointer_size: int, tmp_path: Path) -> None:
    simulation = simulate("winsock-loop", 7, Settings(iterations=40, cpus=cpus, pointer_size=pointer_size))
    (leak,) = simulation.truth["leaks"]
    requests = snapshot(written(simulation, tmp_path)).requests
    completed = requests.completed_ns != NEVER
    assert sorted(requests.irp[completed].tolist()) == irps(leak["held_requests"])
    assert (requests.thread[completed] == leak["thread_id"]).all()
    assert (requests.process[completed] == leak["process_id"]).all()


def test_stage_two_of_all_of_them_is_seen_to_have_run_and_their_sockets_are_gone(tmp_path: Path) -> None:
    simulation = simulate("winsock-loop", 3, Settings(iterations=40))
    found = snapshot(written(simulation, tmp_path))
    requests = found.requests
    completed = requests.completed_ns != NEVER
    assert np.isin(requests.finished_by[completed], (Finished.FILE_CLOSED, Finished.ENDPOINT_GONE)).all()
    assert (requests.finished_ns[completed] > requests.completed_ns[completed]).all()
    assert (requests.cleaned_ns[completed] != NEVER).all()
    assert found.counts.sockets_cleaned == found.counts.sockets_created > 0


def test_what_a_port_holds_is_all_that_is_left_in_queues(tmp_path: Path) -> None:
    simulation = simulate("undrained-port", 3, Settings(iterations=40))
    (leak,) = simulation.truth["leaks"]
    found = snapshot(written(simulation, tmp_path))
    waiting = found.requests.queued == Queued.WAITING
    assert sorted(found.requests.irp[waiting].tolist()) == irps(leak["held_requests"])
    assert not found.requests.finished_by[waiting].any()


@pytest.mark.parametrize("cpus", [1, 4])
def test_where_the_apcs_run_nothing_that_was_completed_is_left(cpus: int, tmp_path: Path) -> None:
    simulation = simulate("winsock-loop-fixed", 5, Settings(iterations=60, cpus=cpus))
    found = snapshot(written(simulation, tmp_path))
    blocks = {row["address"] for row in simulation.truth["outstanding"]}
    left = found.requests.irp[found.requests.completed_ns != NEVER].tolist()
    assert not blocks.intersection(left)
    assert found.counts.sockets_cleaned == found.counts.sockets_created > 0


@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_the_window_makes_no_difference(lost: float, tmp_path: Path) -> None:
    settings = Settings(iterations=40, cpus=3, buffer_size=4096, lost_events=lost)
    path = written(simulate("winsock-loop", 11, settings), tmp_path)
    assert plain(snapshot(path, 3 * 4096)) == plain(snapshot(path, 17 * 4096)) == plain(snapshot(path))
