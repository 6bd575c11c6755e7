"""Inputs led by what they run: atheris, Google's libFuzzer for Python, in a process of its own for each target.

Kernels run as plain Python there, so that atheris sees into them. libFuzzer takes its process over and ends it at the
first defect it meets; here defects are kept, and it goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.fuzzing.corpus import FOLDER, inputs_of, write_lines
from tests.fuzzing.mutations import MOST_BYTES
from tests.fuzzing.running import MEMORY, Plan, Result, kind_of
from tracer.symbols.limits import limit_memory

_ROOT: Final = Path(__file__).parents[2]
_TRIED: Final = "tried.now"
"""The input that is being tried, should the process not outlive it."""
_OURS: Final = ["tracer", "analyzers", "tui"]


def guide(plan: Plan) -> Result:
    """Run a plan by one process. Raises FileNotFoundError where atheris is not installed."""
    result = Result(plan.target, "atheris", plan.seed, 0)
    with tempfile.TemporaryDirectory(prefix="poolscope-guided-") as folder:
        told = Path(folder, "told.json")
        command = [sys.executable, "-m", "tests.fuzzing.guided", plan.target, folder, str(told)]
        command += [str(plan.executions), repr(plan.seconds), str(plan.seed), str(plan.folder)]
        done = subprocess.run(
            command, cwd=_ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONWARNINGS": "ignore"}, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        )  # fmt: skip
        found: dict[str, Any] = json.loads(told.read_text("utf-8")) if told.exists() else {}
        _keep(plan, Path(folder))
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["nothing said"]
            found.setdefault("found", []).append(f"ended with {done.returncode}: {last[0][:160]}")
            write_lines(plan.folder / f"{plan.target}.txt", found["found"][-1], [Path(folder, _TRIED).read_bytes()])
    result.executions, result.seconds = found.get("executions", 0), found.get("seconds", 0.0)
    result.slowest, result.found = found.get("slowest", 0.0), found.get("found", [])
    return result


def _keep(plan: Plan, folder: Path) -> None:
    """Put the shortest of the inputs that led into new code among those that the repository keeps."""
    new = [path.read_bytes() for path in folder.iterdir() if not path.name.startswith("seed") and not path.suffix]
    if shortest := sorted(new, key=lambda data: (len(data), data))[: plan.keep]:
        origin = f"led into code that none before had run: atheris, seed {plan.seed}"
        write_lines(FOLDER / "corpus" / f"{plan.target}.txt", origin, shortest)


class _Guided:
    """Counts, keeps defects, and ends in time."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._target, self._inputs = inputs_of(options.target)
        self._tried_file = Path(options.folder, _TRIED)
        self._began = time.monotonic()
        self._executions, self._slowest, self._found = 0, 0.0, list[str]()

    def seeds(self) -> None:
        """What the engine starts from, as its files; run once, so that all there is to see into is loaded."""
        for number, data in enumerate(self._inputs):
            Path(self._options.folder, f"seed{number}").write_bytes(data)
            self._tried(data)

    def one(self, data: bytes) -> None:
        """Called by the engine."""
        self._tried(data)
        elapsed = time.monotonic() - self._began
        if self._executions >= self._options.executions or elapsed > self._options.seconds:
            told = {"executions": self._executions, "seconds": elapsed, "slowest": self._slowest, "found": self._found}
            Path(self._options.told).write_text(json.dumps(told), "utf-8")
            os._exit(0)

    def mutated(self, data: bytes, most: int, seed: int) -> bytes:
        """Half by libFuzzer, half by what knows the form."""
        import atheris

        if seed & 1:
            return bytes(atheris.Mutate(data, most))
        return self._target.mutate(random.Random(seed), (data, *self._inputs[:1]))[:most]

    def _tried(self, data: bytes) -> None:
        self._executions += 1
        self._tried_file.write_bytes(data)
        began = time.process_time()
        try:
            self._target.check(data)
        except Exception as error:
            kind = kind_of(error)
            if kind.partition(": ")[0] not in {each.partition(": ")[0] for each in self._found}:
                self._found.append(kind)
                write_lines(Path(self._options.found, f"{self._options.target}.txt"), kind, [data])
        self._slowest = max(self._slowest, time.process_time() - began)


def _main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("target", "folder", "told"):
        parser.add_argument(name)
    for name, kind in (("executions", int), ("seconds", float), ("seed", int), ("found", Path)):
        parser.add_argument(name, type=kind)
    options = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=_OURS):
        guided = _Guided(options)
        guided.seeds()
    limit_memory(MEMORY)
    words = [
        f"-seed={options.seed}",
        f"-max_len={MOST_BYTES}",
        "-timeout=60",
        "-rss_limit_mb=0",
        f"-artifact_prefix={options.folder}/",
    ]
    atheris.Setup([sys.argv[0], *words, options.folder], guided.one, custom_mutator=guided.mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    _main()
