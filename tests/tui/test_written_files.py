"""What a command writes and takes is looked at first: nothing is lost, and nothing odd is swallowed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.snapshot import Snapshot
from fixtures.settings import BUFFER_SIZES
from tracer.etl.headers import MAX_BUFFER_SIZE
from tui.cli import main
from tui.exit_codes import ExitCode

FEW = ("--iterations", "3", "--quiet")


def test_no_simulated_trace_is_written_over_another_file_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, truth = tmp_path / "t.etl", tmp_path / "t.json"
    truth.write_text("mine", encoding="utf-8")
    words = ["simulate", "cache", str(trace), "--truth", str(truth), *FEW]
    assert main(words) == ExitCode.USAGE
    assert f"where  {truth}" in capsys.readouterr().err
    assert (truth.read_text(encoding="utf-8"), trace.exists()) == ("mine", False)
    assert main([*words, "--force"]) == ExitCode.DONE
    assert main(words) == ExitCode.USAGE
    assert f"where  {trace}" in capsys.readouterr().err


def test_no_picture_is_written_over_another_file_unasked(
    traces: Callable[..., None], snapshot: Snapshot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=snapshot)
    path = tmp_path / "x.svg"
    path.write_text("mine", encoding="utf-8")
    words = ["tui", "leak.etl", "--quiet", "--screenshot", str(path)]
    assert main(words) == ExitCode.USAGE
    assert path.read_text(encoding="utf-8") == "mine"
    assert main([*words, "--force"]) == ExitCode.DONE
    assert path.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize("command", [["demo"], ["tui", "leak.etl"]])
def test_a_picture_is_svg_or_none(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.png"
    assert main([*command, "--screenshot", str(path)]) == ExitCode.USAGE
    assert f"--screenshot {path.with_suffix('.svg')}" in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.parametrize("words", [["simulate", "cache", "{}/t.etl", *FEW], ["demo", "-q", "--screenshot", "{}/x.svg"]])
def test_a_file_that_cannot_be_written_ends_with_7(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(tmp_path / "nowhere") for word in words]) == ExitCode.OUTPUT
    assert "cannot write the" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("keys", "said"),
    [("foo", "there are letters, digits, backspace, "), ("down,entr", "did you mean 'enter'?"), ("ctr+p", "no key is")],
)
def test_a_key_that_there_is_not_is_wrong_use(keys: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--screenshot", "x.svg", "--press", keys]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert not Path("x.svg").exists()


@pytest.mark.parametrize("size", ["9999x9999", "801x24", "80x4", "80", "x", "٨٠x٢٤"])
def test_a_picture_has_a_size_that_can_be_drawn(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--screenshot", "x.svg", "--size", size]) == ExitCode.USAGE
    assert "20x5 to 800x250" in capsys.readouterr().err


def test_keys_are_about_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--press", "enter"]) == ExitCode.USAGE
    assert "--press" in capsys.readouterr().err


def test_keys_by_name_sign_and_with_others_are_keys(
    traces: Callable[..., None], snapshot: Snapshot, tmp_path: Path
) -> None:
    traces(leak=snapshot)
    keys = "5,?,escape,question_mark,escape,ctrl+p,escape,shift+tab,slash,a,µ,pagedown"
    words = ["--screenshot", str(tmp_path / "x.svg"), "--press", keys]
    assert main(["tui", "leak.etl", "--quiet", *words]) == ExitCode.DONE


@pytest.mark.parametrize(
    "words",
    [
        ("--seed", "-1"), ("--think-ns", "0"), ("--think-ns", "-5"), ("--user-stacks", "5"), ("--user-stacks", "nan"),
        ("--session-share", "-1"), ("--big-share", "inf"), ("--session-share", "0.7", "--big-share", "0.7"),
        ("--stray-frees", "-5"), ("--buffer-size", "0"), ("--buffer-size", "100"), ("--buffer-size", "1025"),
        ("--buffer-size", "99999999999"), ("--frequency", "0"), ("--frequency", "-1"), ("--frequency", "1"),
        ("--iterations", "0"), ("--iterations", "99999999999"),
    ],
)  # fmt: skip
def test_a_machine_that_cannot_be_is_wrong_use(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "cache", str(tmp_path / "t.etl"), *FEW, *words]) == ExitCode.USAGE
    assert "--help" in capsys.readouterr().err
    assert not (tmp_path / "t.etl").exists()


def test_a_trace_is_not_written_over_by_its_own_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", "cache", str(tmp_path / "t.etl"), "--truth", str(tmp_path / "." / "t.etl"), *FEW]
    assert main(words) == ExitCode.USAGE
    assert "would be one file" in capsys.readouterr().err
    assert not (tmp_path / "t.etl").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["simulate", "cache", "t.etl", "--cpus", "abc"], "--cpus: 'abc' is no whole number"),
        (["simulate", "cache", "t.etl", "--seed", "1_0"], "--seed: '1_0' is no whole number"),
        (["simulate", "cache", "t.etl", "--big-share", "half"], "--big-share: 'half' is no number"),
        (["analyze", "t.etl", "--top", "many"], "--top: 'many' is no whole number"),
        (["live", "--speed", "fast"], "--speed: 'fast' is no number"),
    ],
)
def test_what_is_no_number_is_told_in_plain_words(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == ExitCode.USAGE
    assert f"argument {said}\n" in capsys.readouterr().err


def test_the_largest_buffer_of_the_simulator_is_the_largest_that_is_read() -> None:
    assert BUFFER_SIZES[-1] == MAX_BUFFER_SIZE


@pytest.mark.parametrize(
    "data",
    [os.urandom(100_000), b"MZ" + bytes(range(256)) * 40, b"once upon a time -\nwhat-if\n" + b"prose\n" * 90],
    ids=["random", "program", "prose"],
)
def test_what_is_no_list_of_tags_is_refused(
    data: bytes, tmp_path: Path, traces: Callable[..., None], snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=snapshot)
    path = tmp_path / "pooltag.txt"
    path.write_bytes(data)
    assert main(["analyze", "leak.etl", "--pooltag", str(path)]) == ExitCode.INPUT
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["where", "why", "next"]


def test_a_pattern_that_the_shell_left_alone_stands_for_files_by_name(
    traces: Callable[..., None], snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    read = []
    monkeypatch.chdir(tmp_path)
    for name in ("b.etl", "a.etl", "c.txt", "[x].etl"):
        Path(name).touch()
    Path("d.etl").mkdir()

    def reading(path: Path, *_: object, quiet: bool, symbols: object = None) -> Snapshot:
        read.append(str(path))
        return snapshot

    monkeypatch.setattr("tui.reading.trace.read_snapshot", reading)
    assert main(["analyze", "?.etl", "[x].etl", str(tmp_path / "a*.etl")]) == ExitCode.DONE
    assert read == ["a.etl", "b.etl", "[x].etl", str(tmp_path / "a.etl")]


@pytest.mark.parametrize("command", ["analyze", "info"])
def test_a_pattern_that_no_file_is_like_is_told(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command, "*.etl"]) == ExitCode.INPUT
    assert "no file is like '*.etl'" in capsys.readouterr().err


def test_where_one_trace_is_wanted_a_pattern_stands_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.etl").touch()
    Path("b.etl").touch()
    assert main(["tui", "*.etl", "--screenshot", "x.svg"]) == ExitCode.USAGE
    assert "a.etl, b.etl" in capsys.readouterr().err
