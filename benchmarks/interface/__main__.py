"""``python -m benchmarks.interface``: the terminal interface measured, in one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

from benchmarks.apart import apart
from benchmarks.interface.plan import FULL, QUICK, Plan
from benchmarks.interface.sections import SECTIONS, section
from benchmarks.machine import facts
from benchmarks.table import Row, table


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every limit is kept; 1 where one is missed (not with ``--quick``) or a measurement breaks."""
    options = _parser().parse_args(arguments)
    plan = QUICK if options.quick else FULL
    if options.soak is not None:
        plan = replace(plan, soak_minutes=options.soak)
    rows = [row for name in options.only or SECTIONS for row in _measured(name, plan)]
    machine = {**facts(), "textual": version("textual")}
    if options.json:
        print(json.dumps({"machine": machine, "rows": [row.document() for row in rows]}, indent=1))
    else:
        print("\n".join(f"{name}: {value}" for name, value in machine.items()))
        print("Traces are simulated, snapshots made up.\n")
        print(table(rows))
    return 1 if any(row.broken or (plan.strict and row.passed is False) for row in rows) else 0


def _measured(name: str, plan: Plan) -> list[Row]:
    """From a process of its own; a section that breaks is a row that says so."""
    print(f"measuring {name} ...", file=sys.stderr)
    try:
        return apart(section, name, plan)
    except Exception as error:
        return [Row(name, name, problem=f"{type(error).__name__}: {error}", broken=True)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interface", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of everything; a missed limit is forgiven")
    parser.add_argument("--only", choices=list(SECTIONS), nargs="+", help="these sections")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="how long memory is watched")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
