"""``python -m benchmarks.series``: how many of the drawn series of ``docs/trends.md`` are said to rise."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.analyzers.series import CLEAN, LEAKS, Story, judged


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.series", description=__doc__)
    parser.add_argument("--count", type=int, default=2_000, metavar="N", help="series of each kind (2000)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="of the first series (0)")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.count)
    for title, stories in (("leaks", LEAKS), ("clean", CLEAN)):
        print(f"{title}: said to rise, of {len(seeds):,}")
        rising = {story: _rising(story, seeds) for story in stories}
        for story, count in rising.items():
            _print(story.__name__.replace("_", " "), count, len(seeds))
        _print("all", sum(rising.values()), len(seeds) * len(stories))
    return 0


def _rising(story: Story, seeds: Sequence[int]) -> int:
    return sum(judged(story, seed).rising for seed in seeds)


def _print(name: str, count: int, of: int) -> None:
    print(f"  {name:32}{count:8,}  {count / of:8.2%}")


if __name__ == "__main__":
    sys.exit(main())
