"""The README's pictures show what the program shows."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from tests.tui.browsers import browser_path
from tests.tui.drawn import as_drawn
from tui.cli import main
from tui.exit_codes import ExitCode

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPORT = re.findall(r"`(python -m tests\.[\w.]+ docs/pictures/[^`]*)`", README)
"""What draws the report's page: a browser, and each draws it a little otherwise."""
COMMANDS = re.findall(r"`(poolscope demo [^`]*--screenshot docs/pictures/[^`]*)`", README)
MOST_BYTES = 400_000
"""Of all pictures together: each change of them stays in the repository's history."""


def test_every_picture_is_shown_with_the_command_that_made_it() -> None:
    shown = re.findall(r"]\((docs/pictures/[^)]*)\)", README)
    kept = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "pictures").iterdir())
    assert sorted(shown) == sorted(shlex.split(command)[-1] for command in (*COMMANDS, *REPORT)) == kept
    assert sum((ROOT / path).stat().st_size for path in kept) < MOST_BYTES


@as_drawn
@pytest.mark.parametrize("command", COMMANDS)
def test_a_picture_is_what_its_command_draws(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    *words, path = shlex.split(command)[1:]
    assert main([*words, str(tmp_path / "drawn.svg"), "--quiet"]) == ExitCode.DONE
    drawn = (tmp_path / "drawn.svg").read_text(encoding="utf-8")
    if drawn != (ROOT / path).read_text(encoding="utf-8"):  # a comparison by pytest would print all of both
        pytest.fail(f"make it again: {command} --force")


def test_the_picture_of_the_report_is_made_by_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    browser_path()
    [command] = REPORT
    *_, module, path = shlex.split(command)
    monkeypatch.chdir(ROOT)
    drawn = importlib.import_module(module).picture()
    with Image.open(ROOT / path) as kept:
        assert kept.width == drawn.width
        assert abs(kept.height - drawn.height) < 0.1 * drawn.height, f"make it again: {command}"
