"""``python -m benchmarks.loss``: events are taken from simulated traces; intervals and accusations held against truth.

The constants of intervals were set on traces with seeds below 10,000; by default others are played.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import get_context
from typing import Final, TypeVar

from benchmarks.accuracy.corpus import Writer
from benchmarks.loss.accusations import Outcome, accusations
from benchmarks.loss.coverage import Coverage, covered
from benchmarks.loss.losing import Way

_Case = tuple[Writer, str, int]
_Result = TypeVar("_Result")
ROUNDS: Final = 3
LEAST_INSIDE: Final = 0.95
"""Share of intervals that must hold the truth, by way of loss, writer and total."""
_ACCUSED_BY: Final = (Way.FREES, Way.FREES_TOLD, Way.POOL, Way.RUNS_TOLD)
"""Ways whose accusations are looked at: frees alone, and what real sessions do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every limit is kept, 1 where one is missed."""
    options = _parser().parse_args(arguments)
    cases = [
        (writer, kind, options.seed + 2 * turn)
        for turn in range(options.rounds)
        for writer in Writer
        for kind in (writer.kinds if options.only else writer.ended)
        if not options.only or kind in options.only
    ]
    number, parts = options.part
    cases = cases[number - 1 :: parts]
    kept = [
        *([_intervals(cases, options)] if options.what != "accusations" else []),
        *([_accused(cases, options)] if options.what != "intervals" else []),
    ]
    return 0 if all(kept) else 1


def _intervals(cases: Sequence[_Case], options: argparse.Namespace) -> bool:
    """Print how many of the intervals hold the truth; whether enough of each sort do."""
    found: dict[tuple[Way, Writer], Coverage] = {}
    ways = options.way or list(Way)
    for (writer, _, _), result in zip(cases, _each(partial(covered, ways=ways), cases, options.processes), strict=True):
        for way, coverage in result.items():
            found[way, writer] = found.get((way, writer), Coverage()) + coverage
    print("Intervals that hold the truth, of all tags and by tag; their median width by the truth; open ones")
    for (way, writer), coverage in sorted(found.items(), key=lambda item: (item[0][0].name, item[0][1])):
        print(f"\n{way.words}, {writer}: {coverage.traces} traces, {coverage.silent} without any sign of loss")
        print("\n".join(coverage.lines()))
    return all(coverage.least >= LEAST_INSIDE for coverage in found.values())


def _accused(cases: Sequence[_Case], options: argparse.Namespace) -> bool:
    """Print who is accused where frees were lost; whether no innocent is, and the guilty is still first."""
    ways = [way for way in options.way or _ACCUSED_BY if way is not Way.BUFFERS]
    results = list(chain.from_iterable(_each(partial(accusations, ways=ways), cases, options.processes)))
    print("\nAccusations: traces; accused above 0.5, or without a word of loss (clean ones); culprit no longer first")
    for way in ways:
        for share in way.shares:
            mine = [one for one in results if (one.way, one.share) == (way, share)]
            if mine:
                counts = [sum(one.outcome is outcome for one in mine) for outcome in Outcome]
                words = ", ".join(f"{count} {outcome}" for count, outcome in zip(counts, Outcome, strict=True) if count)
                print(f"{way.words}, {100 * share:g} %: {len(mine)} traces: {words}")
    wrong = [one for one in results if one.outcome.is_wrong]
    print(
        "\n".join(
            f"{one.outcome}: {one.writer} {one.kind} {one.seed} {one.way.name} {one.share}: {one.says}" for one in wrong
        )
    )
    return not wrong


def _each(work: Callable[[_Case], _Result], cases: Sequence[_Case], processes: int) -> Iterator[_Result]:
    if processes == 1:
        yield from map(work, cases)
        return
    with ProcessPoolExecutor(processes or None, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, cases)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loss", description=__doc__)
    kinds = sorted({kind for writer in Writer for kind in writer.kinds})
    parser.add_argument("what", nargs="?", choices=["all", "intervals", "accusations"], default="all")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"over all kinds ({ROUNDS})")
    parser.add_argument(
        "--seed", type=int, default=10_001, help="of the first round (10001); each other round's is 2 more"
    )
    parser.add_argument("--only", choices=kinds, nargs="+", metavar="KIND", help="these kinds")
    parser.add_argument("--way", type=_way, nargs="+", help="these only: " + ", ".join(way.name.lower() for way in Way))
    parser.add_argument("--part", type=_part, default=(1, 1), metavar="K/N", help="every Nth case, from the Kth on")
    parser.add_argument("--processes", type=int, default=0, help="how many at once (one a core)")
    return parser


def _way(name: str) -> Way:
    return Way[name.upper()]


def _part(text: str) -> tuple[int, int]:
    number, parts = map(int, text.split("/"))
    if not 1 <= number <= parts:
        raise ValueError
    return number, parts


if __name__ == "__main__":
    sys.exit(main())
