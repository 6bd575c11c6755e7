from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tracer.live.profile import Recording, xperf_lines
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.report.recording import HOW_TO_RECORD


def test_the_profile_goes_to_stdout_and_how_to_use_it_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "--tag", "AfdE"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    root = ElementTree.fromstring(out)
    assert [found.get("Value") for found in root.iterfind(".//PoolTag")] == ["AfdE"]
    assert "wpr -start pool.wprp -filemode" in err
    assert '-PoolTag "AfdE"' in err


def test_xperf_s_lines_come_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "--xperf"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["xperf", "-on"],
        ["xperf", "-start"],
        ["xperf", "-stop"],
    ]
    assert err == ""


def test_there_is_one_recipe_for_xperf_wherever_one_is_given() -> None:
    lines = xperf_lines(Recording())
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for line in lines:
        assert f"\n{line}\n" in readme
        assert f"  {line}" in HOW_TO_RECORD
    assert "KQUEUE" in lines[0], "what goes into completion ports"
    assert "PoolAlloc+PoolFree" in lines[0]


def test_no_other_place_in_the_code_spells_a_recipe() -> None:
    root = Path(__file__).parents[2]
    spelled = [
        path.relative_to(root).as_posix()
        for room in ("tracer", "analyzers", "tui")
        for path in (root / room).rglob("*.py")
        if re.search(r"xperf -(on|start) \w|wpr -start \w", path.read_text("utf-8"))
    ]
    assert spelled == ["tracer/live/profile.py"]


@pytest.mark.parametrize(
    "words", [["--tag", "AfdEE"], ["--buffers", "0"], [word for n in "abcde" for word in ("--tag", n)]]
)
def test_what_cannot_be_recorded_is_wrong_use(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", *words]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "next" in err
