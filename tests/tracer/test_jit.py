"""Compiled kernels in the cache are those of the code that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = """
from numba import types
from numba.extending import intrinsic
from tracer.jit import inlined, kernel, routine

FACTOR = {factor}

@inlined
def step(x):
    return x {sign} 1

@routine
def part(x):
    return FACTOR * step(x) + added(x) + another(x)

@kernel
def another(x):
    return {other}

@intrinsic
def added(context, x):
    def generate(context, builder, signature, arguments):
        return context.get_constant(types.int64, {added})

    return types.int64(types.int64), generate
"""
CALLBACK = """
import sys
from ctypes import CFUNCTYPE, addressof, c_int64
from parts import part
from tracer.jit import c_callback

from tracer.live.native import store8

def run(x, place):
    store8(place, part(x))

given = c_int64(0)
CFUNCTYPE(None, c_int64, c_int64)(c_callback(run).address)(10, addressof(given))
print(given.value, int("tracer.kernels.compiler" not in sys.modules))
"""
KERNEL = """
import sys
from parts import part
from tracer.jit import kernel

@kernel
def run(x):
    return part(x)

print(run(10), int("tracer.kernels.compiler" not in sys.modules))
"""


def printed(
    folder: Path, program: str = KERNEL, *, factor: int = 2, sign: str = "+", other: int = 0, added: int = 0
) -> str:
    """What a program prints whose kernel is made of parts in another file: its result, and whether it was cached."""
    parts = PARTS.format(factor=factor, sign=sign, other=other, added=added)
    for path, text in ((folder / "parts.py", parts), (folder / "program.py", program)):
        if not path.exists() or path.read_text() != text:  # before 0.68 numba looked at the time of a file
            path.write_text(text)
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    environment |= {"NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "program.py"], cwd=folder, env=environment, capture_output=True, check=True, text=True
    )
    return run.stdout.strip()


@pytest.mark.parametrize("program", [KERNEL, CALLBACK])
def test_a_kernel_is_compiled_anew_where_a_step_or_a_constant_in_another_file_has_changed(
    program: str, tmp_path: Path
) -> None:
    assert printed(tmp_path, program) == "22 0"
    assert printed(tmp_path, program) == "22 1"
    assert printed(tmp_path, program, factor=3) == "33 0"
    assert printed(tmp_path, program, factor=3, sign="-") == "27 0"
    assert printed(tmp_path, program, factor=3, sign="-", other=5) == "32 0"
    assert printed(tmp_path, program, factor=3, sign="-", other=5, added=7) == "39 0"


RECORD = """
from typing import NamedTuple

class Pair(NamedTuple):
    first: int
    second: int
"""
TAKES_RECORD = """
import sys
from {module} import Pair
from tracer.jit import kernel

@kernel
def total(pair: Pair) -> int:
    return pair.first + pair.second

print(total(Pair(1, 2)), int("tracer.kernels.compiler" not in sys.modules))
"""


def test_a_cached_kernel_of_records_whose_file_is_gone_is_compiled_anew(tmp_path: Path) -> None:
    (tmp_path / "before.py").write_text(RECORD)
    assert printed(tmp_path, TAKES_RECORD.format(module="before")) == "3 0"
    (tmp_path / "before.py").rename(tmp_path / "moved_after.py")
    assert printed(tmp_path, TAKES_RECORD.format(module="moved_after")) == "3 0"
    assert printed(tmp_path, TAKES_RECORD.format(module="moved_after")) == "3 1"


TAKES_FIRST = """
from __future__ import annotations

import sys
from records import Pair
from tracer.jit import kernel

@kernel
def run(pair: Pair) -> int:
    return pair.first

print(run(Pair(first=1, second=2)), int("tracer.kernels.compiler" not in sys.modules))
"""


def test_a_kernel_is_compiled_anew_where_a_record_in_another_file_has_changed(tmp_path: Path) -> None:
    for order, cached in (("first second", 0), ("first second", 1), ("second first", 0)):
        record = f"from collections import namedtuple\nPair = namedtuple('Pair', '{order}')\n"
        (tmp_path / "records.py").write_text(record)
        assert printed(tmp_path, TAKES_FIRST) == f"1 {cached}"


UNKNOWN = """
from tracer.jit import kernel

text = "x"

def run(x):
    return len(text) + x

try:
    kernel(run)(1)
except TypeError as error:
    print(error)
"""


def test_a_kernel_of_parts_that_are_not_known_is_refused(tmp_path: Path) -> None:
    assert "uses text, and what of a str becomes part of it is not known" in printed(tmp_path, UNKNOWN)
