from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from analyzers.snapshot import Snapshot
from tests.tui.processes import ROOT, run
from tracer.errors import InputError, MachineError, PoolscopeError, UsageError
from tui.cli import main
from tui.commands import registry
from tui.exit_codes import ExitCode, exit_code_of
from tui.outcome import worst_exit_code

Reader = Callable[..., Snapshot]


def unreadable() -> InputError:
    return InputError(
        "not-etl", "this is no trace", where="bad.etl, byte 0", why="it is text", next="give an .etl file"
    )


def test_the_report_goes_to_stdout_and_nothing_to_stderr(
    traces: Callable[..., None], snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=snapshot)
    assert main(["analyze", "leak.etl", "--full"]) == ExitCode.DONE
    out, err = capsys.readouterr()
    assert out.startswith("leak.etl\n")
    assert "Outstanding by tag" in out
    assert err == ""


def test_filters_and_top_reach_the_report(
    traces: Callable[..., None], snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=snapshot)
    words = [
        "analyze",
        "leak.etl",
        "--tag",
        "Irp",
        "--tag",
        "CM25",
        "--process",
        "client",
        "--driver",
        "ntoskrnl",
        "--top",
        "1",
    ]
    assert main(words) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "selected      12 allocations" in out
    assert "(tag Irp or CM25, process client, driver ntoskrnl)" in " ".join(out.split())


def test_json_is_one_document_and_nothing_else(
    traces: Callable[..., None], snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=snapshot)
    for command in ("analyze", "info"):
        assert main([command, "leak.etl", "--json"]) == ExitCode.DONE
        out, err = capsys.readouterr()
        assert json.loads(out)["trace"]["path"] == "leak.etl"
        assert err == ""


def test_several_traces_are_one_document_with_a_list_in_the_order_asked_for(
    traces: Callable[..., None], snapshot: Snapshot, broken_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=snapshot, bad=unreadable(), other=snapshot)
    assert main(["analyze", "leak.etl", "bad.etl", "other.etl", "--json"]) == ExitCode.INPUT
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["schema"] == 2
    assert [part["trace"]["path"] for part in document["traces"]] == ["leak.etl", "bad.etl", "leak.etl"]
    assert document["traces"][1]["error"]["code"] == "not-etl"
    assert "this is no trace" in err


