"""``python -m benchmarks.fleet``: a fleet on one worker, on two, and on two that are killed again and again.

Traces are made some at a time, analysed, and deleted; every worker is held to one core, the single one too. The rows
of all three runs have to be those of a plain loop, each trace once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from analyzers.fleet.answer import answer
from analyzers.fleet.rows import FindingRow, TraceRow
from benchmarks.fleet.cluster import Cluster, dask_cluster
from benchmarks.fleet.plain import plain_loop
from benchmarks.fleet.plan import LEAKING, Plan
from fixtures.fleet import DRIVER, stamp_of

_ROOT: Final = Path(__file__).parents[2]
_CHILD: Final = "tui.fleet.child"
_LEAST_GAIN: Final = 1.7
_MOST_GROWTH: Final = 1.1
"""Of the workers' memory after the first hundred traces."""


@dataclass(slots=True)
class Run:
    """What a run took. ``memory``: by number of traces done, the most bytes that a worker's process had."""

    name: str
    seconds: float = 0.0
    traces: int = 0
    bytes: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    memory: list[tuple[int, int]] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """The most memory of the last quarter, in terms of that of the second."""
        quarter = max(1, self.traces // 4)
        early = max((size for done, size in self.memory if done <= 2 * quarter), default=1)
        late = max((size for done, size in self.memory if done > 3 * quarter), default=0)
        return late / max(early, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every limit is kept; 1 where one is missed (a gain only without ``--small``) or a row is wrong."""
    options = _parser().parse_args(arguments)
    plan = Plan(options.traces, options.seed, options.small)
    with TemporaryDirectory(prefix="poolscope-fleet-benchmark-") as temporary:
        folder = Path(temporary)
        runs, rows = [], []
        for name, workers, kills in (("one", 1, 0), ("two", 2, 0), ("killed", 2, options.kills)):
            if name in options.only:
                out = folder / name
                print(f"measuring {name} ...", file=sys.stderr)
                runs.append(_fleet(Run(name), plan, options.at_once, workers, kills, out))
                rows.append(_rows(out))
        print("the plain loop ...", file=sys.stderr)
        (folder / "traces").mkdir(exist_ok=True)
        plain = plain_loop(plan.write(range(plan.traces), folder / "traces"))
    wrong = [run.name for run, found in zip(runs, rows, strict=True) if found != plain]
    told = answer(*plain)
    separates = told.occurrences[0].separates if told.occurrences else None
    is_named = separates is not None and (separates.driver, f"{stamp_of(LEAKING):08X}") == (
        DRIVER, separates.version[:8],
    )  # fmt: skip
    gain = _rate(runs, "two") / _rate(runs, "one") if {"one", "two"} <= {run.name for run in runs} else None
    document = {
        "traces": plan.traces,
        "runs": [
            {
                "name": run.name, "seconds": round(run.seconds, 2), "traces": run.traces, "bytes": run.bytes,
                "kills": run.kills, "memory": max((size for _, size in run.memory), default=0),
                "memory_growth": round(run.growth, 3), "rows_are_those_of_a_plain_loop": run.name not in wrong,
            }
            for run in runs
        ],
        "gain_of_two": None if gain is None else round(gain, 2),
        "read": told.read, "failed": len(told.failed), "machines": told.machines, "version_is_named": is_named,
    }  # fmt: skip
    print(json.dumps(document, indent=1))
    slow = not options.small and gain is not None and gain < _LEAST_GAIN
    grown = plan.traces >= 400 and any(run.growth > _MOST_GROWTH for run in runs if not run.kills)
    return 1 if wrong or slow or grown else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--traces", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=400, metavar="N", help="traces that are on the disk at a time")
    parser.add_argument("--kills", type=int, default=40, help="of processes, workers and runs, at random moments")
    parser.add_argument("--small", action="store_true", help="traces of 0.3 to 0.6 MB; how fast is not judged")
    parser.add_argument("--only", nargs="+", choices=("one", "two", "killed"), default=("one", "two", "killed"))
    parser.add_argument("--seed", type=int, default=1)
    return parser


def _rate(runs: Sequence[Run], name: str) -> float:
    [run] = [each for each in runs if each.name == name]
    return run.traces / run.seconds


def _fleet(run: Run, plan: Plan, at_once: int, workers: int, kills: int, out: Path) -> Run:
    cores = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else []
    rng = random.Random(f"{plan.seed} kills")
    folder = out.parent / "traces"
    folder.mkdir(exist_ok=True)
    with dask_cluster([()] * workers, out.parent, cores=cores) as cluster:
        for begin in range(0, plan.traces, at_once):
            paths = list(plan.write(range(begin, min(begin + at_once, plan.traces)), folder))
            run.traces += len(paths)
            run.bytes += sum(path.stat().st_size for path in paths)
            here = kills * run.traces // plan.traces - sum(run.kills.values())
            began = time.perf_counter()
            _analyse(run, cluster, folder, out, rng, here)
            run.seconds += time.perf_counter() - began
            for path in paths:
                path.unlink()
    return run


def _analyse(run: Run, cluster: Cluster, folder: Path, out: Path, rng: random.Random, kills: int) -> None:
    """What is in the folder, from start to end; started again as often as it is killed."""
    command = [
        sys.executable, "-m", "poolscope", "fleet", str(folder), "--out", str(out),
        "--scheduler", cluster.address, "-q",
    ]  # fmt: skip
    while True:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.DEVNULL)
        moment = time.monotonic() + rng.uniform(0.5, 6) if kills else float("inf")
        while process.poll() is None:
            time.sleep(0.1)
            run.memory.append((_done(out), max((_memory(each) for each in cluster.processes(_CHILD)), default=0)))
            if time.monotonic() >= moment and kills:
                kills -= _killed(run, cluster, process, rng)
                moment = time.monotonic() + rng.uniform(0.5, 6)
        if process.returncode == 0:
            return
        if not run.kills:
            raise RuntimeError(f"poolscope fleet ended with {process.returncode}")


def _killed(run: Run, cluster: Cluster, process: subprocess.Popen[bytes], rng: random.Random) -> int:
    """Kill the run, a worker (Dask starts another), or the process that reads a trace for one; how many were killed."""
    what = rng.choice(("run", "worker", "process"))
    if what == "run":
        process.kill()
        process.wait()
    else:
        found = cluster.processes(_CHILD if what == "process" else "spawn_main")
        if not found:
            return 0
        rng.choice(found).kill()
    run.kills[what] = run.kills.get(what, 0) + 1
    return 1


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _done(out: Path) -> int:
    journal = out / "journal.ndjson"
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def _rows(out: Path) -> tuple[list[TraceRow], list[FindingRow]]:
    """Of the journal, by path; a trace that is there twice is there twice."""
    lines = [json.loads(line) for line in (out / "journal.ndjson").read_bytes().splitlines()[1:]]
    lines.sort(key=lambda line: str(line["place"]))
    traces = [TraceRow.read(line["trace"]) for line in lines if line["trace"]]
    return traces, [FindingRow.read(each) for line in lines for each in line["findings"]]


if __name__ == "__main__":
    sys.exit(main())
