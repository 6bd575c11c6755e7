"""A busy kernel: 200,000 records a second, every second one a stack of 16 frames, in the stream's own time."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.windows.capturing import open_capture
from tests.windows.standin import StandIn
from tests.windows.stream import busy_stream

Play = Callable[[bytes], None]
RATE = 200_000
SECONDS = 3


def test_nothing_is_lost_of_a_busy_kernels_events(standin: StandIn, play: Play) -> None:
    play(busy_stream(RATE))
    standin.set(speed=100, loop=1)
    taken = 0
    with open_capture() as capture:
        end = time.monotonic() + SECONDS
        for batch in capture.batches():
            taken += sum(len(table) for table in batch.tables.values())
            if time.monotonic() >= end:
                capture.stop()
            capture.wait(0.05)
    delivered = standin.count("delivered")
    assert delivered > RATE  # the machine may be slow to begin; a second's worth at least has come
    assert (standin.count("lost"), capture.loss.events_lost) == (0, 0)
    assert capture.census.total == delivered
    assert capture.damage == ()
    assert taken * 2 == delivered or taken * 2 == delivered + 1  # the others are the stacks
