"""Slips of the pen, in commands, options and names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.tui.processes import ROOT
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.hints import did_you_mean


@pytest.mark.parametrize(
    ("words", "name", "hint"),
    [
        (["analyse", "x.etl"], "poolscope", "'analyze'"),
        (["rec", "x.etl"], "poolscope", "'record'"),
        (["analyze", "x.etl", "--fail-on-findng"], "poolscope analyze", "'--fail-on-finding'"),
        (["simulate", "churn", "x.etl", "--lost-event=1"], "poolscope simulate", "'--lost-events'"),
        (["simulate", "two-leeks", "x.etl"], "poolscope simulate", "'two-leaks'"),
        (["tui", "x.etl", "--view", "time"], "poolscope tui", "'timeline'"),
        (["tui", "x.etl", "--theme", "lite"], "poolscope tui", "'light'"),
    ],
)
def test_what_was_meant_is_offered_and_the_command_named(
    words: list[str], name: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert err.startswith(f"{name}: ")
    assert f"did you mean {hint}?" in err


def test_what_is_like_nothing_gets_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert did_you_mean("xyzzy", ["analyze", "info"]) == ""
    assert main(["xyzzy"]) == ExitCode.USAGE
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="the answer goes through a descriptor that only POSIX hands on")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("poolscope an", {"analyze"}),
        ("poolscope analyze --fail", {"--fail-on-finding"}),
        ("poolscope simulate two-", {"two-leaks", "two-holders"}),
        ("poolscope tui x.etl --view ti", {"timeline"}),
    ],
)
def test_a_shell_gets_completions(line: str, offered: set[str]) -> None:
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m poolscope 8>&1 9>/dev/null >/dev/null 2>/dev/null"],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, **asked}, check=False,
    )  # fmt: skip
    assert {word.strip() for word in done.stdout.split("\n") if word.strip()} == offered
