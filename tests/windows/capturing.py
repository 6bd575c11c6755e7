"""A capture on Windows CPython, from the stand-in: Windows' own API but for what the machine says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from analyzers.analysis import Analysis
from analyzers.snapshot import Snapshot
from tests.analyzers.against_truth import NO_NAMES
from tests.windows.standin import StandIn
from tracer.live.api import Machine
from tracer.live.capture import Capture
from tracer.live.plan import CapturePlan, Way
from tracer.live.ring import KERNEL_RING_BYTES
from tracer.live.windows import WindowsApi
from tracer.trace import Batch

BUILDS: Final = {Way.SYSTEM_PROVIDERS: 26_100, Way.PRIVATE_SYSTEM_LOGGER: 19_045}
"""A build of Windows for each way of turning the kernel's events on."""


class Api(WindowsApi):
    """This Windows as if it were of another build and had other CPUs; every call is the real one's."""

    def __init__(self, way: Way = Way.SYSTEM_PROVIDERS, processors: int = 4) -> None:
        super().__init__()
        self._build = BUILDS[way]
        self._processors = processors

    def machine(self) -> Machine:
        real = super().machine()
        return Machine(self._build, self._processors, real.pointer_size, real.frequency)


def open_capture(
    way: Way = Way.SYSTEM_PROVIDERS, plan: CapturePlan | None = None, ring_bytes: int = KERNEL_RING_BYTES
) -> Capture:
    return Capture.open(plan or CapturePlan(), Api(way), ring_bytes=ring_bytes)


def follow(capture: Capture, standin: StandIn, take: Callable[[Batch], object], kinds: object = None) -> None:
    """Take all that the stand-in plays to all consumers, then stop."""
    consumers = standin.count("ours")
    for batch in capture.batches(kinds):  # type: ignore[arg-type]
        take(batch)
        if standin.count("exhausted") == consumers and not capture.wait(0.05):
            capture.stop()


def followed(capture: Capture, standin: StandIn) -> Snapshot:
    """What the analysis says of all that the stand-in plays."""
    with capture:
        analysis = Analysis(capture, NO_NAMES)
        follow(capture, standin, analysis.feed, Analysis.KINDS)
        return analysis.snapshot()
