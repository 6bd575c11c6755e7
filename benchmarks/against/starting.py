"""What a person waits for when a command is started: its answer about a small trace, the interface, the first run."""

from __future__ import annotations

import compileall
import json
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.against.commands import Run, poolscope_in_turn, run, warm_in_turn
from benchmarks.against.compared import compared
from benchmarks.against.installed import OPEN_ROOMS, ROOT, Environment, Sides, demo_of
from benchmarks.generate import generate
from benchmarks.plan import Plan
from benchmarks.size import size_text
from benchmarks.table import Row
from benchmarks.traces import Traces
from benchmarks.turns import in_turn
from fixtures.demo import DEMO_TRACE

SMALL_LIMIT: Final = 0.45
INTERFACE_LIMIT: Final = 0.5
FIRST_LIMIT: Final = 0.35
OPEN_LIMIT: Final = 0.3
HELP_LIMIT: Final = 1.1
_SMALL_BYTES: Final = 150_000
_FIRST_RUNS: Final = 3
"""Each takes up to 15 s."""
_ROOMS: Final = ("poolscope", "tracer", "analyzers", "tui", "fixtures")
_OPEN: Final = f"""{OPEN_ROOMS}
import sys
from pathlib import Path
from tracer.etl.file import EtlFile
with EtlFile.open(Path(sys.argv[1])) as file:
    file.info
"""


def small_trace(sides: Sides) -> Path:
    """Of some 200 KB, simulated: its analysis is next to nothing beside the start of a process."""
    path = sides.tree.folder / "small.etl"
    if not path.exists():
        generate(path, size=_SMALL_BYTES, cpus=2, buffer_size=16_384, outstanding=100)
    return path


def starts(sides: Sides, plan: Plan, _traces: Traces) -> Iterator[Row]:
    """Warm: everything that can be compiled is."""
    section, to, both = f"starts, warm, medians of {plan.runs}", sides.commit.name, (sides.commit, sides.wheel)
    trace = small_trace(sides)
    size = size_text(trace.stat().st_size)
    for name, limit, words in (
        ("analyze --json, the demo", SMALL_LIMIT, ("analyze", "--json", DEMO_TRACE)),
        (f"analyze --json, {size}", SMALL_LIMIT, ("analyze", "--json", trace)),
        ("--help", HELP_LIMIT, ("--help",)),
    ):
        yield _row(section, name, to, limit, *poolscope_in_turn(sides, words, plan.runs))
    demo = demo_of(sides.commit.folder)
    shown: Sequence[tuple[str, float | None, Sequence[str | Path], Sequence[str | Path]]] = (
        ("demo, first finding painted", INTERFACE_LIMIT, ("demo",), ("demo", "--json")),
        (f"tui, the demo of {to}", None, ("tui", demo), ("analyze", "--json", demo)),
    )
    for what, most, command, asked in shown:
        titles = [_title(each, asked) for each in both]
        if not all(titles):
            yield Row(section, what, limit=most, problem="one finds no leak there: there is nothing to wait for")
            continue
        painted = [
            partial(run, each, [*each.program, *command], until=title) for each, title in zip(both, titles, strict=True)
        ]
        yield _row(section, what, to, most, *warm_in_turn(painted, plan.runs))
    opened = [partial(run, each, [each.python, "-c", _OPEN, trace]) for each in both]
    yield _row(section, "reader imported, header read", to, OPEN_LIMIT, *warm_in_turn(opened, plan.runs))


def first(sides: Sides, plan: Plan, _traces: Traces) -> Iterator[Row]:
    """On a machine that has compiled no kernel; Python's own bytecode is there."""
    for room in _ROOMS:  # pip did this for those that are installed
        compileall.compile_dir(ROOT / room, quiet=2)
    runs = _FIRST_RUNS if plan.strict else 1
    before, wheel, tree = in_turn([partial(_first, each) for each in (sides.commit, sides.wheel, sides.tree)], runs)
    section, to = f"demo, not on a terminal, nothing compiled before, medians of {runs}", sides.commit.name
    yield _row(section, "installed from the wheel", to, FIRST_LIMIT, before, wheel)
    yield _row(section, "the tree as it is, which compiles", to, None, before, tree)


def _first(environment: Environment) -> Run:
    with TemporaryDirectory(dir=environment.folder) as fresh:
        place = {"HOME": fresh, "XDG_CACHE_HOME": fresh, "NUMBA_CACHE_DIR": str(Path(fresh) / "numba")}
        return run(environment, [*environment.program, "demo"], extra=place)


def _title(environment: Environment, asked: Sequence[str | Path]) -> list[str]:
    """The words of the first finding; none where nothing is found."""
    done = subprocess.run(
        [*environment.program, *asked],
        check=True,
        capture_output=True,
        cwd=environment.folder,
        env=environment.variables(),
    )
    findings = json.loads(done.stdout)["findings"]
    return str(findings[0]["says"]).split() if findings else []


def _row(section: str, name: str, to: str, limit: float | None, before: Sequence[Run], after: Sequence[Run]) -> Row:
    user = [median(each.user for each in runs) for runs in (after, before)]
    note = "user CPU {:.3f} s, {:.3f} s there".format(*user)
    walls = [median(each.wall for each in runs) for runs in (before, after)]
    return compared(section, name, to, *walls, limit=limit, note=note)
