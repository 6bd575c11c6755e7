"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.size import MIB


@dataclass(frozen=True, slots=True)
class Plan:
    """``outstanding``: allocations in the table; ``beside``: rows given to textual's table.

    ``held``: held requests in their view. ``replay_size``: bytes of the trace that is replayed; ``keys``: how
    many are pressed meanwhile at most. ``soak_minutes``: how long memory is watched. ``strict``: whether a missed limit
    makes the benchmark fail.
    """

    outstanding: int
    held: int
    beside: int
    replay_size: int
    keys: int
    soak_minutes: float
    strict: bool


FULL: Final = Plan(1_000_000, 100_000, 100_000, 256 * MIB, 400, 1.0, strict=True)
QUICK: Final = Plan(50_000, 5_000, 2_000, 32 * MIB, 40, 0.05, strict=False)
