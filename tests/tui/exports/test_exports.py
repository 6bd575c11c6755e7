"""Each export is opened by its own ecosystem's reader, and says the same numbers as the document of ``--json``."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import networkx as nx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import sync_playwright

from analyzers.snapshot import Snapshot
from fixtures.demo import DEMO_TRACE
from tests.tui.browsers import BROWSER_FLAGS, browser_path
from tests.tui.exports.readers import profile_of, published
from tui.cli import main
from tui.commands.export import _TABLES
from tui.exit_codes import ExitCode
from tui.exports.arrow_files import arrow_table, parquet
from tui.exports.registry import FORMS
from tui.exports.sarif import sarif
from tui.exports.table_files import csv_lines
from tui.exports.tables import TABLES, outstanding

Export = Callable[..., Path]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    def exported(name: str, *words: str, trace: Path = DEMO_TRACE) -> Path:
        path = tmp_path / name
        assert main(["export", str(trace), "--to", str(path), "--quiet", *words]) == ExitCode.DONE
        return path

    return exported


@pytest.fixture
def document(capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["analyze", str(DEMO_TRACE), "--json", "--quiet"]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def totals(document: Any) -> dict[str, int]:
    return {name: document["pool"][f"outstanding_{name}"] for name in ("count", "bytes")}


def _csv(path: Path) -> io.StringIO:
    return io.StringIO(path.read_bytes().decode())


def test_csv_has_every_outstanding_allocation(export: Export, totals: dict[str, int]) -> None:
    rows = list(csv.DictReader(_csv(export("a.csv"))))
    assert (len(rows), sum(int(row["bytes"]) for row in rows)) == (totals["count"], totals["bytes"])
    assert {row["address"][:2] for row in rows} == {"0x"}


def test_ndjson_has_every_outstanding_allocation(export: Export, totals: dict[str, int]) -> None:
    rows = [json.loads(line) for line in export("a.ndjson").read_text(encoding="utf-8").splitlines()]
    assert (len(rows), sum(row["bytes"] for row in rows)) == (totals["count"], totals["bytes"])
    assert {type(row["paged"]) for row in rows} == {bool}
    assert all(row["stack_id"] is None or row["stack_id"] >= 0 for row in rows)


def test_pyarrow_and_duckdb_read_parquet(export: Export, totals: dict[str, int]) -> None:
    path = export("a.parquet")
    table = pq.read_table(path)
    assert str(table.schema.field("address").type) == "uint64"
    assert sum(table.column("bytes").to_pylist()) == totals["bytes"]
    asked = f"select count(*), sum(bytes), min(address) from '{path}'"
    [counted] = duckdb.connect().execute(asked).fetchall()
    assert counted == (totals["count"], totals["bytes"], min(table.column("address").to_pylist()))


def test_a_large_table_is_written_in_pieces(big_snapshot: Callable[[int], Snapshot]) -> None:
    table = outstanding(big_snapshot(200_000))
    pieces = list(parquet(table))
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert file.metadata.num_rows == 200_000
    assert max(file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)) == 65_536
    assert file.read().equals(arrow_table(table))
    lines = list(csv_lines(table))
    assert max(map(len, lines)) < 200_000
    assert b"".join(lines).count(b"\n") == 200_001


def test_folded_stacks_weigh_what_is_outstanding(export: Export, totals: dict[str, int]) -> None:
    for weight in ("bytes", "count"):
        path = export(f"{weight}.folded", "--weight", f"outstanding-{weight}")
        lines = [line.rpartition(" ") for line in path.read_text(encoding="utf-8").splitlines()]
        assert sum(int(value) for _, _, value in lines) == totals[weight]
        assert all(stack.endswith("paged)") for stack, _, _ in lines)
        assert len(lines) == len({stack for stack, _, _ in lines})


def test_allocated_bytes_count_what_was_freed_too(export: Export, document: Any) -> None:
    def weighed(weight: str) -> int:
        lines = export(f"{weight}.folded", "--weight", weight).read_text(encoding="utf-8").splitlines()
        return sum(int(line.rpartition(" ")[2]) for line in lines)

    assert weighed("allocated-bytes") > 2 * weighed("outstanding-bytes")
    assert document["pool"]["frees"] > document["pool"]["outstanding_count"]


def test_protobuf_reads_the_profile(export: Export, totals: dict[str, int]) -> None:
    profile = profile_of(export("a.pb.gz").read_bytes())
    strings = profile.string_table
    assert strings[0] == ""
    assert [strings[each.type] for each in profile.sample_type] == ["outstanding_bytes", "outstanding_count"]
    assert [sum(each.value[at] for each in profile.sample) for at in (0, 1)] == [totals["bytes"], totals["count"]]
    functions = {each.id: strings[each.name] for each in profile.function}
    locations = {each.id: each for each in profile.location}
    mappings = {each.id: strings[each.filename] for each in profile.mapping}
    for sample in profile.sample:
        for location in map(locations.__getitem__, sample.location_id):
            assert functions[location.line[0].function_id].startswith(mappings[location.mapping_id])
    assert {strings[label.key] for each in profile.sample for label in each.label} == {"tag", "pool", "driver"}


def test_speedscope_has_every_stack_by_its_published_schema(export: Export, totals: dict[str, int]) -> None:
    document = json.loads(export("a.speedscope.json").read_text(encoding="utf-8"))
    [profile] = document["profiles"]
    assert profile["unit"] == "bytes"
    assert sum(profile["weights"]) == profile["endValue"] == totals["bytes"]
    assert max(max(sample) for sample in profile["samples"]) == len(document["shared"]["frames"]) - 1
    jsonschema.validate(document, _published("speedscope/file-format-schema.json"))


def test_sarif_has_every_finding_by_the_published_schema(export: Export, document: Any) -> None:
    written = json.loads(export("a.sarif").read_text(encoding="utf-8"))
    [run] = written["runs"]
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    assert [each["ruleId"] for each in run["results"]] == [each["verdict"] for each in document["findings"]]
    for result, finding in zip(run["results"], document["findings"], strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert finding["says"] in result["message"]["text"]
        assert result["properties"]["bytes"] == finding["bytes"]
    jsonschema.validate(written, _published("sarif.schema.json"))


def test_sarif_of_a_trace_that_tells_nothing_says_so(broken_snapshot: Snapshot, empty_snapshot: Snapshot) -> None:
    for snapshot, said in ((broken_snapshot, "lost"), (empty_snapshot, "no pool events")):
        document = json.loads(b"".join(sarif(snapshot)))
        [invocation] = document["runs"][0]["invocations"]
        notes = [each["message"]["text"] for each in invocation["toolExecutionNotifications"]]
        assert any(said in note for note in notes), notes


def _published(name: str) -> Any:
    """A schema that a format's owner publishes, in the folder that .ci/run has laid them in."""
    return json.loads((published() / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("suffix", "read"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
def test_networkx_reads_the_retention_graph(
    suffix: str, read: Callable[[Path], nx.DiGraph], export: Export, totals: dict[str, int]
) -> None:
    graph = read(export(f"a.{suffix}"))
    groups = [data for _, data in graph.nodes(data=True) if data["kind"] == "allocations"]
    assert sum(data["count"] for data in groups) == totals["count"]
    assert sum(data["bytes"] for data in groups) == totals["bytes"]
    assert {data["kind"] for _, data in graph.nodes(data=True)} >= {"process", "thread", "pending-apc"}
    assert all(isinstance(data["inferred"], bool) for _, _, data in graph.edges(data=True))


def test_the_counters_end_with_what_is_outstanding(export: Export, document: Any) -> None:
    events = json.loads(export("a.trace.json").read_text(encoding="utf-8"))["traceEvents"]
    last = {event["name"]: event["args"]["bytes"] for event in events if event["ph"] == "C"}
    assert sum(last.values()) == document["pool"]["outstanding_bytes"]
    opened, closed = ([event for event in events if event["ph"] == phase] for phase in "be")
    assert len(opened) == len(closed) == len(document["held_requests"])
    ends = {(event["id"], event["pid"]): event["ts"] for event in closed}
    assert all(event["ts"] <= ends[event["id"], event["pid"]] for event in opened)


def test_a_finding_alone_is_exported(export: Export, document: Any) -> None:
    first = document["findings"][0]
    rows = list(csv.DictReader(_csv(export("a.csv", "--finding", "1"))))
    assert {row["finding"] for row in rows} == {"1"}
    assert sum(int(row["bytes"]) for row in rows) >= first["bytes"]
    assert len(rows) < document["pool"]["outstanding_count"]


def test_filters_are_those_of_analyze(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(_csv(export("a.csv", "--tag", "Nbuf"))))
    assert {row["tag"] for row in rows} == {"Nbuf"}
    assert main(["export", str(DEMO_TRACE), "--to", "x.csv", "--tag", "nbuf", "-q"]) == ExitCode.USAGE
    assert "Nbuf" in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_no_form_is_written_over_another_file_unasked(form: Any, export: Export, tmp_path: Path) -> None:
    path = tmp_path / f"x{form.suffix}"
    path.write_text("mine", encoding="utf-8")
    assert main(["export", str(DEMO_TRACE), "--to", str(path), "-q"]) == ExitCode.USAGE
    assert path.read_text(encoding="utf-8") == "mine"
    export(path.name, "--force")
    assert path.read_bytes() not in (b"", b"mine")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_stdout_takes_any_form_that_is_named(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["export", str(DEMO_TRACE), "--to", "-", "--format", "csv", "-q"]) == ExitCode.DONE
    rows = list(csv.reader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert rows[0][:3] == ["address", "bytes", "time_ns"]
    assert main(["export", str(DEMO_TRACE), "--to", "-", "-q"]) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "x.what"], "no form has that end"),
        (["--to", "x.html"], "; poolscope report writes .html"),
        (["--to", "x.csv", "--weight", "outstanding-bytes"], "--weight does not go with csv"),
        (["--to", "x.folded", "--table", "tags"], "--table does not go with folded"),
        (["--to", "x.csv", "--table", "nothing"], "one of outstanding, sites"),
        (["--to", "x.csv", "--table", "allocations"], 'others: poolscope sql TRACE "from allocations" --to FILE'),
        (["--to", "x.csv", "--finding", "99"], "no finding 99"),
        (["--to", "x.folded", "--weight", "allocated-bytes", "--process", "client"], "not by process or time"),
        (["--to", "x.folded", "--weight", "allocated-bytes", "--until", "1s"], "--until does not go with"),
    ],
)
def test_what_cannot_be_exported_is_a_usage_error(
    words: list[str], said: str, folder_of_its_own: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(DEMO_TRACE), *words, "-q"]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_tables_that_help_lists_are_those_that_there_are() -> None:
    assert tuple(TABLES) == _TABLES


