"""The stand-ins, bound before anything can have bound Windows' own; everything here is skipped where there are none."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.simulate import Simulation, simulate
from tests.windows.standin import VARIABLE, StandIn
from tests.windows.stream import stream_of

_BOUND = StandIn.bound() if sys.platform == "win32" and os.environ.get(VARIABLE) else None


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """The stand-in, with nothing running before and nothing left behind."""
    if _BOUND is None:
        pytest.skip("no stand-in for Windows' event tracing here: .ci/windows/run builds it and runs this under Wine")
    _BOUND.reset()
    yield _BOUND
    _BOUND.reset()


@pytest.fixture(scope="session")
def loop() -> Simulation:
    """A loop of the case's own calls, leaking."""
    return simulate("winsock-loop", 7)


@pytest.fixture
def play(standin: StandIn, tmp_path: Path) -> Callable[[bytes], None]:
    """Make a stream what the kernel logs."""

    def played(stream: bytes) -> None:
        path = tmp_path / "played.stream"
        path.write_bytes(stream)
        standin.play(path)

    return played


@pytest.fixture(scope="session")
def loop_stream(loop: Simulation) -> bytes:
    """The loop's trace as Windows would deliver it."""
    return stream_of(loop)
