"""How much is measured: everything, or just enough to see that the benchmark works."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from benchmarks.size import GIB, MIB

LEAST_BYTES_PER_OUTSTANDING: Final = 1024
"""Of a small trace: an allocation, its stack, and as much again for those that are freed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes in bytes, ``outstanding`` in allocations.

    ``memory``: (trace size, outstanding) of every memory measurement. ``long``: of the trace that is longer than the
    page cache. ``strict``: whether a missed
    limit makes the benchmark fail; a wrong result always does.
    """

    size: int
    outstanding: int
    warm_up_size: int
    warm_up_outstanding: int
    peer_size: int
    memory: tuple[tuple[int, int], ...]
    runs: int
    peer_seconds: float
    long: int
    strict: bool

    def sized(self, size: int) -> Plan:
        """With another trace for the speed, which may be too small for as many outstanding allocations."""
        return replace(self, size=size, outstanding=min(self.outstanding, size // LEAST_BYTES_PER_OUTSTANDING))


FULL: Final = Plan(
    size=GIB,
    outstanding=100_000,
    warm_up_size=2 * MIB,
    warm_up_outstanding=1_000,
    peer_size=16 * MIB,
    memory=((64 * MIB, 100_000), (4 * GIB, 100_000), (4 * GIB, 2_000_000)),
    runs=9,
    peer_seconds=3.0,
    long=20 * GIB,
    strict=True,
)
QUICK: Final = Plan(
    size=16 * MIB,
    outstanding=10_000,
    warm_up_size=2 * MIB,
    warm_up_outstanding=1_000,
    peer_size=2 * MIB,
    memory=((4 * MIB, 5_000), (16 * MIB, 10_000)),
    runs=3,
    peer_seconds=0.2,
    long=64 * MIB,
    strict=False,
)
