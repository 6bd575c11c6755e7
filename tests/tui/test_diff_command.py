"""``poolscope diff``: text, document and Markdown of what changed."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.settings import Drain, Settings, StackMode
from fixtures.simulate import simulate
from tui.cli import main
from tui.exit_codes import ExitCode
from tui.reading.compared import notes
from tui.reading.one_snapshot import read_each


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


def test_one_form_is_asked_for(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *list(traces.values())[:2], "-q", "--json", "--markdown"]) == ExitCode.USAGE
    assert "not allowed with argument --json" in capsys.readouterr().err


def test_what_cannot_be_read_is_an_input_error(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", traces["clean"], traces["clean"] + ".nowhere", "-q"]) == ExitCode.INPUT
    assert "nowhere" in capsys.readouterr().err


def test_filters_leave_what_they_ask_for(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["diff", traces["clean"], traces["leak"], "-q", "--tag", "CtFl", "--driver", "contoso"]
    assert main([*words, "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert {each["what"] for each in document["changes"] if each["by"] == "tag"} == {"CtFl (nonpaged)"}
    assert {each["by"] for each in document["changes"]} == {"tag", "driver", "site", "process", "verdict"}
    assert document["filter"] == {"tag": ["CtFl"], "process": [], "driver": ["contoso"], "function": []}
    assert main(words) == ExitCode.DONE
    assert "Limited to tag CtFl, driver contoso" in capsys.readouterr().out


def test_a_filter_that_fits_one_of_the_traces_is_right_and_one_that_fits_none_is_wrong(
    traces: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", traces["leak"], traces["clean"], "-q", "--tag", "CtFl"]) == ExitCode.DONE
    assert "gone  CtFl" in capsys.readouterr().out
    assert main(["diff", traces["leak"], traces["clean"], "-q", "--tag", "Nope"]) == ExitCode.USAGE
    assert "no tag in the trace fits 'Nope'" in capsys.readouterr().err
    apart = ["diff", traces["leak"], traces["clean"], "-q", "--tag", "CtFl", "--driver", "ntfs.sys"]
    assert main(apart) == ExitCode.USAGE
    assert "fits tag CtFl, driver ntfs.sys together" in capsys.readouterr().err


def test_one_that_cannot_be_read_is_left_out_of_a_series(
    traces: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junk = tmp_path / "junk.etl"
    junk.write_bytes(b"text " * 100)
    words = ["diff", traces["clean"], str(junk), traces["leak"], "-q"]
    assert main(words) == ExitCode.INPUT
    told = capsys.readouterr()
    assert f"left out: {junk}: this is a text file" in told.out
    assert "new   CtFl" in told.out
    assert "not an .etl trace" in told.err
    assert main([*words, "--json"]) == ExitCode.INPUT
    document = json.loads(capsys.readouterr().out)
    assert [each["path"] for each in document["traces"]] == [traces["clean"], traces["leak"]]
    assert [(each["path"], each["error"]["code"]) for each in document["unread"]] == [(str(junk), "not-etl")]
    assert main(["diff", traces["clean"], str(junk), "-q"]) == ExitCode.INPUT
    assert capsys.readouterr().out == "", "without the last trace there is nothing to compare"


def test_what_makes_one_doubt_a_trace_is_said_beside_it(
    traces: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lossy, bare = tmp_path / "lossy.etl", tmp_path / "bare.etl"
    simulate("missing-free", 8, Settings(iterations=150, lost_events=0.05)).write(lossy)
    simulate("missing-free", 9, Settings(iterations=150, stacks=StackMode.NONE)).write(bare)
    assert main(["diff", traces["clean"], traces["clean"], str(lossy), str(bare), "-q", "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    [none, same, lost, stackless] = [" ".join(each["notes"]) for each in document["traces"]]
    assert none == ""
    assert same == "the same recording as 1"
    assert "events lost" in lost
    assert "a free that is missing looks like memory that is kept" in lost
    assert stackless == "no call stacks: drivers and call sites are not compared"
    assert not {"driver", "site"} & {each["by"] for each in document["changes"]}
    assert main(["diff", traces["clean"], str(lossy), traces["leak"], "-q", "--markdown"]) == ExitCode.DONE
    assert "events lost" in capsys.readouterr().out


def test_a_trace_without_pool_events_is_no_clean_one(
    traces: dict[str, str], samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = next(path for path in sorted(samples.rglob("*.etl")) if path.stat().st_size < 1 << 20)
    words = ["diff", str(empty), traces["leak"], "-q"]
    assert main(words) == ExitCode.DONE
    said = capsys.readouterr().out
    assert said.startswith("CANNOT TELL")
    assert "no pool events" in said
    assert "poolscope record pool.etl" in said
    assert main([*words, "--json", "--fail-on-change"]) == ExitCode.UNJUDGED
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["changes"]) == ("unjudged", [])
    assert main([*words, "--markdown"]) == ExitCode.DONE
    assert "# Cannot tell" in capsys.readouterr().out


def test_a_short_trace_tells_no_rate_and_a_longer_one_by_the_second(
    traces: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", traces["clean"], traces["leak"], "-q"]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert not [word for word in ("an hour", "a second") if word in said]
    clean, leak = tmp_path / "clean.etl", tmp_path / "leak.etl"
    for path, kind in ((clean, "cache"), (leak, "missing-free")):
        simulate(kind, 1, Settings(iterations=150, think_ns=20_000_000)).write(path)
    assert main(["diff", str(clean), str(leak), "-q"]) == ExitCode.DONE
    assert " a second more" in capsys.readouterr().out


def test_a_call_site_begins_outside_of_the_kernel(traces: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", traces["clean"], traces["leak"], "-q"]) == ExitCode.DONE
    assert "new   CtFl (nonpaged): contosoflt.sys+0x" in capsys.readouterr().out


def test_the_interface_opens_on_the_changes(
    traces: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "changes.svg"
    words = ["tui", traces["leak"], "--screenshot", str(picture), "-q"]
    assert main([*words, "--before", traces["clean"], "--before", traces["again"]]) == ExitCode.DONE
    assert "CHANGED" in picture.read_text(encoding="utf-8")
    assert main([*words, "--force", "--view", "changes"]) == ExitCode.USAGE
    assert "--before EARLIER" in capsys.readouterr().err
    assert main([*words, "--force", "--before", traces["clean"] + ".nowhere"]) == ExitCode.INPUT


def test_traces_in_the_wrong_order_are_told(traces: dict[str, str]) -> None:
    args = argparse.Namespace(pooltag=None, quiet=True, symbols=None, symbol_server=False, map=None)
    clean, leak = read_each(args, [[Path(traces["clean"])], [Path(traces["leak"])]])
    later = replace(clean, info=replace(clean.info, start=leak.info.start + 1))
    assert notes([later, leak])[1] == ["recorded before 1: the older trace is named first"]
    assert notes([leak, later])[1] == []


def test_a_trace_without_a_drain_beside_one_that_has_one_is_told(traces: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "drained.etl"
    simulate("cache", 1, Settings(iterations=150, drain_ns=1_000_000_000, drain=Drain.MARKED)).write(path)
    args = argparse.Namespace(pooltag=None, quiet=True, symbols=None, symbol_server=False, map=None)
    clean, drained = read_each(args, [[Path(traces["clean"])], [path]])
    told = ["no drain, as another has: memory that is freed late looks as if it were kept"]
    assert notes([clean, drained]) == [told, []]
    assert notes([drained, drained])[0] == []
    assert notes([clean, clean])[0] == []
