"""The distribution: its version, its parts, its dependencies."""

from __future__ import annotations

import re
import subprocess
import sys
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


def test_the_lowest_versions_are_those_of_pyproject_and_ci_runs_with_them() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "lowest"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]]
    assert [line.partition("==")[0] for line in done] == [re.match(r"[\w.-]+", entry)[0] for entry in wanted]  # type: ignore[index]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [stage for stage in ("lowest", "newest") if f"\naside {stage} " not in script] == []


def test_no_version_of_textual_is_taken_that_lacks_a_theme_we_build_on() -> None:
    """8.0.0 to 8.2.4 have no ``ansi-dark``; ``.ci/run`` draws every view with the lowest that is taken."""
    [bound] = re.findall(r"textual>=([\d.]+)", TEXT)
    assert tuple(map(int, bound.split("."))) >= (8, 2, 5)
