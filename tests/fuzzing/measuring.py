"""Which share of the code the inputs run, with kernels as plain Python so that coverage.py sees into them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_ROOMS: Final = ("tracer", "analyzers", "tui")


def measure(targets: Sequence[str], executions: int, seed: int) -> str:
    """A table by folder and file; ``executions``: of each target beyond the inputs that it starts from."""
    command = [sys.executable, "-m", "tests.fuzzing.measuring", str(executions), str(seed), *targets]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, cwd=_ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _main(executions: int, seed: int, *targets: str) -> None:
    import coverage

    cover = coverage.Coverage(
        data_file=None, branch=True, include=[f"{_ROOT / room}/*" for room in _ROOMS], config_file=False
    )
    cover.start()
    from tests.fuzzing.corpus import inputs_of

    for name in targets:
        target, inputs = inputs_of(name)
        made = (target.mutate(random.Random(f"{name} {seed} {number}"), inputs) for number in range(executions))
        for data in (*inputs, *made):
            try:
                target.check(data)
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    cover.stop()
    print(_table(cover))


def _table(cover: object) -> str:
    """Statements that were run, of files that more than their import was run of."""
    from coverage import Coverage

    assert isinstance(cover, Coverage)
    rows = []
    folders: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for file in sorted(cover.get_data().measured_files()):
        analysis = cover._analyze(file)
        numbers, name = analysis.numbers, Path(file).relative_to(_ROOT)
        entered = numbers.n_executed_branches > 0
        if entered:
            rows.append(f"| {name.as_posix()} | {numbers.n_statements} | {numbers.pc_covered:.0f} % |")
            folder = folders[name.parent.as_posix()]
            folder[0] += numbers.n_statements
            folder[1] += numbers.n_executed
    sums = [
        f"| {name} | {all_of} | {run * 100 / max(all_of, 1):.0f} % |" for name, (all_of, run) in sorted(folders.items())
    ]
    return "\n".join(
        [
            "| folder | statements | run |",
            "|---|--:|--:|",
            *sums,
            "",
            "| file | statements | run |",
            "|---|--:|--:|",
            *rows,
        ]
    )


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
