"""Compiled kernels between runs: found, put together, and removed when the code that made them is no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOM = """
from tracer.jit import kernel

@kernel
def added(values, more):
    total = 0
    for value in values:
        total += value
    return total + more
"""
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from room import hot
from tracer.kernels import store

given = hot.added(np.arange(4), 10)
{then}
names = ("tracer.kernels.compiler", "numba", "llvmlite")
print(json.dumps([given, [name for name in names if name in sys.modules], store.is_current()]))
"""
GATHER = "store.gather([Path(hot.__file__).parent])"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "room"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "hot.py").write_text(ROOM)
    return folder


def run(room: Path, then: str = "") -> tuple[int, list[str], bool]:
    """What the kernel gave, which modules a process needed for it, and whether its library is current."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    environment |= {
        "NUMBA_CACHE_DIR": str(room.parent / "cache"),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{room.parent}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    program = PROGRAM.format(then=textwrap.dedent(then))
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True)
    given, modules, is_current = json.loads(done.stdout)
    return given, modules, is_current


def kept(room: Path, ending: str) -> list[Path]:
    return sorted((room.parent / "cache").rglob(f"*{ending}"))


def test_a_kernel_is_compiled_once_and_then_loaded_without_numba(room: Path) -> None:
    given, modules, _ = run(room)
    assert (given, "numba" in modules) == (16, True)
    given, modules, _ = run(room)
    assert (given, modules) == (16, ["llvmlite"])


def test_kernels_that_were_put_together_are_loaded_from_one_file(room: Path) -> None:
    run(room, GATHER)
    assert len(kept(room, ".json")) == 1
    for single in kept(room, ".kernel"):
        single.unlink()
    given, modules, is_current = run(room)
    assert (given, is_current) == (16, True)
    assert modules == ([] if kept(room, ".so") else ["llvmlite"])


def test_without_a_linker_llvm_loads_the_object_files(room: Path) -> None:
    run(room, f"import shutil; shutil.which = lambda _: None; {GATHER}")
    assert (len(kept(room, ".objects")), kept(room, ".so")) == (1, [])
    for single in kept(room, ".kernel"):
        single.unlink()
    assert run(room) == (16, ["llvmlite"], True)


def test_what_was_compiled_of_code_that_is_no_more_goes(room: Path) -> None:
    run(room, GATHER)
    (before,) = kept(room, ".kernel")
    (room / "hot.py").write_text(ROOM.replace("total = 0", "total = 100"))
    given, modules, _ = run(room, GATHER)
    assert (given, "numba" in modules) == (116, True)
    (after,) = kept(room, ".kernel")
    assert after != before
    assert len(kept(room, ".json")) == 1
    assert run(room)[0] == 116


def test_a_library_of_other_code_is_not_current(room: Path) -> None:
    run(room, GATHER)
    (room / "hot.py").write_text(ROOM.replace("total = 0", "total = 100"))
    assert run(room)[2] is False


def test_what_another_copy_of_the_same_code_compiled_is_put_together_too(room: Path) -> None:
    run(room)
    for single in kept(room, ".kernel"):
        single.write_bytes(single.read_bytes().replace(str(room).encode(), b"/elsewhere"))
    run(room, GATHER)
    for single in kept(room, ".kernel"):
        single.unlink()
    assert run(room)[0] == 16
    assert kept(room, ".kernel") == []


def test_kernels_of_another_copy_stay_while_its_source_is_there(room: Path) -> None:
    run(room, GATHER)
    other = room.parent / "other"
    other.mkdir()
    elsewhere = "store.gather([Path(sys.argv[0]).absolute() / 'other'])"
    begin = "store._state.gathered = False; del sys.modules['room.hot']; sys.modules['room.hot'] = None"  # not of this
    run(room, f"{begin}; {elsewhere}")
    assert len(kept(room, ".kernel")) == 1
    run(room, f"{begin}; Path(hot.__file__).unlink(); {elsewhere}")
    assert kept(room, ".kernel") == []


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"file": "nowhere.so", "gives": {}, "made_of": {}}'])
def test_a_library_that_cannot_be_read_is_none(room: Path, content: bytes) -> None:
    run(room, GATHER)
    kept(room, ".json")[0].write_bytes(content)
    assert run(room)[0] == 16


@pytest.mark.parametrize("content", [b"", b"[]\n", b"no json\n", b'["i"]\nxyz'])
def test_a_file_of_a_kernel_that_is_none_is_compiled_anew(room: Path, content: bytes) -> None:
    run(room)
    kept(room, ".kernel")[0].write_bytes(content)
    given, modules, _ = run(room)
    assert (given, "numba" in modules) == (16, True)


def test_a_cache_that_cannot_be_written_is_no_error(room: Path) -> None:
    (room.parent / "cache").touch()
    assert run(room, GATHER)[0] == 16


def test_the_note_comes_once_before_the_first_kernel_is_compiled(room: Path) -> None:
    told = """
    told = []
    with store.before_compiling(lambda: told.append(1)):
        hot.added(np.zeros(3, np.uint8), 1)
        hot.added(np.zeros(3, np.uint16), 1)
    given = len(told)
    """
    assert run(room, told)[0] == 1
    assert run(room, told)[0] == 0
