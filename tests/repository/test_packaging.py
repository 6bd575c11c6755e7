"""The distribution: its version, its parts, its dependencies."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

from tests.repository.files import ROOMS, ROOT

TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)


def test_the_installed_version_is_the_one_in_pyproject() -> None:
    assert metadata.version("poolscope") == PROJECT["project"]["version"]


def test_the_command_is_installed() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="poolscope")
    assert command.value == PROJECT["project"]["scripts"]["poolscope"]


def test_the_wheel_holds_the_rooms_and_neither_tests_nor_benchmarks() -> None:
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(ROOMS)


def test_every_dependency_says_why_it_is_there() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *(entry for extra in extras for entry in extra)]
    foreign = [entry for entry in wanted if not entry.startswith("poolscope")]
    assert [entry for entry in foreign if not re.search(re.escape(f'"{entry}"') + r",\s+# \S", TEXT)] == []


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    loose = [
        entry
        for entry in PROJECT["project"]["dependencies"]
        if "==" not in entry and not ("<" in entry and ">=" in entry)
    ]
    assert loose == []
