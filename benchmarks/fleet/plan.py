"""The traces of the benchmark: which machine, which version, how large, and which of them are none."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fixtures.fleet import FleetTrace
from fixtures.settings import Settings

LEAKING: Final = 3
"""The version of the driver that leaks, of the three that there are."""
_VERSIONS: Final = (1, 2, LEAKING)
_SIZES: Final = ((40, 0.30), (400, 0.25), (1500, 0.25), (5000, 0.15), (15_000, 0.05))
"""Rounds of the scenario, and the share of the traces: 0.3, 1, 3, 10 and 40 MB or so, 5 MB in the mean."""
_SMALL: Final = ((40, 0.5), (120, 0.5))
_DAMAGED: Final = 0.03
_OTHERS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Plan:
    """``small``: traces of 0.3 to 0.6 MB."""

    traces: int
    seed: int
    small: bool

    def write(self, numbers: range, folder: Path) -> Iterator[Path]:
        """Write these of the traces, one after the other."""
        for number in numbers:
            path = folder / f"{number:05d}.etl"
            path.write_bytes(self._data(number))
            yield path

    def version(self, number: int) -> int:
        """Of the driver on a trace's machine."""
        return random.Random(f"{self.seed} version {number}").choice(_VERSIONS)

    def _data(self, number: int) -> bytes:
        rng = random.Random(f"{self.seed} {number}")
        drawn, version = rng.random(), self.version(number)
        if drawn < _OTHERS:
            return rng.randbytes(rng.randrange(1_000, 200_000))
        sizes = _SMALL if self.small else _SIZES
        rounds = rng.choices([each for each, _ in sizes], [share for _, share in sizes])[0]
        data = _made("missing-free" if version == LEAKING else "cache", rounds).on(f"PC-{number:05d}", version)
        return damaged(data, rng) if drawn < _OTHERS + _DAMAGED else data


@cache
def _made(scenario: str, rounds: int) -> FleetTrace:
    return FleetTrace.of(scenario, rounds, Settings(iterations=rounds))


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Cut off, or with noise in the midst of it."""
    at = rng.randrange(len(data) // 4, len(data))
    if rng.random() < 0.5:
        return data[:at]
    return data[:at] + rng.randbytes(4096) + data[at + 4096 :]