def test_the_frames_of_a_stack_stand_in_one_cell_without_escapes(export: Export) -> None:
    rows = list(csv.DictReader(_csv(export("a.csv", "--table", "stacks"))))
    assert all(row["frames"].count(" < ") == int(row["depth"]) - 1 for row in rows)
    assert not any("\\x" in row["frames"] for row in rows)


@pytest.mark.parametrize("words", [["export"], ["report"], ["sql"]])
def test_the_trace_itself_is_not_written_over(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "t.csv.html"
    trace.write_bytes(DEMO_TRACE.read_bytes())
    (tmp_path / "here").symlink_to(trace)
    form = "html" if words == ["report"] else "csv"
    query = ["select 1"] if words == ["sql"] else []
    for name in ("t.csv.html", "here"):
        said = [*words, str(trace), *query, "--to", str(tmp_path / name), "--format", form, "--force", "-q"]
        assert main(said) == ExitCode.USAGE
        assert "this is a file that is read" in capsys.readouterr().err
    assert trace.read_bytes() == DEMO_TRACE.read_bytes()


def test_what_cannot_be_written_leaves_nothing_half_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", str(DEMO_TRACE), "-q", "--to"]
    assert main([*words, str(tmp_path / "nowhere/x.csv")]) == ExitCode.OUTPUT
    said = capsys.readouterr().err
    assert "cannot write the csv file" in said
    assert f"where  {tmp_path / 'nowhere/x.csv'}\n" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "begins"), [("r.html", "<!doctype html>"), ("r.md", "# 1 leak in ")])
