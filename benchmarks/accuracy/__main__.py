"""``python -m benchmarks.accuracy``: a corpus of simulated traces, analysed, and how often the findings are right."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.accuracy import cost, report
from benchmarks.accuracy.corpus import TRACES, Writer, cases
from benchmarks.accuracy.limits import limits
from benchmarks.accuracy.running import Result, judged
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.table import table

_BOTH = "both"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every limit is kept, 1 where one is missed."""
    options = _parser().parse_args(arguments)
    if options.cost:
        rows = cost.rows(options.seed)
        print(json.dumps([row.document() for row in rows], indent=1) if options.json else table(rows))
        return 0 if all(row.passed is not False for row in rows) else 1
    writers = list(Writer) if options.writer == _BOTH else [Writer(options.writer)]
    number, parts = options.part
    chosen = cases(writers, options.only or (), options.spoiling or (), options.seed, options.traces)[
        number - 1 :: parts
    ]
    results: list[Result] = []
    for result in judged(chosen, options.processes):
        results.append(result)
        if sys.stderr.isatty():
            print(f"\r{len(results)} of {len(chosen)} ", end="", file=sys.stderr, flush=True)
    print(json.dumps(report.document(results), indent=1) if options.json else report.text(results))
    return 1 if any(limit.kept is False for limit in limits(results)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    kinds = [kind for writer in Writer for kind in writer.kinds]
    parser.add_argument("--traces", type=_count, default=TRACES, help=f"how many ({TRACES})")
    parser.add_argument("--seed", type=int, default=1, help="of the first round over all kinds (1)")
    parser.add_argument("--only", choices=kinds, nargs="+", metavar="KIND", help="these kinds: " + ", ".join(kinds))
    parser.add_argument("--writer", choices=[*map(str, Writer), _BOTH], default=_BOTH)
    parser.add_argument("--spoiling", choices=list(map(str, Spoiling)), nargs="+", type=Spoiling, help="these only")
    parser.add_argument(
        "--part", type=_part, default=(1, 1), metavar="K/N", help="only every Nth of them, from the Kth on"
    )
    parser.add_argument("--processes", type=int, default=0, help="how many at once (one a core)")
    parser.add_argument("--cost", action="store_true", help="measure what requests and verdicts cost instead")
    parser.add_argument("--json", action="store_true")
    return parser


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


def _part(text: str) -> tuple[int, int]:
    number, parts = (_count(half) for half in text.split("/"))
    if number > parts:
        raise ValueError
    return number, parts


if __name__ == "__main__":
    sys.exit(main())
