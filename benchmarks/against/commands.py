"""Commands that an environment runs, each timed from its start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.against.installed import Environment, Sides
from benchmarks.turns import in_turn

_LAUNCH: Final = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Run:
    """Of a process and those it waited for: ``wall`` seconds, seconds of CPUs, and the largest one's ``peak`` bytes."""

    wall: float
    user: float
    system: float
    peak: int


def run(
    environment: Environment,
    command: Sequence[str | Path],
    *,
    cores: int | None = None,
    until: Sequence[str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> Run:
    """One run, to its last byte on stdout, or on a terminal until that was sent these words in this order.

    ``ValueError`` where it fails.
    """
    words = [str(word) for word in command]
    task = json.dumps({"command": words, "cores": cores, "until": until and list(until)})
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(_LAUNCH), task],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=environment.folder,
        env={**environment.variables(), **(extra or {})},
    )
    if done.returncode:
        raise ValueError(f"{environment.name}: {' '.join(words)}: {'; '.join(done.stderr.strip().splitlines()[-2:])}")
    return Run(**json.loads(done.stdout))


def poolscope_in_turn(
    sides: Sides, words: Sequence[str | Path], runs: int, *, cores: int | None = None
) -> list[list[Run]]:
    """``poolscope`` with these words: runs of the commit, and of this tree as installed."""
    both = (sides.commit, sides.wheel)
    return warm_in_turn([partial(run, each, [*each.program, *words], cores=cores) for each in both], runs)


def warm_in_turn(measures: Sequence[Callable[[], Run]], runs: int) -> list[list[Run]]:
    """After one run of each, which compiles and brings files into the page cache."""
    for measure in measures:
        measure()
    return in_turn(measures, runs)
