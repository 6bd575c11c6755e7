"""A process from nothing to the findings of a small trace: with kernels to compile, and without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.best import best_of
from benchmarks.plan import Plan
from benchmarks.size import size_text
from benchmarks.table import Row
from benchmarks.traces import Traces

COLD_SECONDS: Final = 20.0
"""First result on a machine that has no compiled kernels yet."""
WARM_SECONDS: Final = 2.0
"""First result on every later run."""


def rows(plan: Plan, traces: Traces) -> Iterator[Row]:
    """Cold, with an empty kernel cache; then warm, with what that run compiled."""
    trace = traces.get(plan.warm_up_size, plan.warm_up_outstanding)
    section = f"start: process to findings of {size_text(trace.expected.bytes)}"
    with TemporaryDirectory() as cache:
        cold = best_of(lambda: _start(trace.path, cache), 1, 0)[0]
        warm = best_of(lambda: _start(trace.path, cache), plan.runs, 30.0)[0]
    for name, seconds, limit in (("cold, kernels compiled", cold, COLD_SECONDS), ("warm", warm, WARM_SECONDS)):
        yield Row(section, name, seconds, ratio=seconds / limit, to="budget", limit=1.0, note=f"budget {limit:g} s")


def _start(path: Path, cache: str) -> None:
    command = [sys.executable, "-m", "poolscope", "analyze", str(path), "--quiet"]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
