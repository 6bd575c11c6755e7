"""Compiled kernels in the cache are those of the code that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = """
from tracer.jit import inlined, routine

FACTOR = {factor}

@inlined
def step(x):
    return x {sign} 1

@routine
def part(x):
    return FACTOR * step(x)
"""
KERNEL = """
import sys
from parts import part
from tracer.jit import kernel

@kernel
def run(x):
    return part(x)

print(run(10), sum(run.stats.cache_hits.values()))
"""


def printed(folder: Path, *, factor: int = 2, sign: str = "+") -> str:
    """What a program prints whose kernel is made of parts in another file: its result, and whether it was cached."""
    (folder / "parts.py").write_text(PARTS.format(factor=factor, sign=sign))
    (folder / "program.py").write_text(KERNEL)
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    environment |= {"NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "program.py"], cwd=folder, env=environment, capture_output=True, check=True, text=True
    )
    return run.stdout.strip()


@pytest.mark.parametrize(("change", "result"), [({"factor": 3}, "33 0"), ({"sign": "-"}, "18 0")])
def test_a_kernel_is_compiled_anew_where_a_step_or_a_constant_in_another_file_has_changed(
    change: dict[str, object], result: str, tmp_path: Path
) -> None:
    assert printed(tmp_path) == "22 0"
    assert printed(tmp_path) == "22 1"
    assert printed(tmp_path, **change) == result  # type: ignore[arg-type]  # one of the two
