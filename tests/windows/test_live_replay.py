"""A simulated trace through the whole live path: stand-in, Windows' API, native callback, ring, batches, analysis."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.etl.options import TraceOptions
from fixtures.etl.writer import EtlWriter
from fixtures.kernel.machine import START_TICKS
from fixtures.session import group_masks
from fixtures.settings import Settings, StackMode
from fixtures.simulate import Simulation, simulate
from tests.analyzers.against_truth import analysed, concluded
from tests.windows.capturing import followed, open_capture
from tests.windows.standin import StandIn
from tests.windows.stream import busy_stream, delivered, stream_of
from tracer.live.plan import CapturePlan, Way

Play = Callable[[bytes], None]


def as_file(simulation: Simulation, folder: Path) -> Path:
    """The trace as a session writes it: its groups are in the file; a capture knows those that it has asked for."""
    settings = simulation.settings
    options = TraceOptions(processors=settings.cpus, start_ticks=START_TICKS, group_masks=group_masks(settings))
    path = folder / "trace.etl"
    path.write_bytes(EtlWriter(options).write(delivered(simulation.records)))
    return path


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        ("winsock-loop", Settings(iterations=45)),
        ("winsock-loop-fixed", Settings(iterations=45, stacks=StackMode.KEYED)),
        ("missing-free", Settings(iterations=220)),
    ],
)
def test_the_findings_are_those_of_the_file(
    standin: StandIn, play: Play, tmp_path: Path, way: Way, scenario: str, settings: Settings
) -> None:
    simulation = simulate(scenario, 7, settings)
    expected = analysed(as_file(simulation, tmp_path))
    play(stream_of(simulation))
    found = followed(open_capture(way), standin)
    assert concluded(found) == concluded(expected)
    assert found.pool.totals == expected.pool.totals
    assert found.info.duration_ns == expected.info.duration_ns
    assert (found.loss.events_lost, found.damage) == (0, ())
    assert (standin.count("ours"), standin.count("open")) == (0, 0)


def test_buffers_that_arrive_cpu_by_cpu_are_put_in_order_again(standin: StandIn, play: Play, tmp_path: Path) -> None:
    simulation = simulate("winsock-loop", 5, Settings(iterations=45))
    play(stream_of(simulation))
    standin.set(by_cpu=1)
    found = followed(open_capture(), standin)
    assert concluded(found) == concluded(analysed(as_file(simulation, tmp_path)))
    assert found.damage == ()


@pytest.mark.parametrize("way", [Way.SYSTEM_PROVIDERS, Way.PRIVATE_SYSTEM_LOGGER])
def test_a_capture_of_one_tag_has_that_tag_alone(standin: StandIn, play: Play, loop_stream: bytes, way: Way) -> None:
    play(loop_stream)
    found = followed(open_capture(way, CapturePlan(tags=(b"AfdE",))), standin)
    assert set(found.pool.tags.tag.tolist()) == {int.from_bytes(b"AfdE", "little")}
    assert found.pool.totals.allocations > 0


def test_where_the_session_lists_nothing_this_windows_is_asked_what_runs(standin: StandIn, play: Play) -> None:
    play(busy_stream(100_000))  # pool events and stacks alone
    found = followed(capture := open_capture(), standin)
    assert found.info.listed is not None
    assert found.info.listed.kinds >= {"process", "thread"}
    assert (os.getpid(), "python.exe") in found.names.process_names()
    assert any("named from a snapshot" in note for note in capture.notes)
    assert set(found.census.kernel_events) <= {0x0E20, 0x0E22, 0x1820}
    assert found.damage == ()
