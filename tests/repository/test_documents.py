"""What the documents promise is what is there."""

from __future__ import annotations

import re

import pytest

from tests.repository.files import ROOT, files
from tui.cli import main
from tui.commands.registry import COMMANDS
from tui.exit_codes import ExitCode

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in files() if path.suffix == ".md")


@pytest.mark.parametrize(
    "command",
    ["python -m pip install . && poolscope demo", 'python -m pip install -e ".[test]" && python -m pytest'],
)
def test_the_readme_has_the_two_commands_word_for_word(command: str) -> None:
    assert command in README.splitlines()
    assert command in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_readme_names_every_command() -> None:
    assert [entry.name for entry in COMMANDS if f"`poolscope {entry.name}" not in README] == []


def test_the_readme_names_no_command_that_is_not_there() -> None:
    assert set(re.findall(r"`poolscope ([a-z]+)", README)) <= {entry.name for entry in COMMANDS}


def test_the_readme_lists_every_exit_code_and_no_other() -> None:
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)} == {int(code) for code in ExitCode}


def test_the_readme_says_first_where_the_source_is_then_how_to_make_an_environment_then_the_two_commands() -> None:
    steps = (
        "git clone",
        "archive of it",
        "python3 -m venv",
        "py -m venv",
        "pip install . &&",
        'pip install -e ".[test]"',
    )
    places = [README.index(step) for step in steps]
    assert places == sorted(places)
    assert README[: places[-1]].count("\n") < 60


def test_the_readme_compares_with_the_tools_that_people_know() -> None:
    [head] = re.findall(r"^\| \| (PoolMon .*) \|$", README, re.MULTILINE)
    assert head.split(" | ") == ["PoolMon", "Windows Performance Analyzer", "WinDbg", "Poolscope"]


def test_the_report_in_the_readme_is_the_one_of_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    [shown] = re.findall(r"^```\n(LEAK 1: .*?)```$", README, re.MULTILINE | re.DOTALL)
    assert main(["demo", "--quiet"]) == ExitCode.DONE
    assert capsys.readouterr().out.endswith(shown)


def test_the_demo_is_called_simulated() -> None:
    assert "demo trace is simulated" in README


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    document = ROOT / name
    links = [link for link in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_page_of_the_docs_is_reached_from_the_readme_or_contributing_page() -> None:
    reached: set[str] = set()
    ahead = ["README.md", "CONTRIBUTING.md"]
    while ahead:
        name = ahead.pop()
        if name in reached or not name.endswith(".md"):
            continue
        reached.add(name)
        folder = (ROOT / name).parent
        links = LINK.findall((ROOT / name).read_text(encoding="utf-8"))
        ahead += [
            (folder / link).resolve().relative_to(ROOT.resolve()).as_posix() for link in links if "://" not in link
        ]
    assert set(DOCUMENTS) <= reached
