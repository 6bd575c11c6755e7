"""``poolscope diff``: text, document and Markdown of what changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.settings import Settings
from fixtures.simulate import simulate
from tui.cli import main
from tui.exit_codes import ExitCode


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("diff")
    plays = {"clean": ("cache", 1), "again": ("cache", 2), "leak": ("missing-free", 3)}
    for name, (kind, seed) in plays.items():
        simulate(kind, seed, Settings(iterations=150)).write(folder / f"{name}.etl")
    return {path.stem: str(path) for path in Path(folder).iterdir()}


def test_the_document_is_that_of_the_contract(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", traces["clean"], traces["leak"], "--json", "-q"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["verdict"]) == (2, "changed")
    assert [each["path"] for each in document["traces"]] == [traces["clean"], traces["leak"]]
    first = document["changes"][0]
    assert {key: first[key] for key in ("by", "what", "change")} == {
        "by": "tag",
        "what": "CtFl (nonpaged)",
        "change": "new",
    }
    assert first["before"] == {"count": 0, "bytes": 0}
    assert first["after"]["count"] > 0
    assert first["per_hour"]["bytes"] > first["after"]["bytes"]
    assert {each["change"] for each in document["changes"]} <= {"new", "grown", "gone", "steady"}
    assert {each["by"] for each in document["changes"]} == {"tag", "driver", "site", "process", "verdict"}


def test_the_text_says_what_is_new_and_how_sure(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", traces["clean"], traces["again"], traces["leak"], "-q"]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert said.startswith("CHANGED")
    assert "new   CtFl (nonpaged)  99 % sure" in said
    assert "contosoflt.sys" in said


def test_two_runs_of_one_load_say_so(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["diff", traces["clean"], traces["again"], "-q", "--fail-on-change"]
    assert main(words) == ExitCode.DONE
    assert "NO CHANGE" in capsys.readouterr().out
    assert main([*words, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["verdict"] == "no-change"


def test_a_change_fails_where_that_is_asked_for(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", traces["clean"], traces["leak"], "-q", "--fail-on-change"]) == ExitCode.FOUND
    assert main(["diff", traces["clean"], traces["leak"], "-q"]) == ExitCode.DONE


def test_markdown_is_a_table_for_each_kind(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", traces["clean"], traces["leak"], "--markdown", "-q"]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert said.startswith("# Changed")
    assert "| new | CtFl (nonpaged) | 0 (0 B) → " in said


def test_what_cannot_be_read_is_an_input_error(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", traces["clean"], traces["clean"] + ".nowhere", "-q"]) == ExitCode.INPUT
    assert "nowhere" in capsys.readouterr().err
