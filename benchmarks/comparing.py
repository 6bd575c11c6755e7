"""``python -m benchmarks.comparing``: how often a comparison of two simulated traces names what leaks more, or nothing.

Pairs with a leak are a fixed program and the same one unfixed; clean pairs are two runs of one harmless load. The two
traces of a pair have seeds of their own.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Final

from analyzers.comparison.changes import Change, Comparison, Difference, compare
from analyzers.comparison.populations import By
from analyzers.pooltag import tag_text
from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from benchmarks.accuracy import from_kernel
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.accuracy.truth import Leak, Truth, plain
from benchmarks.analysed import analysed
from fixtures.scenarios import SCENARIOS
from fixtures.settings import Settings
from fixtures.simulate import simulate

_FIXED: Final = "-fixed"
LEAKING: Final = tuple(kind for kind in SCENARIOS if kind + _FIXED in SCENARIOS)
HARMLESS: Final = (
    *(kind for kind in SCENARIOS if kind.endswith(_FIXED)),
    "cache", "churn", "completion-port", "synchronous-completion", "alertable-drains", "long-polls", "fast-io",
    "steady-server", "sawtooth-cache", "warm-up", "burst",
)  # fmt: skip
_TOLD: Final = 0.98
"""Share of pairs with a leak whose tag and driver are named first, and of clean ones without a change."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One pair: what went wrong, empty where nothing did."""

    kind: str
    seed: int
    leaks: bool
    wrong: str


def outcomes(leaking: int, clean: int, seed: int, times: float | None = None) -> Iterator[Outcome]:
    """So many pairs of each, going round the kinds; ``times``: by how much the second trace is longer."""
    for number, kind in enumerate(islice(cycle(LEAKING), leaking)):
        at = seed + 2 * number
        machine, longer = _machine(at, times)
        before, _ = _played(kind + _FIXED, at, machine)
        after, truth = _played(kind, at + 1, longer)
        yield Outcome(kind, at, True, _misnamed(compare([before, after]), truth))
    for number, kind in enumerate(islice(cycle(HARMLESS), clean)):
        at = seed + 2 * number
        machine, longer = _machine(at, times)
        found = compare([_played(kind, at, machine)[0], _played(kind, at + 1, longer)[0]])
        yield Outcome(kind, at, False, ", ".join(map(_said, _changed(found))))


def _machine(seed: int, times: float | None) -> tuple[Settings, Settings]:
    """A machine with the usual programs, and the same one watched for another time."""
    rng = random.Random(seed)
    rounds = rng.randrange(100, 400)
    first = Settings(
        cpus=rng.choice((1, 2, 4, 8)),
        pointer_size=rng.choice((8, 8, 8, 4)),
        iterations=rounds,
        think_ns=int(60_000 * 100 ** rng.random()),
    )
    return first, replace(first, iterations=max(int(rounds * (times or rng.uniform(0.7, 1.6))), 1))


def _played(kind: str, seed: int, settings: Settings) -> tuple[Snapshot, Truth]:
    simulation = simulate(kind, seed, settings)
    truth = from_kernel.truth_of(simulation, Spoiling.NONE)
    return analysed(simulation.data, TagNames(())), truth


def _changed(found: Comparison) -> list[Difference]:
    return [each for each in found.differences if each.change is not Change.STEADY or each.less]


def _misnamed(found: Comparison, truth: Truth) -> str:
    """What is first instead of the leak's tag or culprit."""
    wrong = []
    for by in (By.TAG, By.DRIVER, By.PROCESS):
        first = next((each for each in found.differences if each.by is by), None)
        fits = [_fits(by, first, leak) for leak in truth.leaks]
        if None not in fits and not any(fits):
            wrong.append("nothing" if first is None else _said(first))
    return "; ".join(wrong)


def _fits(by: By, first: Difference | None, leak: Leak) -> bool | None:
    """Whether it is the leak's; ``None`` where the truth names nobody of the kind."""
    if by is By.TAG:
        named = {tag_text(tag) for tag in leak.tags}
    elif by is By.DRIVER and leak.accused == {"driver"}:
        named = set(leak.drivers)
    else:
        return None
    if first is None or first.change not in (Change.NEW, Change.GROWN):
        return False
    return (plain(first.key[0]) if by is By.DRIVER else first.key[0]) in named


def _said(difference: Difference) -> str:
    return f"{difference.by} {' '.join(difference.key[:2])} {difference.change}{' less' if difference.less else ''}"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where both shares are reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparing", description=__doc__)
    parser.add_argument("--leaking", type=int, default=100, help="pairs with a leak (100)")
    parser.add_argument("--clean", type=int, default=50, help="clean pairs (50)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--times", type=float, help="so much longer is the second trace (0.7 to 1.6 times, by the seed)"
    )
    options = parser.parse_args(arguments)
    done = list(outcomes(options.leaking, options.clean, options.seed, options.times))
    kept = True
    for leaks, what in ((True, "named first"), (False, "no change")):
        mine = [each for each in done if each.leaks is leaks]
        right = sum(not each.wrong for each in mine)
        kept &= right >= _TOLD * len(mine)
        print(f"{what}: {right} of {len(mine)}")
        for each in mine:
            if each.wrong:
                print(f"  {each.kind} {each.seed}: {each.wrong}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