def test_the_report_is_written_whole(name: str, begins: str, tmp_path: Path, document: Any) -> None:
    path = tmp_path / name
    assert main(["report", str(DEMO_TRACE), "--to", str(path), "-q"]) == ExitCode.DONE
    text = path.read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert all(finding["says"] in text.replace("\\", "") for finding in document["findings"])


def test_a_report_is_a_page_or_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(DEMO_TRACE), "--to", str(tmp_path / "r.csv"), "-q"]) == ExitCode.USAGE
    assert "ends in .html, .md, .pdf; poolscope export writes .csv" in capsys.readouterr().err


def test_speedscope_opens_the_file(export: Export, tmp_path: Path) -> None:
    data = base64.b64encode(export("a.speedscope.json").read_bytes()).decode()
    script = tmp_path / "profile.js"  # as speedscope's own command hands over a file
    script.write_text(f"speedscope.loadFileFromBase64('a.speedscope.json', '{data}')", encoding="utf-8")
    page_file = (published() / "speedscope/index.html").as_uri()
    with sync_playwright() as driver:
        flags = [*BROWSER_FLAGS, "--allow-file-access-from-files"]
        browser = driver.chromium.launch(executable_path=browser_path(), args=flags)
        page = browser.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{page_file}#localProfilePath={script}")
        page.wait_for_function("document.title.includes('outstanding-bytes')")
        assert "Left Heavy" in page.inner_text("body")
        browser.close()
    assert wrong == []
