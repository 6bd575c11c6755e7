"""Filters take one language everywhere, and one that fits nothing is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.selection.wording import WordKind, names_of
from analyzers.snapshot import Snapshot
from fixtures.etl.options import TraceOptions
from fixtures.etl.writer import EtlWriter
from fixtures.settings import Settings
from fixtures.simulate import simulate
from tui.cli import main
from tui.exit_codes import ExitCode

POOL_HOOKS = range(0x0E20, 0x0E30)


@pytest.fixture(scope="module")
def two_leaks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("two-leaks") / "two.etl"
    simulate("two-leaks", 0, Settings()).write(path)
    return path


@pytest.mark.parametrize(
    ("kind", "word", "fitting", "others"),
    [
        (WordKind.TAG, "Irp", ["Irp ", "IrpX"], ["irp ", "Ir"]),
        (WordKind.TAG, "=Irp", ["Irp "], ["IrpX", "irp "]),
        (WordKind.TAG, "Ir?", ["Irp "], ["IrpX"]),
        (WordKind.TAG, "*p", ["Irp "], ["IrpX", "IRP "]),
        (WordKind.DRIVER, "contoso", ["contosodev.sys", "ContosoFlt.sys"], ["ntfs.sys"]),
        (WordKind.DRIVER, "=nt", ["nt", "NT.sys"], ["ntfs.sys"]),
        (WordKind.DRIVER, "afd.sys", ["afd", "AFD.SYS"], ["afd2.sys"]),
        (WordKind.PROCESS, "serv*", ["service.exe", "SERVER.EXE"], ["myservice.exe"]),
        (WordKind.PROCESS, "SYS", ["System"], ["client"]),
    ],
)
def test_a_word_is_part_of_a_name_or_with_wild_cards_all_of_it(
    kind: WordKind, word: str, fitting: list[str], others: list[str]
) -> None:
    fits = names_of(kind, word)
    assert [name for name in fitting + others if fits(name)] == fitting


@pytest.mark.parametrize("words", [["--driver", "contoso"], ["--process", "serv*"], ["--driver", "CONTOSODEV"]])
def test_a_part_of_a_name_finds_the_leak_that_a_whole_name_finds(
    words: list[str], two_leaks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(two_leaks), "--fail-on-finding", "--quiet", *words]) == ExitCode.FOUND
    assert "LEAK 1: contosodev.sys" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why", "then"),
    [
        (["--tag", "ctrq"], "case counts in pool tags, and the trace has CtRq; besides it has MmSt, ", "--tag CtRq"),
        (["--tag", "CtRx"], "the trace has MmSt, CtRq", "--tag CtRq"),
        (["--driver", "contosdev.sys"], "the trace has nt, contosodev.sys, ", "--driver contosodev.sys"),
        (["--process", "4711"], ", System (4), ", "leave out --process to see them all"),
        (["--tag", "CtRq", "--tag", "nope"], "the trace has MmSt, ", "leave out --tag to see them all"),
    ],
)
def test_a_filter_that_fits_nothing_is_wrong_use_and_what_is_there_is_named(
    words: list[str], why: str, then: str, two_leaks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(two_leaks), "--fail-on-finding", "--quiet", "--json", *words]) == ExitCode.USAGE
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "fits-nothing"
    assert f"fits '{words[-1]}'" in error["what"]
    assert why in error["why"]
    assert error["next"] == then


def test_a_driver_that_never_allocated_the_tag_is_no_trace_without_leaks(
    two_leaks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["analyze", str(two_leaks), "--fail-on-finding", "--quiet", "--json", "--tag", "MmSt", "--driver"]
    assert main([*words, "contosodev.sys"]) == ExitCode.USAGE
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["what"] == "nothing in the trace fits tag MmSt, driver contosodev.sys together"
    assert error["why"] == "what has that tag is allocated by nt"
    assert main([*words, "nt"]) == ExitCode.DONE


def test_an_id_of_many_digits_is_no_process_and_zeros_before_one_are_nothing(
    two_leaks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(two_leaks), "--process", "9" * 5000]) == ExitCode.USAGE
    assert main(["analyze", str(two_leaks), "--process", "=0004", "--process", "0"]) == ExitCode.DONE


def test_of_many_names_the_first_few_are_told(two_leaks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["analyze", str(two_leaks), "--quiet", "--tag", "none at all"])
    told = capsys.readouterr().err
    assert "CM25 and 2 more\n" in told


def test_a_process_that_holds_nothing_is_there_all_the_same(
    traces: Callable[..., None],
    snapshot: Snapshot,
    capsys: pytest.CaptureFixture[str],
) -> None:
    traces(leak=snapshot)
    snapshot.names.processes[7] = "idle.exe"  # type: ignore[attr-defined]
    assert main(["analyze", "leak.etl", "--process", "idle", "--fail-on-finding"]) == ExitCode.DONE
    assert main(["analyze", "leak.etl", "--process", "idol", "--fail-on-finding"]) == ExitCode.USAGE


def test_with_several_traces_it_is_a_warning_for_each_that_lacks_it(
    traces: Callable[..., None],
    snapshot: Snapshot,
    leaking_snapshot: Snapshot,
    capsys: pytest.CaptureFixture[str],
) -> None:
    traces(clean=snapshot, leak=leaking_snapshot)
    assert main(["analyze", "clean.etl", "leak.etl", "--tag", "irp"]) == ExitCode.DONE
    err = capsys.readouterr().err
    assert err.count("warning: ") == 2
    assert "no tag in the trace fits 'irp'" in err


def test_what_was_read_in_part_may_hold_it_yet(
    traces: Callable[..., None],
    broken_snapshot: Snapshot,
    capsys: pytest.CaptureFixture[str],
) -> None:
    traces(cut=broken_snapshot)
    assert main(["analyze", "cut.etl", "--driver", "nobody"]) == ExitCode.INTERRUPTED
    assert "warning: " in capsys.readouterr().err


def test_no_word_at_all_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("", " ", "="):
        assert main(["analyze", "leak.etl", "--tag", word]) == ExitCode.USAGE


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--strict"], 6), (["--fail-on-finding"], 6)])
def test_a_trace_without_pool_events_clears_nobody(
    words: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.etl"
    records = simulate("churn", 0, Settings(iterations=3)).records
    others = [record for record in records if record.hook not in POOL_HOOKS]
    assert len(others) < len(records)
    path.write_bytes(EtlWriter(TraceOptions(processors=4)).write(others))
    assert main(["analyze", str(path), "--json", "--quiet", *words]) == code
    evidence = json.loads(capsys.readouterr().out)["evidence"]
    assert (evidence["pool"], evidence["judged"]) == (False, False)
    assert "POOL" in evidence["record"]
