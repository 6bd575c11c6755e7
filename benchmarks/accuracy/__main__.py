"""``python -m benchmarks.accuracy``: a corpus of simulated traces, analysed, and how often the findings are right."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.accuracy import calibration_report, cost, report
from benchmarks.accuracy.calibrating import played, read_rows, write_rows
from benchmarks.accuracy.calibration_report import Calibration
from benchmarks.accuracy.corpus import TRACES, TRACES_TO_CALIBRATE, Writer, calibrating, cases
from benchmarks.accuracy.limits import limits
from benchmarks.accuracy.running import judged
from benchmarks.accuracy.spoilings import Spoiling
from benchmarks.table import table

_BOTH = "both"
_Done = TypeVar("_Done")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every limit is kept, 1 where one is missed."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.cost:
        rows = cost.rows(options.seed)
        print(json.dumps([row.document() for row in rows], indent=1) if options.json else table(rows))
        return 0 if all(row.passed is not False for row in rows) else 1
    if options.calibrate:
        if options.spoiling or options.writer != _BOTH:
            parser.error(
                "--calibrate plays both writers, whole, cut short and spoilt: leave --writer and --spoiling out"
            )
        return _calibrate(options)
    writers = list(Writer) if options.writer == _BOTH else [Writer(options.writer)]
    number, parts = options.part
    count = options.traces or TRACES
    chosen = cases(writers, options.only or (), options.spoiling or (), options.seed, count)[number - 1 :: parts]
    results = _all(judged(chosen, options.processes), len(chosen))
    print(json.dumps(report.document(results), indent=1) if options.json else report.text(results))
    return 1 if any(limit.kept is False for limit in limits(results)) else 0


def _calibrate(options: argparse.Namespace) -> int:
    """Play, or take what was played before; 0 where the policy's lines are good enough."""
    rows: Path | None = options.rows
    if rows is not None and rows.exists():
        results = read_rows(rows)
    else:
        count = options.traces or TRACES_TO_CALIBRATE
        number, parts = options.part
        chosen = calibrating(options.only or (), options.seed, count)[number - 1 :: parts]
        results = _all(played(chosen, options.processes), len(chosen))
        if rows is not None:
            write_rows(rows, results)
    found = Calibration.of(results)
    print(json.dumps(calibration_report.document(found), indent=1) if options.json else calibration_report.text(found))
    return 0 if found.kept else 1


def _all(results: Iterator[_Done], count: int) -> list[_Done]:
    """As they come in, counted for whoever waits."""
    done = []
    for result in results:
        done.append(result)
        if sys.stderr.isatty():
            print(f"\r{len(done)} of {count} ", end="", file=sys.stderr, flush=True)
    return done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    kinds = [kind for writer in Writer for kind in writer.kinds]
    parser.add_argument(
        "--traces", type=_count, default=0, help=f"how many ({TRACES}, {TRACES_TO_CALIBRATE} to calibrate)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first round over all kinds (1)")
    parser.add_argument("--only", choices=kinds, nargs="+", metavar="KIND", help="these kinds: " + ", ".join(kinds))
    parser.add_argument("--writer", choices=[*map(str, Writer), _BOTH], default=_BOTH)
    parser.add_argument("--spoiling", choices=list(map(str, Spoiling)), nargs="+", type=Spoiling, help="these only")
    parser.add_argument(
        "--part", type=_part, default=(1, 1), metavar="K/N", help="only every Nth of them, from the Kth on"
    )
    parser.add_argument("--processes", type=int, default=0, help="how many at once (one a core)")
    parser.add_argument("--cost", action="store_true", help="measure what requests and verdicts cost instead")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="fit confidences to how often findings are right instead, and show that",
    )
    parser.add_argument(
        "--rows", type=Path, metavar="FILE", help="with --calibrate: keep what was played there, or take it from there"
    )
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
