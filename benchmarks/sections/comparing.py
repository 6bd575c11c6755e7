"""What comparing two big traces costs, beside analysing one of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.plan import Plan
from benchmarks.size import size_text
from benchmarks.table import Row
from benchmarks.taken import Taken, taken
from benchmarks.traces import Traces

LIMIT: Final = 2.2
"""Times ``analyze`` of one: twice, and a tenth of it for comparing."""


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """``analyze`` of one and ``diff`` of two in turn; the best of each."""
    first = traces.get(plan.size, plan.outstanding)
    second = traces.get(plan.size, plan.outstanding, seed=2)
    section = f"diff: two traces of {size_text(first.expected.bytes)}, best of {plan.runs}"
    _run("diff", first.path, second.path)  # compiles
    one = two = Taken()
    for _ in range(plan.runs):
        one = one.least(taken(partial(_run, "analyze", first.path)))
        two = two.least(taken(partial(_run, "diff", first.path, second.path)))
    yield Row(section, "analyze of one", one.wall, note=f"{one.cpu:.2f} s of CPU")
    yield Row(section, "diff of two", two.wall, ratio=two.wall / one.wall, to="analyze", limit=LIMIT)
    yield Row(section, "  of all CPUs", two.cpu, ratio=two.cpu / one.cpu, to="analyze", limit=LIMIT)


def _run(command: str, *paths: Path) -> None:
    words = [sys.executable, "-m", "poolscope", command, *map(str, paths), "--quiet"]
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
