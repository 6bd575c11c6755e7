"""A folder with a stranger's trace may hold whatever else: nothing of it runs, and nothing of it sets anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fixtures.demo import DEMO_TRACE
from tests.repository.files import ROOMS, ROOT
from tracer.programs import program

THEIRS = ("numpy", "numba", "networkx", "textual", "rich", "platformdirs", "argcomplete", "yaml", "duckdb", "pyarrow")
PLANTED = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\nraise SystemExit(99)\n"
AUDITED = """
import json, os, sys
seen = []
def hook(event, args):
    if event == "open" and isinstance(args[0], str) or event == "import" and args[1]:
        seen.append((event, os.path.abspath(args[0 if event == "open" else 1])))
    elif event == "exec" and hasattr(args[0], "co_filename"):
        seen.append((event, args[0].co_filename))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "socket.connect", "socket.bind", "ctypes.dlopen"):
        words = args[1 if event == "subprocess.Popen" else 0]
        seen.append((event, " ".join(map(str, words)) if isinstance(words, list) else str(words)))
sys.addaudithook(hook)
from poolscope.__main__ import main
code = main()
told = json.dumps([code, seen])
with open("out/seen.json", "w") as file:
    file.write(told)
"""
COMMANDS = (
    ("--help",),
    ("analyze", str(DEMO_TRACE), "--json", "-q"),
    ("report", str(DEMO_TRACE), "--to", "out/report.html", "-q"),
    *([("sql", str(DEMO_TRACE), "from tags limit 1", "-q")] if find_spec("duckdb") else []),
    ("tui", str(DEMO_TRACE), "--screenshot", "out/picture.svg", "-q"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with modules of the names that Python knows by now, of ours and of those we need, and with settings."""
    standard = sys.stdlib_module_names - set(sys.builtin_module_names) - _before_a_module_runs()
    for name in (*ROOMS, *THEIRS, *standard, "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(PLANTED, encoding="utf-8")
    for name in (".numba_config.yaml", ".env", "pyproject.toml", "dask.yaml", "pooltag.txt", ".duckdbrc", "setup.cfg"):
        (tmp_path / name).write_text("disable_jit: 1\n", encoding="utf-8")
    for name in ("ld", "less", "wpr", "poolmon"):
        (tmp_path / name).write_text("#!/bin/sh\ntouch x.ran\n", encoding="utf-8")
        (tmp_path / name).chmod(0o700)
    (tmp_path / "out").mkdir()
    return tmp_path


def _before_a_module_runs() -> set[str]:
    """What Python itself imports on its way to a module of -m: from the current folder, unless -P says otherwise."""
    words = [sys.executable, "-c", "import runpy, sys; print(*sys.modules)"]
    return set(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": os.pathsep.join((".", "", os.environ["PATH"]))}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_nothing_in_the_current_folder_runs_by_python_m(folder: Path) -> None:
    for words in (COMMANDS[0], COMMANDS[-1]):
        done = _run(folder, "-m", "poolscope", *words)
        assert (done.returncode, [*folder.glob("*.ran")]) == (0, []), done.stderr


@pytest.mark.slow
def test_nothing_in_the_current_folder_is_read_and_what_runs_is_installed(folder: Path) -> None:
    for words in COMMANDS:
        done = _run(folder, "-P", "-c", AUDITED, *words)
        code, seen = json.loads((folder / "out/seen.json").read_bytes())
        assert code == 0, done.stderr
        here = [
            Path(what) for event, what in seen if event in {"open", "import", "exec"} and folder in Path(what).parents
        ]
        assert [path for path in here if path.parent.name != "out"] == []
        assert _foreign(seen) == []


def _foreign(seen: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What is neither of Python, nor of this project, nor of what it depends on."""
    installed = (str(ROOT), sys.prefix, sys.base_prefix, "<")
    started = (f"{sys.executable} -P ", f"{program('ld')} -shared ")
    return [
        (event, what)
        for event, what in seen
        if (event == "exec" and not what.startswith(installed))
        or (event == "subprocess.Popen" and not what.startswith(started))
        or event in {"os.system", "os.exec", "socket.connect", "socket.bind"}
    ]


def test_a_file_in_the_current_folder_does_not_set_how_kernels_are_compiled(folder: Path) -> None:
    said = (
        "import warnings; warnings.simplefilter('error')\n"
        "from tracer.kernels.alone import import_numba; import_numba(); import yaml\n"
        "from numba import config, njit\n"
        "print(config.DISABLE_JIT, njit(lambda: 1)(), hasattr(yaml, 'safe_load'))"
    )
    done = _run(folder, "-P", "-c", said)
    assert done.stdout == "0 1 True\n", done.stderr


def test_a_program_is_found_by_full_paths_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", "bin")))
    assert program("less") is None
    file = folder / "out" / ("less.exe" if sys.platform == "win32" else "less")
    file.write_text("#!/bin/sh\n", encoding="utf-8")
    file.chmod(0o700)
    monkeypatch.setenv("PATH", os.pathsep.join((".", str(file.parent))))
    assert program("less") == str(file)
