"""Hostile inputs for every parser of what comes from outside: ``python -m tests.fuzzing``.

Each must be read or refused in words, within its time and memory, and what is read must fit together. Any input can be
made again: ``TARGET --seed S --first N --executions 1``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fuzzing.running import Campaign, Plan, Result
from tests.fuzzing.tally import tally
from tests.fuzzing.target import NAMES, load

MOST: int = 1 << 62


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 where a defect was found."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.tally:
        print(tally(options.tally))
        return 0
    if options.coverage:
        from tests.fuzzing.measuring import measure

        print(measure(options.targets or _that_run(), options.executions or 200, options.seed))
        return 0
    found = False
    for result in _results(options):
        found |= bool(result.found)
        print("\n    ".join([_said(result), *result.found]), flush=True)
        if options.log:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(result.document() + "\n")
    if found:
        print(f"inputs: {options.found}")
    return int(found)


def _said(result: Result) -> str:
    done = (
        f"{result.executions:>12,} in {result.seconds:>7,.0f} s, {result.executions / (result.seconds or 1):>8,.0f}/s"
    )
    rest = f"slowest {result.slowest * 1e3:,.0f} ms, {len(result.found)} found"
    return f"{result.target:14} {result.engine:10} {done}, {rest}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[*NAMES, []], help=", ".join(NAMES))
    parser.add_argument("--engine", choices=("mutate", "atheris", "hypothesis"), default="mutate")
    parser.add_argument("--executions", type=int, help="at most so many of each target")
    parser.add_argument("--seconds", type=float, help="at most so long for each target (10, where nothing bounds it)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first input")
    folder = Path(tempfile.gettempdir()) / "poolscope-found"
    parser.add_argument(
        "--found", type=Path, default=folder, metavar="FOLDER", help=f"where inputs with defects go ({folder})"
    )
    parser.add_argument("--keep", type=int, default=0, metavar="N", help="atheris: put N inputs into the corpus")
    parser.add_argument("--log", type=Path, metavar="FILE", help="put a line of JSON for each target at the end of it")
    parser.add_argument("--tally", type=Path, metavar="FILE", help="only add up such a log")
    parser.add_argument("--coverage", action="store_true", help="only say which share of the code the inputs run")
    return parser


def _that_run() -> list[str]:
    """All targets but those that lack a package here."""
    from importlib.util import find_spec

    return [name for name in NAMES if not (needs := load(name).needs) or find_spec(needs) is not None]


def _results(options: argparse.Namespace) -> Iterator[Result]:
    executions = options.executions or MOST
    seconds = options.seconds or (float("inf") if options.executions else 10.0)
    for name in options.targets or _that_run():
        bounds = options.first, executions, seconds
        plan = Plan(name, options.seed, *bounds, options.processes, options.found, keep=options.keep)
        if options.engine == "mutate":
            yield Campaign(plan).run()
        elif options.engine == "atheris":
            from tests.fuzzing.guided import guide

            yield guide(plan)
        else:
            from tests.fuzzing.drawn import draw

            yield draw(plan)


if __name__ == "__main__":
    sys.exit(main())
