"""``python -m benchmarks.fleet.versions``: fleets of simulated traces, in each of which one version of a driver leaks.

Of the machines that have it most leak in their trace, as not every trace shows what a driver can do. As many fleets, in
which a leak has nothing to do with the version, tell how often one is named for no reason.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from analyzers.fleet.answer import answer
from benchmarks.fleet.plain import plain_loop
from benchmarks.fleet.plan import damaged
from fixtures.fleet import DRIVER, FleetTrace, stamp_of
from fixtures.settings import Settings

_VERSIONS: Final = (1, 2, 3)
_MACHINES: Final = range(40, 81)
"""So many that the version that leaks is on enough of them to tell."""
_LEAKS: Final = 0.85
"""Of the machines with the version that leaks, how many show it."""
_LEAKS_ANYHOW: Final = 0.3
_DAMAGED: Final = 0.03
_ROUNDS: Final = (30, 60, 90)
_SEEDS: Final = range(4)
_ENOUGH: Final = 0.98


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the version is named in 98 of 100 fleets, and none in 98 of 100 of the others; else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet.versions", description=__doc__)
    parser.add_argument("--fleets", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    named, unnamed, traces = 0, 0, 0
    for number in range(options.fleets):
        print(f"fleet {number + 1} of {options.fleets} ...", end="\r", file=sys.stderr)
        for matters in (True, False):
            rng = random.Random(f"{options.seed} {number} {matters}")
            leaking = rng.choice(_VERSIONS)
            told, count = _told(rng, leaking if matters else None)
            named += matters and told == (DRIVER, f"{stamp_of(leaking):08X}")
            unnamed += not matters and told is None
            traces += count
    print(json.dumps({"fleets": options.fleets, "traces": traces, "named": named, "unnamed": unnamed}, indent=1))
    return 0 if min(named, unnamed) >= _ENOUGH * options.fleets else 1


def _told(rng: random.Random, leaking: int | None) -> tuple[tuple[str, str] | None, int]:
    """The driver, and the time stamp of its version, that separates the machines of a fleet; and how many there are."""
    machines = rng.choice(_MACHINES)
    with TemporaryDirectory(prefix="poolscope-fleet-versions-") as folder:
        told = answer(*plain_loop(_traces(Path(folder), rng, machines, leaking)))
    found = next((each.separates for each in told.occurrences if each.separates is not None), None)
    return None if found is None else (found.driver, found.version[:8]), machines


def _traces(folder: Path, rng: random.Random, machines: int, leaking: int | None) -> Iterator[Path]:
    for number in range(machines):
        version = rng.choice(_VERSIONS)
        share = _LEAKS_ANYHOW if leaking is None else _LEAKS if version == leaking else 0
        scenario = "missing-free" if rng.random() < share else "cache"
        data = _made(scenario, rng.choice(_SEEDS), rng.choice(_ROUNDS)).on(f"PC-{number:05d}", version)
        path = folder / f"{number}.etl"
        path.write_bytes(damaged(data, rng) if rng.random() < _DAMAGED else data)
        yield path


@cache
def _made(scenario: str, seed: int, rounds: int) -> FleetTrace:
    return FleetTrace.of(scenario, seed, Settings(iterations=rounds))


if __name__ == "__main__":
    sys.exit(main())
