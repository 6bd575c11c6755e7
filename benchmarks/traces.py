"""The simulated traces of one benchmark run: made when first asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.generate import Expected, generate
from benchmarks.size import size_text


@dataclass(frozen=True, slots=True)
class Trace:
    """A simulated trace and what must be found in it."""

    path: Path
    expected: Expected


class Traces:
    """Traces in one directory; those that an earlier run left there are used again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def get(self, size: int, outstanding: int, *, compressed: bool = False, seed: int = 1) -> Trace:
        """A trace of about that size with about that many outstanding allocations."""
        name = f"simulated-{size}-{outstanding}{'-compressed' if compressed else ''}{'' if seed == 1 else f'-{seed}'}"
        path, truth = self._directory / f"{name}.etl", self._directory / f"{name}.json"
        if not truth.exists():
            print(f"writing {name}.etl ({size_text(size)}) ...", file=sys.stderr)
            expected = generate(path, size=size, outstanding=outstanding, compressed=compressed, seed=seed)
            truth.write_text(json.dumps(asdict(expected)), encoding="utf-8")
        return Trace(path, Expected(**json.loads(truth.read_text(encoding="utf-8"))))

    @contextmanager
    def passing(self, size: int, outstanding: int) -> Iterator[Trace]:
        """The same, made anew and deleted afterwards."""
        with TemporaryDirectory(dir=self._directory) as folder:
            yield Traces(Path(folder)).get(size, outstanding)
