from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from fixtures.settings import Settings
from tui.cli import main
from tui.commands.simulate import _WORDS
from tui.exit_codes import ExitCode


def settings_of(folder: Path, *words: str) -> dict[str, object]:
    """The settings that a simulation with these options was made with, from its truth."""
    truth = folder / "truth.json"
    base = ["simulate", "cache", str(folder / "t.etl"), "--truth", str(truth), "--quiet", "--iterations", "3"]
    assert main([*base, *words]) == ExitCode.DONE
    told = json.loads(truth.read_text(encoding="utf-8"))["settings"]
    assert isinstance(told, dict)
    return told


def test_every_setting_is_explained_in_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert {setting.name for setting in dataclasses.fields(Settings)} == set(_WORDS)
    assert main(["simulate", "--help"]) == ExitCode.DONE
    shown = " ".join(capsys.readouterr().out.split())
    assert [words for words in _WORDS.values() if words not in shown] == []


def test_without_options_the_simulators_own_settings_count(tmp_path: Path) -> None:
    assert settings_of(tmp_path) == Settings(iterations=3).as_dict()


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--x86"], "pointer_size", 4),
        (["--compressed"], "compressed", True),
        (["--no-context-switches"], "context_switches", False),
        (["--stacks", "none"], "stacks", "none"),
        (["--lost-events", "0.25"], "lost_events", 0.25),
        (["--cpus", "2"], "cpus", 2),
    ],
)
def test_an_option_of_each_kind_changes_its_setting_and_no_other(
    words: list[str], name: str, value: object, tmp_path: Path
) -> None:
    plain = Settings(iterations=3).as_dict()
    assert settings_of(tmp_path, *words) == {**plain, name: value}


@pytest.mark.parametrize("words", [["--stacks", "some"], ["--cpus", "many"], ["--iterations", "0"], ["--cpus", "999"]])
def test_a_setting_that_cannot_be_is_wrong_use(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "cache", str(tmp_path / "t.etl"), *words]) == ExitCode.USAGE
    assert "--help" in capsys.readouterr().err
    assert not (tmp_path / "t.etl").exists()
