"""Compiled kernels between runs: found, put together, and removed when the code that made them is no more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

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
kept = sorted(store.cache_directory().rglob("*.kernel"))
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


def run(room: Path, then: str = "", **variables: str) -> tuple[Any, list[str], bool]:
    """What the kernel gave, which modules a process needed for it, and whether its library is current."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    environment |= {
        "NUMBA_CACHE_DIR": str(room.parent / "cache"),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{room.parent}",
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
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
    run(room, "name = kept[0].stem; kept[0].write_bytes(store._read(name)._replace(source='/elsewhere').packed(name))")
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


WRONG = """
import itertools
from tests.tracer.kernels.damaging import damaged
content = path.read_bytes()
given = []
for each in damaged(content):
    path.unlink()  # never into a file that may be loaded
    path.write_bytes(each)
    given.append(read() is None)
path.write_bytes(content)
given = given.count(True) if read() is not None else "not even undamaged"
"""


@pytest.mark.slow
@pytest.mark.parametrize("linker", ["ld", "none"])
def test_a_damaged_library_is_none(room: Path, linker: str) -> None:
    without = "import shutil; shutil.which = lambda _: None" if linker == "none" else ""
    run(room, f"{without}\n{GATHER}")
    read = "read = lambda: store._loaded(store._folder(), store._own())"
    for ending in (".json", ".objects" if kept(room, ".objects") else ".so"):
        (path,) = kept(room, ending)
        given = run(room, f"{read}\npath = Path({str(path)!r})\n{WRONG}")[0]
        assert given == 12


def test_a_damaged_file_of_a_kernel_is_none(room: Path) -> None:
    run(room)
    read = "read = lambda: store._read(path.stem)"
    assert run(room, f"path = kept[0]\n{read}\n{WRONG}")[0] == 12


def test_a_file_of_a_kernel_under_the_name_of_another_is_none(room: Path) -> None:
    run(room)
    assert (
        run(room, "other = kept[0].with_stem('other'); kept[0].rename(other); given = store._read('other')")[0] is None
    )


posix = pytest.mark.skipif(os.name != "posix", reason="access is told by modes")


@posix
@pytest.mark.parametrize("mode", [0o702, 0o775])
def test_kernels_in_a_folder_that_others_may_write_to_are_not_taken(room: Path, mode: int) -> None:
    run(room, GATHER)
    (folder,) = (room.parent / "cache").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(mode)
    given, modules, is_current = run(room)
    assert (given, "numba" in modules, is_current) == (16, True, False)
    assert "other users may write to it" in run(room, "given = str(store.unkept())")[0]


@pytest.mark.slow
@posix
@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_the_folder_is_the_users_own_under_any_mask(room: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        run(room)
    finally:
        os.umask(before)
    assert run(room)[1] == ["llvmlite"]


@posix
def test_a_user_without_a_home_has_no_cache(room: Path) -> None:
    told = "given = str(store.unkept())"
    nobody = "store.cache_directory = lambda: Path('~/.cache/poolscope/kernels'); store._folder.cache_clear()"
    more = f"{nobody}; hot.added(np.zeros(3, np.uint8), 1); {GATHER}; {told}"
    assert "the user has no home" in run(room, more)[0]
    assert not Path("~").exists()


@pytest.mark.parametrize(
    "change",
    [
        "sys.implementation.cache_tag = 'other'",
        "platform.machine = lambda: 'other'",
        "arguments.DATA_AT = 32",
    ],
)
def test_another_python_or_processor_has_a_folder_of_its_own(room: Path, change: str) -> None:
    run(room)
    anew = "store._folder.cache_clear(); store._tools.cache_clear(); given = len(list(store._folder().glob('*')))"
    patched = change.replace("platform.", "store.platform.").replace("arguments.", "store.")
    assert run(room, f"store._folder.cache_clear(); {anew}")[0] == 1
    assert run(room, f"{patched}; {anew}")[0] == 0


def test_python_without_docstrings_and_python_with_them_leave_each_other_their_kernels(room: Path) -> None:
    (room / "hot.py").write_text(ROOM.replace("    total = 0", "    'What it does.'\n    total = 0"))
    for optimized, anew in (("", True), ("2", True), ("", False), ("2", False)):
        given, modules, _ = run(room, GATHER, PYTHONOPTIMIZE=optimized)
        assert (given, "numba" in modules) == (16, anew)


IN_AN_ARCHIVE = """
from tracer.live import native
from tracer.kernels import parts, store
assert ".zip" in store.__file__
print(store._tools(), parts._content("tracer.live.native"))
"""


def test_code_in_an_archive_is_known_too(tmp_path: Path) -> None:
    copied = shutil.copytree(
        ROOT / "tracer", tmp_path / "files" / "tracer", ignore=shutil.ignore_patterns("__pycache__")
    )
    told = []
    for changed in ("", "kernels/compiler.py", "live/native.py", ""):
        if changed:
            with (copied / changed).open("a") as file:
                file.write("\nMORE = 1\n")
        archive = shutil.make_archive(str(tmp_path / "archive"), "zip", copied.parent)
        words = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {archive!r}){IN_AN_ARCHIVE}"]
        told.append(subprocess.run(words, capture_output=True, check=True, text=True).stdout)
    assert told[2] == told[3]
    assert len(set(told)) == 3


