"""``python -m benchmarks``: one table, everything measured side by side in one run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.against.sections import SECTIONS as BESIDE_A_COMMIT
from benchmarks.against.sections import against
from benchmarks.machine import facts
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.sections import ON_REQUEST, SECTIONS, Section
from benchmarks.size import parse_size
from benchmarks.table import Row, table
from benchmarks.traces import Traces


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every limit is kept; 1 where one is missed (not with ``--quick``) or a result is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    chosen = options.only or [name for name in _names(options) if name not in ON_REQUEST]
    if unknown := [name for name in chosen if name not in _names(options)]:
        parser.error(f"not a section {'beside' if options.against else 'without'} a commit: {', '.join(unknown)}")
    plan = QUICK if options.quick else FULL
    if options.size:
        plan = plan.sized(options.size)
    if options.long:
        plan = replace(plan, long=options.long)
    with TemporaryDirectory(prefix="poolscope-benchmarks-") as temporary:
        traces = Traces(options.keep or Path(temporary))
        sections: Mapping[str, Section] = SECTIONS
        if options.against:
            print("installing ...", file=sys.stderr)
            try:
                sections = against(options.against, Path(temporary))
            except ValueError as error:
                parser.error(str(error))
        rows = [row for name in chosen for row in _rows(name, sections[name], plan, traces)]
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
    parser.add_argument("--long", type=parse_size, help="of the trace of --only long (20GiB)")
    names = list(dict.fromkeys([*SECTIONS, *BESIDE_A_COMMIT]))
    parser.add_argument("--only", choices=names, nargs="+", help="these sections")
    parser.add_argument("--against", metavar="COMMIT", help="measure beside a commit of this repository instead")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the traces there, and use what is there")
    parser.add_argument("--json", action="store_true")
    return parser


def _names(options: argparse.Namespace) -> Sequence[str]:
    return list(BESIDE_A_COMMIT if options.against else SECTIONS)


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
