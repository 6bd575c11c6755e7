"""``python -m benchmarks``: one table, everything measured side by side in one run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.against.rows import rows as against
from benchmarks.machine import facts
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.sections import SECTIONS, Section
from benchmarks.size import parse_size
from benchmarks.table import Row, table
from benchmarks.traces import Traces


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every limit is kept; 1 where one is missed (not with ``--quick``) or a result is wrong."""
    options = _parser().parse_args(arguments)
    plan = QUICK if options.quick else FULL
    if options.size:
        plan = plan.sized(options.size)
    with TemporaryDirectory(prefix="poolscope-benchmarks-") as temporary:
        traces = Traces(options.keep or Path(temporary))
        if options.against:
            rows = list(_rows(options.against, partial(against, options.against, folder=Path(temporary)), plan, traces))
        else:
            rows = [row for name in options.only or SECTIONS for row in _rows(name, SECTIONS[name], plan, traces)]
    if options.json:
        print(json.dumps({"machine": facts(), "rows": [row.document() for row in rows]}, indent=1))
    else:
        print("\n".join(f"{name}: {value}" for name, value in facts().items()))
        print("Traces named simulated are simulated.\n")
        print(table(rows))
    return 1 if any(_failed(row, plan) for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small traces; a missed limit is shown and forgiven")
    parser.add_argument("--size", type=parse_size, help="of the trace of the speed section, such as 4GiB")
    parser.add_argument("--only", choices=list(SECTIONS), nargs="+", help="these sections")
    parser.add_argument("--against", metavar="COMMIT", help="measure beside a commit of this repository instead")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the traces there, and use what is there")
    parser.add_argument("--json", action="store_true")
    return parser


def _rows(name: str, section: Section, plan: Plan, traces: Traces) -> Iterator[Row]:
    """Of one section; one that breaks is a row that says so, and the others go on."""
    print(f"measuring {name} ...", file=sys.stderr)
    try:
        yield from section(plan, traces)
    except Exception as error:
        yield Row(name, name, problem=f"{type(error).__name__}: {error}", broken=True)


def _failed(row: Row, plan: Plan) -> bool:
    return row.broken or (plan.strict and row.passed is False)


if __name__ == "__main__":
    sys.exit(main())
