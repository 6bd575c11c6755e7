"""A report that is longer than the terminal goes through a pager, on a terminal only."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pty, which Windows does not have", allow_module_level=True)

from tests.tui.terminal import ROOT, Terminal

DEMO = ROOT / "fixtures" / "demo.etl"
PAGER = '#!/bin/sh\necho PAGED\ncat > "$0.text"\nexec <&2\nread answer\necho ENDED\n'
"""Keeps what it is given, and waits for a line."""


@pytest.fixture
def pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pager"
    path.write_text(PAGER, "utf-8")
    path.chmod(0o755)
    monkeypatch.delenv("MANPAGER", raising=False)
    monkeypatch.setenv("PAGER", str(path))
    return path


def test_a_long_report_is_paged_and_a_screenful_is_not(pager: Path, tmp_path: Path) -> None:
    with Terminal(["analyze", DEMO, "-q", "--full"], cwd=tmp_path) as terminal:
        terminal.press(until="PAGED")
        terminal.press(b"\n", until="ENDED")
        assert terminal.end() == 0
    text = pager.with_name("pager.text").read_text("utf-8")
    assert "Outstanding by tag" in text
    assert "\x1b" not in text  # nobody knows what this pager makes of colours
    with Terminal(["analyze", DEMO, "-q"], cwd=tmp_path) as terminal:
        assert terminal.end() == 0
        assert b"PAGED" not in terminal.shown
        assert b"LEAK 1" in terminal.shown


def test_ctrl_c_in_the_pager_is_quiet(pager: Path, tmp_path: Path) -> None:
    pager.write_text(PAGER.replace("exec <", "trap 'echo CAUGHT' INT\nexec <"), "utf-8")
    with Terminal(["analyze", DEMO, "-q", "--full"], cwd=tmp_path) as terminal:
        terminal.press(until="PAGED")
        os.kill(terminal.id, signal.SIGINT)
        os.kill(terminal.id, signal.SIGINT)
        terminal.press(b"\n", until="ENDED")
        assert terminal.end() == 0
        assert not re.search(rb"Traceback|Interrupt", terminal.shown)


@pytest.mark.parametrize("named", [" ", "no-such-pager -R"])
def test_a_report_is_written_where_the_pager_is_none(
    named: str, pager: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", named)
    with Terminal(["analyze", DEMO, "-q", "--full"], cwd=tmp_path) as terminal:
        assert terminal.end() == 0
    assert b"Outstanding by tag" in terminal.shown


def test_less_is_given_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pager: Path) -> None:
    less = pager.rename(tmp_path / "less")
    monkeypatch.setenv("PAGER", str(less))
    monkeypatch.delenv("LESS", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Terminal(["analyze", DEMO, "-q", "--full"], cwd=tmp_path) as terminal:
        terminal.press(until="PAGED")
        terminal.press(b"\n", until="ENDED")
    assert "\x1b[" in less.with_name("less.text").read_text("utf-8")
