"""What the documents promise is what is there."""

from __future__ import annotations

import re

import pytest

from analyzers.findings import Verdict
from analyzers.holders.registry import HOLDERS
from tests.repository.files import ROOT, files
from tui.cli import main
from tui.commands.registry import COMMANDS
from tui.exit_codes import ExitCode
from tui.views.export import SUFFIXES

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
ROOM_PATH = re.compile(r"(?<![^`\s])((?:tracer|analyzers|tui|fixtures|tests|benchmarks|docs|poolscope|\.ci)/[^\s`]*)")
ANCHOR = re.compile(r"\]\(([^):#]*)#([^)]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FILE_NAME = re.compile(r"`(\w+\.(?:py|toml))`")
MODULE = re.compile(r"python -m ((?:poolscope|benchmarks|fixtures)[\w.]*)")
PLACEHOLDER = re.compile(r"\b(?:NAME|FILE)\b")
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


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_into_a_document_lead_to_a_heading_of_it(name: str) -> None:
    document = ROOT / name
    for path, anchor in ANCHOR.findall(document.read_text(encoding="utf-8")):
        target = document.parent / path if path else document
        headings = HEADING.findall(target.read_text(encoding="utf-8"))
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    paths = [path.rstrip(".,:;)") for path in ROOM_PATH.findall(text) if not PLACEHOLDER.search(path)]
    assert [path for path in paths if not any(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_and_module_that_a_document_names_is_there(name: str) -> None:
    text, there = (ROOT / name).read_text(encoding="utf-8"), {path.name for path in files()}
    assert [each for each in FILE_NAME.findall(text) if each not in there] == []
    modules = [ROOT / each.rstrip(".").replace(".", "/") for each in MODULE.findall(text)]
    assert [each for each in modules if not (each.with_suffix(".py").is_file() or each.is_dir())] == []


def test_every_page_that_the_code_names_is_there() -> None:
    named = {
        (path.relative_to(ROOT).as_posix(), page)
        for path in files()
        if path.suffix == ".py"
        for page in re.findall(r"docs/[\w-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert sorted((path, page) for path, page in named if not (ROOT / page).is_file()) == []


def test_the_page_about_the_code_follows_an_event_through_files_of_every_room() -> None:
    named = set(ROOM_PATH.findall((ROOT / "docs/code.md").read_text(encoding="utf-8")))
    rooms = {path.partition("/")[0] for path in named if path.endswith(".py")}
    assert len(named) > 40
    assert rooms >= {"tracer", "analyzers", "tui", "fixtures"}


@pytest.mark.parametrize("page", ["docs/json.md", "docs/held-requests.md"])
def test_every_holder_of_requests_is_listed(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [why for why in HOLDERS if f"`{why}`" not in text] == []


@pytest.mark.parametrize("page", ["docs/json.md", "docs/verdicts.md"])
def test_every_verdict_is_listed(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [verdict for verdict in Verdict if f"`{verdict}`" not in text] == []


def test_every_verdict_has_words_for_people() -> None:
    assert [verdict for verdict in Verdict if not verdict.words] == []


def test_the_page_on_the_interface_lists_every_form_of_an_export() -> None:
    text = (ROOT / "docs/interface.md").read_text(encoding="utf-8")
    assert [suffix for suffix in SUFFIXES if f"`{suffix}`" not in text] == []


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
