"""``poolscope check``: what a run leaves, held against a budget."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fixtures.settings import Settings, StackMode
from fixtures.simulate import simulate
from tui.cli import main
from tui.exit_codes import ExitCode

OVER = '[tag]\nCtFl = 100\n"*" = 1000000\n[driver]\ncontoso = 0\n'


@pytest.fixture(scope="module")
def leak(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("check") / "leak.etl"
    simulate("missing-free", 3, Settings(iterations=150)).write(path)
    return str(path)


def _check(trace: str, folder: Path, budget: str | None, *words: str) -> int:
    path = folder / "budget.toml"
    if budget is not None:
        path.write_text(budget, encoding="utf-8")
    return main(["check", trace, "--budget", str(path), "-q", *words])


def test_what_is_over_is_told_with_its_finding(leak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _check(leak, tmp_path, OVER, "--json") == ExitCode.FOUND
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 2
    assert document["budget"] == str(tmp_path / "budget.toml")
    assert [(each["what"], each["limit_bytes"], each["finding"]) for each in document["over"]] == [
        ("tag CtFl", 100, 1),
        ("driver contoso", 0, 1),
    ]
    assert document["over"][0]["bytes"] == document["over"][1]["bytes"] > 100
    assert document["within"] > 5


def test_the_text_is_a_diff_against_the_budget(leak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _check(leak, tmp_path, OVER) == ExitCode.FOUND
    said = capsys.readouterr().out
    assert "OVER BUDGET: 2 limits" in said
    assert "  tag CtFl\n    - at most 100 B (100 bytes)\n    + left    " in said


def test_an_updated_budget_is_kept(leak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _check(leak, tmp_path, None, "--update") == ExitCode.DONE
    first = tomllib.loads((tmp_path / "budget.toml").read_text(encoding="utf-8"))
    assert first["tag"]["=CtFl"] > 100
    assert _check(leak, tmp_path, None) == ExitCode.DONE
    assert "WITHIN BUDGET" in capsys.readouterr().out


def test_an_update_keeps_the_words_that_somebody_wrote(leak: str, tmp_path: Path) -> None:
    assert _check(leak, tmp_path, OVER, "--update") == ExitCode.DONE
    budget = tomllib.loads((tmp_path / "budget.toml").read_text(encoding="utf-8"))
    assert {name: list(words) for name, words in budget.items()} == {"tag": ["CtFl", "*"], "driver": ["contoso"]}
    assert budget["tag"]["CtFl"] == budget["driver"]["contoso"] > 100
    assert 0 < budget["tag"]["*"] < 1_000_000


def test_junit_and_sarif_are_written_for_a_ci(leak: str, tmp_path: Path) -> None:
    xml, sarif = tmp_path / "check.xml", tmp_path / "check.sarif"
    assert _check(leak, tmp_path, OVER, "--junit", str(xml), "--sarif", str(sarif)) == ExitCode.FOUND
    [suite] = ET.fromstring(xml.read_text(encoding="utf-8"))
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["tag CtFl", "driver contoso"]
    assert (suite.get("failures"), suite.get("tests")) == ("2", str(len(suite)))
    assert json.loads(sarif.read_text(encoding="utf-8"))["runs"][0]["results"][0]["ruleId"] == "missing-free"


@pytest.mark.parametrize(
    ("budget", "code", "said"),
    [
        (None, ExitCode.INPUT, "cannot be read"),
        ("[tag", ExitCode.INPUT, "cannot be read"),
        ("[stack]\nx = 1", ExitCode.USAGE, "[tag], [driver], [function]"),
        ("[tag]\nx = -1", ExitCode.USAGE, "whole number of bytes"),
        ("[tag]\nx = true", ExitCode.USAGE, "whole number of bytes"),
        ('[tag]\n" " = 1', ExitCode.USAGE, "a part of one"),
    ],
)
def test_what_is_no_budget_is_an_error(
    budget: str | None, code: ExitCode, said: str, leak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _check(leak, tmp_path, budget) == code
    assert said in capsys.readouterr().err


def test_a_trace_without_pool_events_is_within_no_budget(
    tmp_path: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = next(path for path in sorted(samples.rglob("*.etl")) if path.stat().st_size < 1 << 20)
    assert _check(str(trace), tmp_path, OVER, "--junit", str(tmp_path / "j.xml")) == ExitCode.UNJUDGED
    assert capsys.readouterr().out.startswith("CANNOT TELL\n  the trace has no pool events\n")
    [suite] = ET.fromstring((tmp_path / "j.xml").read_text(encoding="utf-8"))
    assert [case.get("name") for case in suite if case.find("error") is not None] == ["can be told"]
    assert (suite.get("errors"), suite.get("tests")) == ("1", str(len(suite)))
    assert _check(str(trace), tmp_path, OVER, "--update") == ExitCode.UNJUDGED
    assert (tmp_path / "budget.toml").read_text(encoding="utf-8") == OVER


@pytest.mark.parametrize(
    ("budget", "why"), [("[function]\ncontosoflt = 0\n", "no function"), ("[driver]\ncontoso = 0\n", "no call stacks")]
)
def test_limits_by_names_that_the_trace_does_not_tell_are_not_called_kept(
    budget: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "leak.etl"
    simulate("missing-free", 3, Settings(iterations=20, stacks=StackMode.NONE)).write(trace)
    assert _check(str(trace), tmp_path, budget, "--json") == ExitCode.UNJUDGED
    document = json.loads(capsys.readouterr().out)
    assert (document["over"], document["within"]) == ([], 1)
    [said] = document["cannot_tell"]
    assert why in said
    assert _check(str(trace), tmp_path, budget, "--update") == ExitCode.UNJUDGED
    assert (tmp_path / "budget.toml").read_text(encoding="utf-8") == budget
    assert _check(str(trace), tmp_path, budget + "[tag]\nCtFl = 0\n") == ExitCode.FOUND


def test_one_answer_goes_to_stdout(
    leak: str, folder_of_its_own: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _check(leak, tmp_path, OVER, "--junit", "-") == ExitCode.FOUND
    [suite] = ET.fromstring(capsys.readouterr().out)
    assert suite.get("failures") == "2"
    assert _check(leak, tmp_path, OVER, "--sarif", "-") == ExitCode.FOUND
    assert json.loads(capsys.readouterr().out)["version"] == "2.1.0"
    for words in (["--sarif", "-", "--junit", "-"], ["--sarif", "-", "--json"], ["--sarif", "x", "--junit", "x"]):
        assert _check(leak, tmp_path, OVER, *words) == ExitCode.USAGE
        assert "two answers would be one file" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["budget.toml"]


@pytest.mark.parametrize("option", ["--junit", "--sarif"])
def test_neither_the_trace_nor_the_budget_is_written_over(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "leak.etl"
    trace.write_bytes(b"a trace")
    for name in ("leak.etl", "budget.toml"):
        assert _check(str(trace), tmp_path, OVER, option, str(tmp_path / name)) == ExitCode.USAGE
        assert "this is a file that is read" in capsys.readouterr().err
    assert trace.read_bytes() == b"a trace"


@pytest.mark.parametrize("option", ["--junit", "--sarif"])
def test_a_file_of_an_earlier_run_is_written_over_only_where_that_is_asked_for(
    option: str, leak: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = tmp_path / "earlier"
    earlier.write_text("of an earlier run")
    assert _check(leak, tmp_path, OVER, option, str(earlier)) == ExitCode.USAGE
    assert "--force" in capsys.readouterr().err
    assert earlier.read_text() == "of an earlier run"
    assert _check(leak, tmp_path, OVER, option, str(earlier), "--force") == ExitCode.FOUND
    assert earlier.read_text(encoding="utf-8") != "of an earlier run"