def test_a_kernel_that_c_calls_stays(room: Path) -> None:
    (room / "hot.py").write_text(ROOM + "def callback(x): pass\n")
    run(room, f"from tracer.jit import c_callback; c_callback(hot.callback); {GATHER}")
    assert len(kept(room, ".kernel")) == 2


def test_a_library_that_cannot_be_written_leaves_the_earlier_one(room: Path) -> None:
    run(room, GATHER)
    failing = """
    def fail(path, content):
        raise OSError(28, "No space left on device")
    hot.added(np.zeros(3, np.uint8), 1)
    store._write = fail
    """
    given, *_ = run(room, f"{textwrap.dedent(failing)}{GATHER}; given = str(store.unkept())")
    assert "No space left on device" in given
    for single in kept(room, ".kernel"):
        single.unlink()
    assert run(room)[1] == ([] if kept(room, ".so") else ["llvmlite"])


def test_what_a_process_that_was_killed_left_half_written_goes_in_time(room: Path) -> None:
    run(room)
    (folder,) = (room.parent / "cache").iterdir()
    old, young = folder / ".poolscope-old.part", folder / ".poolscope-young.part"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    run(room, GATHER)
    assert kept(room, ".part") == [young]


LINKERS = {
    "fails": "#!/bin/sh\nexit 1\n",
    "writes something else": "#!/bin/sh\necho text > $3\n",
    "does not end": "#!/bin/sh\nsleep 30 & sleep 30\n",
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no linker is asked elsewhere")
@pytest.mark.parametrize("content", LINKERS.values(), ids=LINKERS)
def test_with_a_linker_that_does_not_link_llvm_loads_the_object_files(room: Path, content: str) -> None:
    programs = room.parent / "programs"
    programs.mkdir()
    (programs / "ld").write_text(content)
    (programs / "ld").chmod(0o755)
    run(room, f"store._LINK_SECONDS = 1; {GATHER}", PATH=f"{programs}:{os.environ['PATH']}")
    assert (len(kept(room, ".objects")), kept(room, ".so")) == (1, [])


@pytest.mark.skipif(sys.platform != "linux", reason="no linker is asked elsewhere")
def test_where_a_folder_may_hold_no_programs_llvm_loads_the_object_files(room: Path) -> None:
    refused = """
    def refuse(path):
        raise OSError("failed to map segment from shared object")
    store.of_shared_library = refuse
    """
    run(room, f"{textwrap.dedent(refused)}{GATHER}")
    assert (len(kept(room, ".objects")), kept(room, ".so")) == (1, [])
    assert run(room) == (16, ["llvmlite"], True)


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_DEBUGINFO"])
def test_what_is_compiled_is_the_same_whatever_numba_is_told_by_the_environment(room: Path, variable: str) -> None:
    size = "given = len(store._read(kept[0].stem).code)"
    usual = run(room, size)[0]
    kept(room, ".kernel")[0].unlink()
    assert run(room, size, **{variable: "1" if variable == "NUMBA_DEBUGINFO" else "0"})[0] == usual


@pytest.mark.slow
def test_runs_that_compile_at_once_into_one_empty_cache_are_all_right_and_leave_a_whole_one(room: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    environment |= {"NUMBA_CACHE_DIR": str(room.parent / "cache"), "PYTHONPATH": f"{ROOT}{os.pathsep}{room.parent}"}
    program = f"import sys; sys.stdin.read(); {PROGRAM.format(then=GATHER)}"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for each in runs:
        assert each.stdin is not None
        each.stdin.close()
        each.stdin = None
    told = [json.loads(each.communicate()[0]) for each in runs]
    assert [each[0] for each in told] == [16] * len(runs)
    assert (len(kept(room, ".kernel")), len(kept(room, ".json")), kept(room, ".part")) == (1, 1, [])
    assert run(room) == (16, [] if kept(room, ".so") else ["llvmlite"], True)


@posix
def test_a_home_that_cannot_be_written_costs_the_cache_alone(room: Path) -> None:
    (room.parent / "file").touch()
    told = "given = [given, str(store.unkept())]"
    elsewhere = {"NUMBA_CACHE_DIR": "", "HOME": str(room.parent / "file"), "XDG_CACHE_HOME": ""}
    given, said = run(room, f"{GATHER}; {told}", **elsewhere)[0]
    assert given == 16
    assert "Not a directory" in said
