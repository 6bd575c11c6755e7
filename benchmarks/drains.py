"""``python -m benchmarks.drains``: what a drain tells of simulated leaks and of late frees.

Each story is played three times from one seed: with a session that ends with the load, one whose file says when the
drain began, and one that leaves allocations out from then on. Clean ones are late frees, and all scenarios in which
nothing leaks; leaking ones are those whose memory a driver forgets.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Final

from analyzers.snapshot import Snapshot
from analyzers.tags import TagNames
from benchmarks.accuracy import from_kernel
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.accuracy.truth import Truth
from benchmarks.analysed import analysed
from fixtures.scenarios import SCENARIOS
from fixtures.settings import Drain, Settings
from fixtures.simulate import simulate

LATE: Final = "late-frees"
CLEAN: Final = tuple(name for name, each in SCENARIOS.items() if "nothing leaks" in each.summary and name != LATE)
LEAKING: Final = ("missing-free", "growth", "late-leak", "two-leaks", "worker-leak", "registry-leak", "irp-leak")
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Played:
    """A story as one session saw it. ``confidence``: of the finding about its leak, or of the first accusation.

    0 where there is none. ``known``: how its drain was known, empty for none.
    """

    kind: str
    seed: int
    session: Drain
    confidence: float
    known: str


def played(kind: str, seed: int) -> Iterator[Played]:
    """The three sessions of a story."""
    rng = random.Random(seed)
    seconds = 10 ** rng.uniform(-1, 1.3)
    rounds = rng.randrange(100, 300)
    load = Settings(iterations=rounds, think_ns=int(seconds * _SECOND_NS / rounds), cpus=rng.choice((1, 2, 4)))
    settings = replace(load, drain_ns=int(seconds * rng.uniform(1, 3) * _SECOND_NS), varied=True)
    for session in (Drain.NONE, Drain.MARKED, Drain.FREES):
        simulation = simulate(kind, seed, replace(settings, drain=session))
        snapshot = analysed(simulation.data, TagNames(()))
        drain = None if snapshot.coverage is None else snapshot.coverage.drain
        sure = _confidence(snapshot, from_kernel.truth_of(simulation, Spoiling.NONE))
        yield Played(kind, seed, session, sure, "" if drain is None else str(drain.by))


def _confidence(snapshot: Snapshot, truth: Truth) -> float:
    tags = {tag for leak in truth.leaks for tag in leak.tags}
    found = [each.confidence for each in snapshot.diagnosis.findings if not tags or each.tag in tags]
    return max(found, default=0.0)


def report(outcomes: Sequence[Played], what: str) -> list[str]:
    """How often each session's trace has an accusation, and how sure these are."""
    lines = [what]
    for session in (Drain.NONE, Drain.MARKED, Drain.FREES):
        mine = [each for each in outcomes if each.session is session]
        sure = [each.confidence for each in mine if each.confidence]
        known = sum(bool(each.known) for each in mine)
        mean = f", {sum(sure) / len(sure):.2f} sure on average, {max(sure):.2f} at most" if sure else ""
        lines.append(f"  {session:<7} {known:>3} drains known, {len(sure):>3} of {len(mine)} accused{mean}")
    return lines


def main(words: Sequence[str] | None = None) -> int:
    """Play them and print what came of it; 1 where a drain makes a clean trace accused that is not without it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drains", description=__doc__)
    parser.add_argument("--traces", type=int, default=20, metavar="N", help="stories of each sort (default 20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the first (default 1)")
    args = parser.parse_args(words)
    worse = 0
    sorts = (("late frees", (LATE,)), ("nothing leaks", CLEAN), ("leaks", LEAKING))
    for what, kinds in sorts:
        outcomes: list[Played] = []
        for number, kind in enumerate(islice(cycle(kinds), args.traces)):
            outcomes += played(kind, args.seed + number)
        print("\n".join(report(outcomes, what)), flush=True)
        before = {(each.kind, each.seed) for each in outcomes if each.session is Drain.NONE and each.confidence}
        for each in outcomes:
            accused = each.confidence and (each.kind, each.seed) not in before
            if what != "leaks" and accused:
                worse += 1
                print(f"  accused only with a drain: {each.kind}, seed {each.seed}, {each.session}, {each.confidence}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
