"""A busy kernel: 200,000 records a second, every second one a stack of 16 frames, in the stream's own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fixtures.simulate import Simulation
from tests.analyzers.against_truth import analysed
from tests.windows.capturing import open_capture
from tests.windows.standin import StandIn
from tests.windows.stream import busy_stream

Play = Callable[[bytes], None]
RATE = 200_000
SECONDS = 3
ASKED = frozenset({"process", "thread", "image"})
"""Kinds that the stream has not, and that the machine is asked for where none came."""


def test_nothing_is_lost_of_a_busy_kernels_events(
    standin: StandIn, play: Play, loop: Simulation, tmp_path: Path
) -> None:
    loop.write(tmp_path / "loop.etl")
    analysed(tmp_path / "loop.etl")  # a capture cannot wait for kernels to be compiled
    play(busy_stream(RATE))
    standin.set(speed=100, loop=1)
    taken = 0
    with open_capture() as capture:
        end = time.monotonic() + SECONDS
        for batch in capture.batches():
            taken += sum(len(table) for kind, table in batch.tables.items() if kind not in ASKED)
            if time.monotonic() >= end:
                capture.stop()
            capture.wait(0.05)
    delivered = standin.count("delivered")
    assert delivered > RATE  # the machine may be slow to begin; a second's worth at least has come
    assert (standin.count("lost"), capture.loss.events_lost) == (0, 0)
    assert capture.census.total == delivered
    assert capture.damage == ()
    assert taken * 2 == delivered or taken * 2 == delivered + 1  # the others are the stacks