def test_an_unreadable_trace_is_told_in_four_lines_and_ends_with_3(
    traces: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    traces(bad=unreadable())
    for command in ("analyze", "info"):
        assert main([command, "bad.etl"]) == ExitCode.INPUT
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines() == [
            f"poolscope {command}: this is no trace",
            "  where  bad.etl, byte 0",
            "  why    it is text",
            "  next   give an .etl file",
        ]


def test_under_json_an_error_is_also_a_document_on_stdout(
    traces: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    traces(bad=unreadable())
    assert main(["info", "bad.etl", "--json"]) == ExitCode.INPUT
    out, err = capsys.readouterr()
    assert json.loads(out)["error"] == {
        "code": "not-etl", "what": "this is no trace", "where": "bad.etl, byte 0", "why": "it is text",
        "next": "give an .etl file",
    }  # fmt: skip
    assert err.startswith("poolscope info: this is no trace")


def test_an_escape_in_an_error_does_not_reach_the_terminal(
    traces: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    traces(bad=InputError("x", "bad \x1b[2J", where="\x1b]0;title\x07"))
    main(["info", "bad.etl"])
    assert capsys.readouterr().err == "poolscope info: bad \\x1b[2J\n  where  \\x1b]0;title\\x07\n"


def test_strict_ends_with_5_only_when_something_is_missing(
    traces: Callable[..., None], snapshot: Snapshot, story: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    story.loss = type(snapshot.loss)(1, 0, ())
    traces(whole=snapshot, lossy=story.make())
    for command in ("analyze", "info"):
        assert main([command, "whole.etl", "--strict"]) == ExitCode.DONE
        assert main([command, "lossy.etl", "--strict"]) == ExitCode.INCOMPLETE
        assert main([command, "lossy.etl"]) == ExitCode.DONE


def test_an_interrupted_reading_is_answered_and_ends_with_130(
    traces: Callable[..., None], broken_snapshot: Snapshot, snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=broken_snapshot, other=snapshot)
    assert main(["info", "leak.etl", "--strict"]) == ExitCode.INTERRUPTED
    assert main(["analyze", "leak.etl"]) == ExitCode.INTERRUPTED
    assert "interrupted at 1 min 30 s (100 %)" in " ".join(capsys.readouterr().out.split())
    assert main(["analyze", "leak.etl", "other.etl", "--json"]) == ExitCode.INTERRUPTED
    documents = json.loads(capsys.readouterr().out)["traces"]
    assert [part["partial"] for part in documents] == [True]


def test_a_second_interrupt_ends_with_130_and_without_a_traceback(
    traces: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=KeyboardInterrupt())
    assert main(["analyze", "leak.etl"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "poolscope: interrupted\n"


def test_a_fault_of_poolscope_itself_is_a_short_message_with_what_to_report(
    traces: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=ZeroDivisionError("division by zero"))
    assert main(["analyze", "leak.etl", "--json"]) == 70
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "internal-error"
    assert err.startswith("poolscope analyze: internal error: ZeroDivisionError: division by zero\n")
    assert "--debug" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["--debug", "analyze", "leak.etl"], ["analyze", "leak.etl", "--debug"]])
def test_debug_shows_the_traceback_of_a_fault(
    traces: Callable[..., None], words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=ZeroDivisionError("division by zero"))
    assert main(words) == ExitCode.INTERNAL
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_environment_variable_shows_it_too(
    traces: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=ZeroDivisionError("division by zero"))
    monkeypatch.setenv("POOLSCOPE_DEBUG", "1")
    main(["analyze", "leak.etl"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["analyze"],
        ["analyze", "x.etl", "--nonsense"],
        ["analyze", "x.etl", "--top", "0"],
        ["analyze", "x.etl", "--top", "many"],
        ["analyze", "x.etl", "--explain", "0"],
        ["analyze", "x.etl", "--explain", "first"],
        ["tui", "x.etl", "--size", "huge"],
        ["tui", "x.etl", "--size", "1x1"],
        ["simulate", "nonsense", "x.etl"],
        ["simulate", "churn", "x.etl", "--cpus", "0"],
    ],
)
def test_wrong_use_ends_with_2_and_says_where_help_is(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "--help" in err


def test_wrong_use_under_json_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "--json"]) == ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_the_interface_refuses_to_open_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tui", "leak.etl"]) == ExitCode.USAGE
    assert "--screenshot" in capsys.readouterr().err


@pytest.mark.parametrize("form", [(), ("--json",), ("--explain", "1")])
def test_fail_on_finding_ends_with_1_only_where_something_is_found(
    traces: Callable[..., None],
    snapshot: Snapshot,
    leaking_snapshot: Snapshot,
    form: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    traces(clean=snapshot, leak=leaking_snapshot)
    assert main(["analyze", "leak.etl", "--fail-on-finding", *form]) == ExitCode.FOUND
    assert main(["analyze", "leak.etl", *form]) == ExitCode.DONE
    if form != ("--explain", "1"):
        assert main(["analyze", "clean.etl", "--fail-on-finding", *form]) == ExitCode.DONE
        assert main(["analyze", "clean.etl", "leak.etl", "--fail-on-finding", *form]) == ExitCode.FOUND
    assert capsys.readouterr().err == ""


def test_a_filter_that_leaves_the_finding_out_leaves_nothing_to_fail_on(
    traces: Callable[..., None], leaking_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=leaking_snapshot)
    assert main(["analyze", "leak.etl", "--fail-on-finding", "--tag", "File"]) == ExitCode.DONE
    assert "3 findings of this trace are outside of the selection" in capsys.readouterr().out
    assert main(["analyze", "leak.etl", "--fail-on-finding", "--tag", "Irp"]) == ExitCode.FOUND


def test_a_graver_outcome_counts_before_a_finding(
    traces: Callable[..., None], leaking_snapshot: Snapshot, story: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    story.loss = type(leaking_snapshot.loss)(1, 0, ())
    lossy = story.make()
    story.partial = True
    traces(lossy=lossy, partial=story.make())
    assert main(["analyze", "lossy.etl", "--fail-on-finding"]) == ExitCode.FOUND
    assert main(["analyze", "lossy.etl", "--fail-on-finding", "--strict"]) == ExitCode.INCOMPLETE
    assert main(["analyze", "partial.etl", "--fail-on-finding"]) == ExitCode.INTERRUPTED


def test_explain_tells_one_finding_instead_of_the_report(
    traces: Callable[..., None], leaking_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=leaking_snapshot)
    assert main(["analyze", "leak.etl", "--explain", "2"]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "LEAK 2: afd.sys" in out
    assert "Outstanding by tag" not in out


def test_explain_changes_nothing_under_json(
    traces: Callable[..., None], leaking_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
) -> None:
    traces(leak=leaking_snapshot)
    assert main(["analyze", "leak.etl", "--json"]) == ExitCode.DONE
    plain = capsys.readouterr().out
    assert main(["analyze", "leak.etl", "--json", "--explain", "1"]) == ExitCode.DONE
    assert capsys.readouterr().out == plain


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["leak.etl", "--explain", "9"], "the trace has 3 findings"),
        (["clean.etl", "--explain", "1"], "the trace has none"),
        (["leak.etl", "--explain", "1", "--tag", "AfdB"], "the filters leave it out"),
        (["leak.etl", "leak.etl", "--explain", "1"], "findings are numbered trace by trace"),
    ],
)
def test_a_finding_that_is_not_there_is_wrong_use_told_in_four_lines(
    traces: Callable[..., None],
    snapshot: Snapshot,
    leaking_snapshot: Snapshot,
    words: list[str],
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    traces(leak=leaking_snapshot, clean=snapshot)
    assert main(["analyze", *words]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    what, where, told, then = err.splitlines()
    assert what.startswith("poolscope analyze: ")
    assert "trace" in where or "leak.etl" in where
    assert told == f"  why    {why}"
    assert then.startswith("  next   ")


@pytest.mark.parametrize("name", [entry.name for entry in registry.COMMANDS])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == ExitCode.DONE
    assert f"usage: poolscope {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("export", "  .csv             csv         a table for a spreadsheet"),
        ("report", "  .md              markdown    the report as text"),
        ("simulate", "  missing-free "),
    ],
)
def test_help_keeps_the_lines_of_a_list(name: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == ExitCode.DONE
    assert any(said.startswith(line) for said in capsys.readouterr().out.splitlines())


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("poolscope ")


def test_each_kind_of_error_has_its_code() -> None:
    errors = [UsageError("x", "x"), InputError("x", "x"), MachineError("x", "x"), PoolscopeError("x", "x")]
    assert [exit_code_of(error) for error in errors] == [2, 3, 4, 70]


def test_of_several_outcomes_the_gravest_counts() -> None:
    assert worst_exit_code([]) == ExitCode.DONE
    assert worst_exit_code([ExitCode.DONE, ExitCode.INCOMPLETE, ExitCode.FOUND]) == ExitCode.INCOMPLETE
    assert worst_exit_code([ExitCode.INCOMPLETE, ExitCode.INPUT, ExitCode.DONE]) == ExitCode.INPUT


class ClosedPipe(io.StringIO):
    def write(self, _text: str, /) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("words", [["analyze", "leak.etl"], ["analyze", "leak.etl", "--json"], ["info", "leak.etl"]])
def test_a_reader_that_leaves_early_is_no_error(
    traces: Callable[..., None],
    snapshot: Snapshot,
    words: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    traces(leak=snapshot)
    monkeypatch.setattr("sys.stdout", ClosedPipe())
    assert main(words) == ExitCode.DONE
    assert capsys.readouterr().err == ""


HEAVY = ("numba", "numpy", "textual", "rich", "networkx")


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], [], ["analyze", "--help"], ["info", "--help"], ["simulate", "-h"]]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    done = run(
        f"import sys; from tui.cli import main; main({words!r}); print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_stdout_in_ascii_does_not_crash_over_a_name(story: Any) -> None:
    code = (
        "import sys; from tui.streams import accept_any_text; accept_any_text();"
        "from tui.console import console, write_lines; from rich.text import Text;"
        "write_lines([Text('gr\\xf6\\xdfe \\u65e5\\u672c \\u25b2')], console()); sys.stderr.write('\\u65e5')"
    )
    done = run(code, env={"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    assert done.stdout == "gr\\xf6\\xdfe \\u65e5\\u672c \\u25b2\n"


def test_python_dash_m_tui_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "poolscope", "--help"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("usage: poolscope")
