"""Processes that measure, one for each environment, and what comes of asking them in turn."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.against.installed import OPEN_ROOMS, Environment
from benchmarks.turns import in_turn

_SCRIPT: Final = Path(__file__).with_name("passage.py")
_RUN: Final = f"{OPEN_ROOMS}import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
Passages = dict[str, list[float]]
"""Seconds (and peak bytes) of one environment's passages, by what was measured."""


class Process:
    """One that waits for questions; everything is compiled after the first."""

    def __init__(self, environment: Environment, trace: Path) -> None:
        self._name = environment.name
        self._process = subprocess.Popen(
            [str(environment.python), "-c", _RUN, str(_SCRIPT), str(trace)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=environment.folder,
            env=environment.variables(),
        )

    def ask(self, *, bare: bool) -> dict[str, float]:
        """One passage. ``ValueError`` where the process has ended instead."""
        question, answers = self._process.stdin, self._process.stdout
        if question is None or answers is None:
            raise ValueError(f"{self._name} cannot be asked")
        print("bare" if bare else "whole", file=question, flush=True)
        line = answers.readline()
        if not line:
            raise ValueError(f"{self._name} cannot analyse the trace")
        found: dict[str, float] = json.loads(line)
        return found

    def end(self) -> None:
        """No more questions."""
        self._process.communicate()


@contextmanager
def processes(environments: Sequence[Environment], trace: Path) -> Iterator[list[Process]]:
    """One for each environment."""
    started = [Process(environment, trace) for environment in environments]
    try:
        yield started
    finally:
        for each in started:
            each.end()


def alternate(environments: Sequence[Environment], trace: Path, runs: int) -> list[Passages]:
    """So many passages of each, in turn, after one to compile."""
    out: list[Passages] = [{"whole": [], "analysed": [], "bare": [], "requests": [], "peak": []} for _ in environments]
    with processes(environments, trace) as started:
        for process in started:
            _asked(process)
        for found, answers in zip(out, in_turn([partial(_asked, process) for process in started], runs), strict=True):
            for whole, bare in answers:
                found["whole"].append(whole["whole"])
                found["analysed"].append(whole["analysed"])
                found["bare"].append(bare["analysed"])
                found["requests"].append(whole["analysed"] - bare["analysed"])
                found["peak"].append(whole["peak"])
    return out


def _asked(process: Process) -> tuple[dict[str, float], dict[str, float]]:
    return process.ask(bare=False), process.ask(bare=True)


def middle(passages: Passages, what: str) -> float:
    """The median of what was measured."""
    return median(passages[what])
