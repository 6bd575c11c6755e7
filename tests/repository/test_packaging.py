"""The distribution: its version, its parts, its dependencies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from tests.repository.files import ROOMS, ROOT, files

TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)


def test_the_installed_version_is_the_one_in_pyproject() -> None:
    assert metadata.version("poolscope") == PROJECT["project"]["version"]


def test_the_command_is_installed() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="poolscope")
    assert command.value == PROJECT["project"]["scripts"]["poolscope"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of the checkout."""
    os.environ["POOLSCOPE_BUILD_KERNELS"] = "0"  # compiling takes 20 s; CI looks at a wheel that has them
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return Path(wheel)


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, and with other projects' packages that have the names of our rooms."""
    folder = tmp_path_factory.mktemp("site")
    with ZipFile(wheel) as packed:
        packed.extractall(folder)
    for room in ROOMS:
        (folder / f"{room}.py").write_text("whose = 'another project'\n", encoding="utf-8")
    return folder


def run(site: Path, *words: str) -> str:
    """What Python says away from the checkout, with that folder before all else that it may import from."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=site.parent, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def test_the_wheel_installs_one_package_that_holds_the_rooms_and_neither_tests_nor_benchmarks(site: Path) -> None:
    assert {path.name for path in site.iterdir() if path.is_dir()} == {
        "poolscope",
        f"poolscope-{PROJECT['project']['version']}.dist-info",
    }
    assert {path.name for path in (site / "poolscope" / "rooms").iterdir()} == set(ROOMS)


def test_every_file_of_a_room_is_in_the_wheel(site: Path) -> None:
    packed = {
        path.relative_to(site / "poolscope" / "rooms").as_posix()
        for path in (site / "poolscope" / "rooms").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    ours = {path.relative_to(ROOT) for path in files()}
    assert packed == {path.as_posix() for path in ours if path.parts[0] in ROOMS}


def test_packages_with_the_names_of_our_rooms_work_beside_it(site: Path) -> None:
    words = "import poolscope\n" + "\n".join(f"import {room}; print({room}.whose)" for room in ROOMS)
    assert run(site, "-c", words).splitlines() == ["another project"] * len(ROOMS)


def test_the_rooms_of_the_programs_are_those_of_their_installation(site: Path) -> None:
    words = "import poolscope; poolscope.open_rooms()\n" + "\n".join(
        f"import {room}; print({room}.__file__)" for room in ROOMS
    )
    assert [Path(line).parents[1] for line in run(site, "-c", words).splitlines()] == [site / "poolscope/rooms"] * 4


@pytest.mark.parametrize("start", ["python -m poolscope", "poolscope"])
def test_an_installation_runs_the_command(site: Path, start: str) -> None:
    module, function = PROJECT["project"]["scripts"]["poolscope"].split(":")
    words = ["-m", "poolscope"] if start != "poolscope" else ["-c", f"from {module} import {function}; {function}()"]
    assert run(site, *words, "--version") == f"poolscope {PROJECT['project']['version']}\n"
    assert "winsock-loop" in run(site, *words, "simulate", "--help")


def test_an_installation_runs_the_reproducer_and_its_server(site: Path) -> None:
    said = run(site, "-m", "poolscope.winsock_loop", "--count", "5", "--seconds", "60")
    assert said.startswith("5 rounds of socket, setsockopt, connect, send, closesocket in ")


def _wanted() -> list[str]:
    """All that is asked for, with each extra, but for this project's own."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *(entry for extra in extras for entry in extra)]
    return [entry for entry in wanted if not entry.startswith("poolscope")]


def test_every_dependency_says_why_it_is_there() -> None:
    assert [entry for entry in _wanted() if not re.search(re.escape(f'"{entry}"') + r",\s+# \S", TEXT)] == []


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    bounds = re.compile(r"[\w.-]+(\[\w+\])?(>=[\d.]+,<\d+|==[\d.]+)(; .+)?")
    assert [entry for entry in _wanted() if not bounds.fullmatch(entry)] == []


def test_what_builds_the_wheel_has_the_bounds_that_are_tested() -> None:
    hook = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    tested = {*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]}
    assert {*PROJECT["build-system"]["requires"], *hook["dependencies"]} <= tested


def test_wherever_and_however_it_is_built_it_is_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Also from its own sdist; compiled kernels are compared by ``.ci/run``, as they take half a minute."""
    (made,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    sdist = Path(made)
    with tarfile.open(sdist) as packed:
        packed.extractall(tmp_path / "an other folder", filter="data")
    [unpacked] = (tmp_path / "an other folder").iterdir()
    (unpacked / "PKG-INFO").unlink()  # which no checkout has
    for path in sorted(unpacked.rglob("*"), reverse=True):
        path.touch()
    settings = {"POOLSCOPE_BUILD_KERNELS": "0", "PYTHONHASHSEED": "77", "TZ": "America/Lima", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", tmp_path / "there"],
        cwd=unpacked, check=True, capture_output=True, env=os.environ | settings,
        umask=-1 if sys.platform == "win32" else 0o077,
    )  # fmt: skip
    for path in (wheel, sdist):
        assert (tmp_path / "there" / path.name).read_bytes() == path.read_bytes()


def test_the_lowest_versions_are_those_of_pyproject_and_ci_runs_with_them() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "lowest"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    extras = PROJECT["project"]["optional-dependencies"]
    included = {f"poolscope[{name}]": entries for name, entries in extras.items()}
    tests = list(extras["test"])
    while own := [entry for entry in tests if entry in included]:
        at = tests.index(own[0])
        tests[at : at + 1] = included[own[0]]
    wanted = [*PROJECT["project"]["dependencies"], *tests]
    assert [line.partition("==")[0] for line in done] == [re.match(r"[\w.-]+", entry)[0] for entry in wanted]  # type: ignore[index]
    page = (ROOT / "docs/reliability.md").read_text("utf-8")
    installed = page.partition("\n## What is installed\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| ([\w.-]+)[^|]* \| (\d[\d.]*) \|", installed, re.MULTILINE)
    assert {f"{name}=={lowest}" for name, lowest in told} <= set(done)
    assert len(told) > len(PROJECT["project"]["dependencies"])
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [stage for stage in ("lowest", "newest", "again") if f"\naside {stage} " not in script] == []


def test_no_version_of_textual_is_taken_that_lacks_a_theme_we_build_on() -> None:
    """8.0.0 to 8.2.4 have no ``ansi-dark``; ``.ci/run`` draws every view with the lowest that is taken."""
    [bound] = re.findall(r"textual>=([\d.]+)", TEXT)
    assert tuple(map(int, bound.split("."))) >= (8, 2, 5)
