"""What no file of the repository may hold, and what every part of it has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.repository.files import ROOMS, ROOT, files, text_files

# Written in pieces, so that this file does not hold them either.
REGISTRY_HOSTS = ("pypi" + ".org", "python" + "hosted.", "npmjs" + ".org", "registry" + ".npm", "conda" + ".anaconda")
MACHINE_PATHS = ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/")
OPEN_ENDS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def holding(needles: tuple[str, ...]) -> list[str]:
    """Each of the repository's files that holds one of these, and which."""
    return [
        f"{path.relative_to(ROOT)}: {needle}"
        for path in files()
        for needle in needles
        if needle.lower().encode() in path.read_bytes().lower()
    ]


def test_the_repository_has_files_to_look_at() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in files()}
    assert {"README.md", "LICENSE", "CONTRIBUTING.md", "pyproject.toml", ".ci/run", "tracer/errors.py"} <= names


def test_no_file_names_a_package_registry() -> None:
    assert holding(REGISTRY_HOSTS) == []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    assert holding(MACHINE_PATHS) == []


def test_nothing_is_left_open() -> None:
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if OPEN_ENDS.search(line)
    ]
    assert left == []


def test_names_of_files_and_folders_say_what_is_inside() -> None:
    assert [path for path in files() if VAGUE_NAMES & {part.partition(".")[0] for part in path.parts}] == []


def test_text_has_no_windows_line_ends_and_ends_with_a_line_end() -> None:
    wrong = [
        path for path in text_files() if (text := path.read_bytes()) and (b"\r" in text or not text.endswith(b"\n"))
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_what_it_is_for(room: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8")))


def test_tests_mirror_the_rooms() -> None:
    places = {path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")}
    assert places <= {*ROOMS, "benchmarks", "fuzzing", "laws", "repository", "sweeps", "windows"}


def test_every_folder_of_a_room_is_a_package() -> None:
    folders = {path.parent for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS}
    assert sorted(folder for folder in folders if not (folder / "__init__.py").is_file()) == []


OWN_TRACES = {Path("fixtures/demo.etl"), Path("tests/tracer/images/recorded-on-windows.etl")}
"""Made by the project itself."""


def test_real_traces_are_not_copied_into_the_repository() -> None:
    traces = [path.relative_to(ROOT) for path in files() if path.suffix.lower() in {".etl", ".evtx", ".zip"}]
    assert [path for path in traces if path not in OWN_TRACES] == []


def test_no_test_module_is_imported_by_another() -> None:
    """What tests share has a module of its own, which can be read and changed without reading tests."""
    imports = re.compile(r"^\s*(?:from|import) tests\b.*\btest_\w+", re.MULTILINE)
    tests = [path for path in files() if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")]
    assert len(tests) > 200
    found = [(path.name, line) for path in tests for line in imports.findall(path.read_text(encoding="utf-8"))]
    assert found == []
