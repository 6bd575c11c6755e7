"""The best of several runs: what the machine can do, not what else it was doing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


def timed(function: Callable[[], R]) -> tuple[float, R]:
    """Seconds it took, and what it gave."""
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


def best_of(function: Callable[[], R], most_runs: int, most_seconds: float) -> tuple[float, R]:
    """Least seconds of up to ``most_runs`` runs, started while no more than ``most_seconds`` have gone by."""
    began = time.perf_counter()
    best, result = timed(function)
    for _ in range(most_runs - 1):
        if time.perf_counter() - began > most_seconds:
            break
        seconds, result = timed(function)
        best = min(best, seconds)
    return best, result
